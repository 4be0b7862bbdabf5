//! A lane's connection to its push service: made when there is something to send, replaced when it is of no use, and
//! after failures only with growing pauses. What is sent on it is the lane's affair.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use homing_apns_client::{Client, ClientConfig, ConnectError};
use homing_clock::Clock;
use homing_trace::UnixMillis;

use crate::engine::random_u64;

/// Between tries to connect: anything up to 200 ms, doubled up to 30 s.
const FIRST_PAUSE_MS: u64 = 200;
const LONGEST_PAUSE_MS: u64 = 30_000;

/// The connection, or what is between the last and the next one.
pub(super) struct Connection {
    config: ClientConfig,
    clock: Clock,
    state: State,
    /// Connections in a row on which nothing was answered.
    failures: u32,
}

enum State {
    Down,
    Pausing(UnixMillis),
    Connecting(BoxFuture<'static, Result<Client, ConnectError>>),
    Up(Arc<Client>),
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("config", &self.config)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(config: ClientConfig, clock: Clock) -> Self {
        Self { config, clock, state: State::Down, failures: 0 }
    }

    /// The connection that can be used now.
    pub(super) fn client(&mut self) -> Option<&Arc<Client>> {
        if let State::Up(client) = &self.state
            && client.is_closed()
        {
            // It was idle, and the other side has gone.
            self.state = State::Down;
        }
        match &self.state {
            State::Up(client) => Some(client),
            State::Down | State::Pausing(_) | State::Connecting(_) => None,
        }
    }

    /// Goes one step towards a connection; never ready while there is one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When a try failed. The next comes after a pause.
    pub(super) async fn advance(&mut self) -> Result<(), ConnectError> {
        match &mut self.state {
            State::Up(_) => std::future::pending().await,
            State::Down => {
                self.state = State::Connecting(Box::pin(Client::connect(self.config.clone())));
            }
            State::Pausing(until) => {
                self.clock.sleep_until(*until).await;
                self.state = State::Down;
            }
            State::Connecting(connecting) => match connecting.await {
                Ok(client) => self.state = State::Up(Arc::new(client)),
                Err(error) => {
                    self.pause();
                    return Err(error);
                }
            },
        }
        Ok(())
    }

    /// When it tries to connect again, if it waits for that.
    pub(super) const fn pauses_until(&self) -> Option<UnixMillis> {
        match &self.state {
            State::Pausing(until) => Some(*until),
            State::Down | State::Connecting(_) | State::Up(_) => None,
        }
    }

    /// Something was answered: the connection is a good one.
    pub(super) const fn answered(&mut self) {
        self.failures = 0;
    }

    /// Nothing more is sent on this connection; what is under way on it comes to its end.
    pub(super) fn leave(&mut self, left: &Arc<Client>) {
        if let State::Up(client) = &self.state
            && Arc::ptr_eq(client, left)
        {
            self.pause();
        }
    }

    fn pause(&mut self) {
        self.state = State::Pausing(self.clock.now().plus_millis(pause_after(self.failures)));
        self.failures += 1;
    }
}

/// Milliseconds before the next try to connect. A connection that had served well is followed by the next at once.
pub(in crate::engine) fn pause_after(failures: u32) -> i64 {
    if failures == 0 {
        return 0;
    }
    let longest = FIRST_PAUSE_MS.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE_MS);
    i64::try_from(random_u64() % (longest + 1)).unwrap_or_default()
}
