//! An MQTT connection after its CONNACK, in one task: what the device says, what the hub lets go out, and the timers.
//! Decides when the connection ends and with which word; topics are left to [`subscriptions`](super::subscriptions) and
//! [`publishes`](super::publishes).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use homing_link::{Disconnect, Packet, ReasonCode, Version, decode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Sleep;

use super::DevicePort;
use super::arrival::{Arrived, LONGEST_PACKET};
use super::wire::{FULL, Wire};
use crate::hub::Timers;
use crate::hub::session::{ACKNOWLEDGE_WITHIN, Farewell};

/// Why a conversation ended.
#[derive(Debug)]
pub(super) enum End {
    /// The device said DISCONNECT.
    Said(ReasonCode),
    /// The stream ended or broke.
    Gone(Option<std::io::Error>),
    /// We ended it.
    Ours(ReasonCode, &'static str),
}

impl End {
    fn of(farewell: Farewell) -> Self {
        match farewell {
            Farewell::TakenOver => {
                Self::Ours(ReasonCode::SessionTakenOver, "a newer connection of this device")
            }
            Farewell::ShuttingDown => Self::Ours(ReasonCode::ServerShuttingDown, "the push service stops"),
            Farewell::Removed => Self::Ours(ReasonCode::AdministrativeAction, "the enrolment was deleted"),
        }
    }
}

pub(super) struct Conversation<'a, S> {
    pub(super) port: &'a DevicePort,
    pub(super) arrived: Arrived,
    pub(super) wire: Wire<S>,
    heard_at: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What ended a wait.
enum Event {
    Heard(usize),
    Broken(std::io::Error),
    /// A timer may have run out.
    Time(Timers),
    /// The hub doesn't know this connection any more.
    Dismissed,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'a, S> {
    pub(super) fn new(port: &'a DevicePort, arrived: Arrived, wire: Wire<S>) -> Self {
        Self { port, arrived, wire, heard_at: Instant::now(), timer: None }
    }

    /// Talks until it ends. The connection has left the hub before the last word is said.
    pub(super) async fn hold(mut self) -> End {
        let end = self.talk().await;
        let Self { arrived: Arrived { connection, dialect, .. }, mut wire, .. } = self;
        drop(connection);
        if let End::Ours(code, reason) = &end {
            dialect.disconnect(*code, Some(reason), &mut wire.outbound);
        }
        wire.close().await;
        end
    }

    async fn talk(&mut self) -> End {
        loop {
            if let Err(end) = self.understand().await {
                return end;
            }
            match self.wait().await {
                Event::Heard(0) => return End::Gone(None),
                Event::Heard(_) => self.heard_at = Instant::now(),
                Event::Broken(error) => return End::Gone(Some(error)),
                Event::Dismissed => {
                    return End::of(self.arrived.parting.said().unwrap_or(Farewell::TakenOver));
                }
                Event::Time(timers) => {
                    if let Some(end) = self.time_out(timers) {
                        return end;
                    }
                }
            }
        }
    }

    /// Takes every complete packet out of the buffer.
    async fn understand(&mut self) -> Result<(), End> {
        let inbound = std::mem::take(&mut self.wire.inbound);
        let mut understood = 0;
        loop {
            match decode(&inbound[understood..], self.arrived.dialect.version, LONGEST_PACKET) {
                Ok(Some((packet, len))) => {
                    self.hear(packet).await?;
                    understood += len;
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::info!(device = %self.name(), %error, "a device says what is no MQTT");
                    let code = error.reason_code();
                    let is_large = code == ReasonCode::PacketTooLarge;
                    return Err(End::Ours(
                        code,
                        if is_large { "packet too large" } else { "malformed packet" },
                    ));
                }
            }
        }
        self.wire.put_back(inbound, understood);
        Ok(())
    }

    async fn hear(&mut self, packet: Packet<'_>) -> Result<(), End> {
        match packet {
            Packet::PubAck(ack) => {
                self.arrived.connection.acknowledge(ack.packet_id.get(), ack.code.is_error())
            }
            Packet::PingReq => self.arrived.dialect.answer(&Packet::PingResp, &mut self.wire.outbound),
            // Boxed, so that an idle device doesn't pay for what it seldom says.
            Packet::Publish(publish) => Box::pin(self.take_publish(&publish)).await?,
            Packet::Subscribe(subscribe) => Box::pin(self.subscribe(&subscribe)).await?,
            Packet::Unsubscribe(unsubscribe) => Box::pin(self.unsubscribe(&unsubscribe)).await?,
            Packet::Disconnect(Disconnect { code, .. }) => return Err(End::Said(code)),
            Packet::Auth(_) => {
                return Err(End::Ours(ReasonCode::ProtocolError, "no authentication method was agreed"));
            }
            Packet::Connect(_)
            | Packet::ConnAck(_)
            | Packet::PubRec(_)
            | Packet::PubRel(_)
            | Packet::PubComp(_)
            | Packet::SubAck(_)
            | Packet::UnsubAck(_)
            | Packet::PingResp => {
                return Err(End::Ours(ReasonCode::ProtocolError, "this packet has no place here"));
            }
        }
        Ok(())
    }

    async fn wait(&mut self) -> Event {
        std::future::poll_fn(|cx| self.poll_wait(cx)).await
    }

    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let timers = loop {
            let Some(timers) = self.pump(cx) else { return Poll::Ready(Event::Dismissed) };
            let was_full = self.wire.outbound.len() >= FULL;
            match self.wire.poll_drain(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Event::Broken(error)),
                // There may be more to send than fitted.
                Poll::Ready(Ok(())) if was_full => {}
                Poll::Ready(Ok(())) | Poll::Pending => break timers,
            }
        };
        // Who doesn't take what we say isn't listened to either.
        if self.wire.outbound.len() < FULL {
            match self.wire.poll_fill(cx) {
                Poll::Ready(Ok(len)) => return Poll::Ready(Event::Heard(len)),
                Poll::Ready(Err(error)) => return Poll::Ready(Event::Broken(error)),
                Poll::Pending => {}
            }
        }
        self.poll_timer(cx, timers).map(|()| Event::Time(timers))
    }

    /// Moves what may be sent from the hub into the buffer. `None` when this connection isn't the device's any more.
    fn pump(&mut self, cx: &Context<'_>) -> Option<Timers> {
        let (dialect, now) = (self.arrived.dialect, self.port.store.clock().now());
        let out = &mut self.wire.outbound;
        let has_room = out.len() < FULL;
        self.arrived.connection.pump(cx.waker(), has_room, &mut |outgoing| dialect.write(outgoing, now, out))
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, timers: Timers) -> Poll<()> {
        let Some(due) = self.due(timers) else { return Poll::Pending };
        let due = tokio::time::Instant::from_std(due);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        // A timer that is set too early wakes us once more; one set too late would be too late.
        if due < timer.deadline() || timer.is_elapsed() {
            timer.as_mut().reset(due);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if due <= tokio::time::Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }

    fn due(&self, timers: Timers) -> Option<Instant> {
        let keep_alive = self.arrived.keep_alive.map(|silence| self.heard_at + silence);
        let stuck = self.wire.stuck_since.map(|since| since + TAKES_WITHIN);
        [keep_alive, timers.silent_at, timers.unpause_at, stuck].into_iter().flatten().min()
    }

    fn time_out(&mut self, timers: Timers) -> Option<End> {
        let now = Instant::now();
        if self.arrived.keep_alive.is_some_and(|silence| self.heard_at + silence <= now) {
            return Some(End::Ours(
                ReasonCode::KeepAliveTimeout,
                "nothing was heard for 1.5 times the keep alive",
            ));
        }
        if timers.silent_at.is_some_and(|at| at <= now) {
            self.arrived.connection.note_silence();
            tracing::info!(device = %self.name(), seconds = ACKNOWLEDGE_WITHIN.as_secs(), "no PUBACK: the device counts as away");
            return Some(End::Ours(
                ReasonCode::UnspecifiedError,
                "a PUBLISH was not acknowledged within 20 s",
            ));
        }
        if self.wire.stuck_since.is_some_and(|since| since + TAKES_WITHIN <= now) {
            // It may have no keep-alive, and nothing to acknowledge: it would be held for ever, with what waits for it.
            return Some(End::Ours(ReasonCode::UnspecifiedError, "nothing was read for 20 s"));
        }
        None
    }

    pub(super) fn name(&self) -> homing_link::DeviceId {
        homing_link::DeviceId(self.arrived.connection.device)
    }

    pub(super) fn is_v5(&self) -> bool {
        self.arrived.dialect.version == Version::V5
    }
}

/// How long a device may leave unread what is written to it.
const TAKES_WITHIN: Duration = Duration::from_secs(20);

/// How long the store may take to answer a device.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(30);
