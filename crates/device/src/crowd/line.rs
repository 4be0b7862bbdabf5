//! A fleet device's life: off while it has no network, else connected or on its way, until the fleet ends. One task for
//! each; what only a connection needs is let go with it, and buffers that aren't in use are given back.
//!
//! What stands on the connection is `link`'s, what the device makes of it `mobile`'s.

use std::convert::Infallible;
use std::num::NonZeroU16;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use homing_link::{Disconnect, Packet, ReasonCode, Version, decode};
use homing_trace::UnixMillis;
use tokio::io::{AsyncRead as _, AsyncWrite as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{SemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_rustls::client::TlsStream;

use super::mobile::{Mobile, RECEIVE_MAXIMUM};
use super::world::World;
use crate::backoff::{Backoff, CAP, random_byte};
use crate::enrol::{EnrolError, enrol};
use crate::link::GOOD_AFTER;
use crate::link::session::{Accepted, Terms, introduce};
use crate::link::wire::{Ended, MAX_PACKET, Wire};
use crate::store::Identity;
use crate::tls::Speak;

/// Small, since each device may have as many unanswered at any time.
const TERMS: Terms = Terms {
    receive_maximum: match NonZeroU16::new(RECEIVE_MAXIMUM) {
        Some(most) => most,
        None => NonZeroU16::MIN,
    },
    keep_alive: Duration::from_secs(300),
    receipt_window: 8,
};
/// What is read in one go.
const READ: usize = 4_096;

/// Why a device has no connection.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    #[error("the device's identity can't be written down")]
    Keep,
    #[error(transparent)]
    Link(#[from] Ended),
}

/// Lives until `stop` says so; gives who the device was.
pub(crate) async fn live(
    world: Arc<World>,
    device: u64,
    identity: Option<Identity>,
    mut stop: watch::Receiver<bool>,
) -> Option<Identity> {
    let mut mobile = Box::new(Mobile::new(Arc::clone(&world), device, identity));
    let mut backoff = Backoff::default();
    let mut from = Instant::now();
    while !*stop.borrow() {
        mobile.live(world.clock.now());
        let online = mobile.is_online();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = until(&world, mobile.next()) => continue,
            () = sleep_until(from), if online => {}
        }
        let place = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            place = world.gate.enter() => place,
        };
        // Boxed, so that a device without a connection doesn't hold the room for one.
        let wait = Box::pin(attempt(&world, &mut mobile, place, &mut stop, &mut backoff)).await;
        from = Instant::now() + wait;
    }
    if mobile.is_online() {
        world.counts.online.down();
    }
    mobile.identity
}

/// One attempt to be connected, and the connection if there is one; then how long to wait.
async fn attempt(
    world: &World,
    mobile: &mut Mobile,
    place: Option<SemaphorePermit<'_>>,
    stop: &mut watch::Receiver<bool>,
    backoff: &mut Backoff,
) -> Duration {
    if mobile.identity.is_none()
        && let Some(closed_for) = world.gate.closed_for()
    {
        // Not all at the first moment, either.
        return closed_for + backoff.next(random_byte());
    }
    let begun = Instant::now();
    let Err(trouble) = connect(world, mobile, place, stop).await;
    let refused = match &trouble {
        Trouble::Link(Ended::Offline | Ended::PhoneGone) => return Duration::ZERO,
        Trouble::Link(ended) => ended.is_refusal(),
        Trouble::Enrol(_) | Trouble::Keep => true,
    };
    tracing::debug!(device = mobile.device(), why = %trouble, "a device of the fleet lost the push service");
    world.counts.failed(trouble.to_string());
    if begun.elapsed() >= GOOD_AFTER && !refused {
        backoff.reset();
    }
    let wait = backoff.next(random_byte());
    match trouble {
        Trouble::Enrol(error) => {
            let asked = error.retry_after().inspect(|asked| world.gate.spare(*asked));
            asked.map_or(wait, |asked| asked + wait)
        }
        Trouble::Link(_) if refused => CAP / 2 + wait / 2,
        Trouble::Link(_) | Trouble::Keep => wait,
    }
}

async fn connect(
    world: &World,
    mobile: &mut Mobile,
    place: Option<SemaphorePermit<'_>>,
    stop: &mut watch::Receiver<bool>,
) -> Result<Infallible, Trouble> {
    // Boxed, so that who is connected doesn't hold the room for becoming so.
    let (mut pipe, accepted) = Box::pin(introduced(world, mobile)).await?;
    drop(place);
    let mut wire = Wire::default();
    mobile.connected(accepted.receipt_window, &mut wire)?;
    world.counts.connected.up();
    let ended = exchange(world, mobile, (&mut pipe, &mut wire), accepted.keep_alive, stop).await;
    world.counts.connected.down();
    let Err(ended) = ended;
    match &ended {
        Ended::Offline | Ended::PhoneGone => pipe.leave(&mut wire).await,
        Ended::Io(_)
        | Ended::Closed
        | Ended::Decode(_)
        | Ended::Encode(_)
        | Ended::Refused(..)
        | Ended::Disconnected(..)
        | Ended::Protocol(_)
        | Ended::Silent
        | Ended::Overrun => world.counts.connections_lost.up(),
    }
    Err(ended.into())
}

/// A connection that the push service has taken.
async fn introduced(world: &World, mobile: &mut Mobile) -> Result<(Pipe, Accepted), Trouble> {
    let identity = match mobile.identity.clone() {
        Some(identity) => identity,
        None => become_known(world, mobile).await?,
    };
    let stream = world.dialler.dial(Speak::Mqtt).await.map_err(Ended::from)?;
    let mut pipe = Pipe { stream, read: Vec::new(), unflushed: false };
    let accepted = introduce(&mut pipe.stream, &identity, &TERMS, &mut pipe.read).await?;
    Ok((pipe, accepted))
}

/// Enrols, and uses what came of it once it is safe.
async fn become_known(world: &World, mobile: &mut Mobile) -> Result<Identity, Trouble> {
    let enrolment = enrol(&world.dialler, &world.enrolment_key).await?;
    let identity = Identity { device_id: enrolment.device_id.to_string(), secret: enrolment.secret };
    if let Some(identities) = &world.identities
        && !identities.keep(mobile.device(), &identity).await
    {
        return Err(Trouble::Keep);
    }
    world.counts.enrolled.up();
    mobile.identity = Some(identity.clone());
    Ok(identity)
}

/// Runs an open connection to its end, which is always an error.
async fn exchange(
    world: &World,
    mobile: &mut Mobile,
    (pipe, wire): (&mut Pipe, &mut Wire),
    keep_alive: Duration,
    stop: &mut watch::Receiver<bool>,
) -> Result<Infallible, Ended> {
    let beat = keep_alive.mul_f64(0.75);
    let (mut beats_at, mut pinged) = (Instant::now() + beat, false);
    loop {
        let now = world.clock.now();
        pipe.take_packets(wire, |news, wire| mobile.heard(news, now, wire))?;
        mobile.live(now);
        if *stop.borrow() {
            return Err(Ended::PhoneGone);
        }
        if !mobile.is_online() {
            return Err(Ended::Offline);
        }
        mobile.say(wire)?;
        wire.rest();
        let may_read = mobile.has_room();
        tokio::select! {
            moved = std::future::poll_fn(|cx| pipe.poll(cx, &mut wire.out, may_read)) => {
                if moved? == Moved::In {
                    pinged = false;
                }
            }
            () = until(world, mobile.next()) => {}
            () = sleep_until(beats_at) => {
                if pinged {
                    return Err(Ended::Silent);
                }
                pinged = true;
                beats_at = Instant::now() + beat;
                wire.say(&Packet::PingReq)?;
            }
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Waits for a moment on the devices' clock, or for ever.
async fn until(world: &World, at: Option<UnixMillis>) {
    match at {
        Some(at) => world.clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What was done with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    In,
    Out,
}

/// A connection, and what of its bytes isn't a whole packet yet.
struct Pipe {
    stream: TlsStream<TcpStream>,
    read: Vec<u8>,
    unflushed: bool,
}

impl Pipe {
    /// Writes, or reads where there is nothing to write. Holds no buffer while it waits.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        may_read: bool,
    ) -> Poll<Result<Moved, Ended>> {
        if !out.is_empty()
            && let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(cx, out)
        {
            let written = written?;
            out.drain(..written);
            self.unflushed = true;
            return Poll::Ready(Ok(Moved::Out));
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        if !may_read {
            return Poll::Pending;
        }
        let mut space = [0; READ];
        let mut came = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut came))?;
        if came.filled().is_empty() {
            return Poll::Ready(Err(Ended::Closed));
        }
        self.read.extend_from_slice(came.filled());
        Poll::Ready(Ok(Moved::In))
    }

    fn take_packets(
        &mut self,
        wire: &mut Wire,
        mut hear: impl FnMut(crate::link::FromLink, &mut Wire) -> Result<(), Ended>,
    ) -> Result<(), Ended> {
        let mut from = 0;
        while let Some((packet, taken)) =
            decode(self.read.get(from..).unwrap_or_default(), Version::V5, MAX_PACKET as usize)?
        {
            from += taken;
            if let Some(news) = wire.take(&packet)? {
                hear(news, wire)?;
            }
        }
        self.read.drain(..from);
        if self.read.is_empty() {
            self.read = Vec::new();
        }
        Ok(())
    }

    /// Says goodbye, so that the push service knows at once.
    async fn leave(&mut self, wire: &mut Wire) {
        if wire.say(&Packet::Disconnect(Disconnect::with(ReasonCode::Success))).is_err() {
            return;
        }
        let bye = async {
            self.stream.write_all(&wire.out).await?;
            self.stream.shutdown().await
        };
        // A push service that doesn't take the goodbye finds out by itself.
        tokio::select! {
            _ = bye => {}
            () = sleep(Duration::from_secs(1)) => {}
        }
    }
}
