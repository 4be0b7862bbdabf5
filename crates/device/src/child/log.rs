//! What processes write, in the device's log: line by line, each cut, and only so many a second.

use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

/// Longest part of a line that is kept, in bytes.
const LINE: usize = 1024;
/// Lines of a process in each second; the others are counted.
const LINES_A_SECOND: u32 = 50;

/// Reads until everybody who can write has ended.
pub(super) async fn keep(mut says: pipe::Receiver, device: String, bundle: String) {
    let mut lines = Lines::default();
    let mut pace = Pace { since: Instant::now(), lines: 0, dropped: 0 };
    let mut buffer = [0; 4096];
    loop {
        let read = match says.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        for line in lines.of(buffer.get(..read).unwrap_or_default()) {
            if let Some(dropped) = pace.admits(Instant::now()) {
                if dropped > 0 {
                    tracing::warn!(device, app = bundle, "{dropped} more lines of the app's are not kept");
                }
                tracing::info!(device, app = bundle, "{}", line.escape_debug());
            }
        }
    }
}

#[derive(Debug, Default)]
struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// The lines that these bytes end, each cut to [`LINE`].
    fn of(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut ended = Vec::new();
        let mut pieces = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let room = LINE.saturating_sub(self.open.len());
            self.open.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
            if pieces.peek().is_some() {
                ended.push(String::from_utf8_lossy(&self.open).into_owned());
                self.open.clear();
            }
        }
        ended
    }
}

#[derive(Debug)]
struct Pace {
    since: Instant,
    lines: u32,
    dropped: u64,
}

impl Pace {
    /// Whether a line is kept, and how many weren't since the last that was.
    fn admits(&mut self, now: Instant) -> Option<u64> {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            (self.since, self.lines) = (now, 0);
        }
        if self.lines >= LINES_A_SECOND {
            self.dropped += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_put_together_and_cut() {
        let mut lines = Lines::default();
        assert_eq!(lines.of(b"one\ntw"), ["one"]);
        assert_eq!(lines.of(b"o\n\n"), ["two", ""]);
        assert!(lines.of(&[b'x'; 3 * LINE]).is_empty());
        assert_eq!(lines.of(b"\nshort\n"), ["x".repeat(LINE), "short".to_owned()]);
    }

    #[test]
    fn a_flood_is_counted_and_told_with_the_next_line() {
        let start = Instant::now();
        let mut pace = Pace { since: start, lines: 0, dropped: 0 };
        let kept = (0..LINES_A_SECOND + 7).filter(|_| pace.admits(start).is_some()).count();
        assert_eq!(kept, LINES_A_SECOND as usize);
        assert_eq!(pace.admits(start + Duration::from_secs(1)), Some(7));
        assert_eq!(pace.admits(start + Duration::from_secs(1)), Some(0));
    }
}
