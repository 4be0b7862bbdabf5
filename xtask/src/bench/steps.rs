//! The notification centre by itself: how many random steps it takes a second, as its example `steps` says.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::step::output_of;

/// Steps a second that are aimed at.
pub(super) const AIM: f64 = 100_000.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Steps {
    pub(super) per_second: f64,
    pub(super) per_cpu_second: f64,
}

impl Steps {
    pub(super) fn measure(example: &Path) -> Result<Steps> {
        let said = output_of(&mut Command::new(example))
            .with_context(|| format!("{} is not built, or failed", example.display()))?;
        eprint!("notification centre: {said}");
        read(&said).with_context(|| format!("the example said no rate: {said}"))
    }
}

/// `400000 steps a second, 410000 a second of CPU (…)`.
fn read(said: &str) -> Option<Steps> {
    let (per_second, rest) = said.split_once(" steps a second, ")?;
    let (per_cpu_second, _) = rest.split_once(" a second of CPU")?;
    Some(Steps { per_second: per_second.parse().ok()?, per_cpu_second: per_cpu_second.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_rates_are_read() {
        let steps = read("400000 steps a second, 410000 a second of CPU (7 outputs)\n").expect("it is said");
        assert_eq!(steps, Steps { per_second: 400_000.0, per_cpu_second: 410_000.0 });
        assert_eq!(read("nothing"), None);
    }
}
