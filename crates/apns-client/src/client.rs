//! One connection to a push service: sends a request, reads its answer, and tells apart what is known of a failure.

mod channels;
mod receipts;

use std::future::poll_fn;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use homing_apns::{DeliveryOptions, DeviceTokenHex, Reason, Refusal};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Method, StatusCode, Version};
use tokio::task::JoinHandle;

use crate::connect::{ClientConfig, Connected, Connection, Credential, connect};
use crate::error::{ConnectError, SendError, is_alert};
use crate::go_away::Notice;
pub use channels::{Broadcast, ChannelAnswer, ChannelOrder};
pub use receipts::Receipts;

/// More of an answer's body than this isn't read; Apple's have about 50 bytes.
const MAX_BODY: usize = 8 * 1024;
/// How long to wait for the other side when closing.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// One notification for one device.
#[derive(Clone, Debug)]
pub struct Request {
    pub token: DeviceTokenHex,
    pub options: DeliveryOptions,
    /// JSON, sent as it is.
    pub payload: Bytes,
}

/// The push service accepted the notification; whether it is delivered is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200.
    pub status: u16,
    /// The notification's label: the request's, or one the push service made.
    pub apns_id: Option<String>,
    /// By which Apple's console finds the notification; in the development environment only.
    pub apns_unique_id: Option<String>,
}

/// The answer to come, and the provider token it was asked with.
type HandedOver = (h2::client::ResponseFuture, Option<HeaderValue>);

/// A connection. It is driven by a task of its own, which ends when the client is dropped and the last answer is there.
#[derive(Debug)]
pub struct Client {
    sender: h2::client::SendRequest<Bytes>,
    driver: JoinHandle<()>,
    notice: Notice,
    config: ClientConfig,
    /// `https://host:port`, the port left out when it is HTTPS's.
    origin: String,
}

impl Client {
    /// Connects and begins HTTP/2. Nothing is known of the credential yet: it is judged with the first request.
    ///
    /// # Errors
    /// If the deadline passes, or the host can't be found, reached or trusted.
    pub async fn connect(config: ClientConfig) -> Result<Self, ConnectError> {
        let Connected { sender, connection, notice } = connect(&config).await?;
        let driver = tokio::spawn(drive(connection));
        let host = if config.host.contains(':') { format!("[{}]", config.host) } else { config.host.clone() };
        let origin = match config.port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        };
        Ok(Self { sender, driver, notice, config, origin })
    }

    /// Sends one notification and waits for the answer. Many may be under way at once on one connection; as many as
    /// the push service allows are sent, the others wait within their deadline.
    ///
    /// # Errors
    /// If it was refused, or if nothing is known because the connection broke or the deadline passed:
    /// [`SendError::may_be_accepted`] tells which. Dropping the future gives the request up.
    pub async fn send(&self, request: Request) -> Result<Response, SendError> {
        let open = || Ok::<(), std::convert::Infallible>(());
        match self.send_if(request, open).await {
            Ok(result) => result,
            Err(never) => match never {},
        }
    }

    /// Sends one notification if `gate` allows it at the moment of its hand-over to the connection: what `gate` gives is
    /// held until the request is there. With no more requests under way than [`Client::concurrency`] it goes out at once.
    ///
    /// # Errors
    /// What `gate` says against it; then nothing was sent.
    pub async fn send_if<G, N>(
        &self,
        request: Request,
        gate: impl FnOnce() -> Result<G, N>,
    ) -> Result<Result<Response, SendError>, N> {
        let after = self.config.request_deadline;
        tokio::time::timeout(after, self.exchange(request, gate))
            .await
            .unwrap_or(Ok(Err(SendError::Deadline { after })))
    }

    /// How many requests the push service takes at once now, at least 1; more would wait in the connection.
    pub fn concurrency(&self) -> usize {
        self.sender.current_max_send_streams().max(1)
    }

    /// Whether the connection has ended, so that another is needed.
    pub fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }

    /// Ends the connection politely, within 2 seconds.
    pub async fn close(self) {
        let Self { sender, mut driver, .. } = self;
        drop(sender);
        if tokio::time::timeout(CLOSE_DEADLINE, &mut driver).await.is_err() {
            driver.abort();
        }
    }

    async fn exchange<G, N>(
        &self,
        request: Request,
        gate: impl FnOnce() -> Result<G, N>,
    ) -> Result<Result<Response, SendError>, N> {
        let sender = match self.sender.clone().ready().await {
            Ok(sender) => sender,
            Err(error) => return Ok(Err(self.broken(error, true))),
        };
        let (answer, authorization) = match self.hand_over(sender, request, gate)? {
            Ok(handed_over) => handed_over,
            Err(error) => return Ok(Err(error)),
        };
        let result = match answer.await {
            Ok(answer) => self.read(answer).await,
            Err(error) => return Ok(Err(self.broken(error, false))),
        };
        self.note_expired(authorization.as_ref(), &result);
        Ok(result)
    }

    /// Gives the request to the connection, never waiting.
    fn hand_over<G, N>(
        &self,
        mut sender: h2::client::SendRequest<Bytes>,
        request: Request,
        gate: impl FnOnce() -> Result<G, N>,
    ) -> Result<Result<HandedOver, SendError>, N> {
        let head = http::Request::builder()
            .method(Method::POST)
            .version(Version::HTTP_2)
            .uri(format!("{}{}", self.origin, request.token.path()))
            .body(());
        let mut head = match head {
            Ok(head) => head,
            Err(error) => return Ok(Err(SendError::Request(error))),
        };
        request.options.write_to(head.headers_mut());
        let authorization = self.authorization();
        if let Some(authorization) = &authorization {
            head.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let empty = request.payload.is_empty();
        let _open = gate()?;
        let (answer, mut body) = match sender.send_request(head, empty) {
            Ok(begun) => begun,
            Err(error) => return Ok(Err(self.broken(error, true))),
        };
        if !empty {
            // An answer may come before the body is wanted; it says more than the failure to send the rest.
            let _ = body.send_data(request.payload, true);
        }
        Ok(Ok((answer, authorization)))
    }

    fn authorization(&self) -> Option<HeaderValue> {
        match &self.config.credential {
            Credential::Key(key) => Some(key.authorization(unix_seconds())),
            Credential::Certificate(_) => None,
        }
    }

    /// A token that was found too old is sent no more.
    fn note_expired(&self, authorization: Option<&HeaderValue>, result: &Result<Response, SendError>) {
        if let (Some(authorization), Credential::Key(key), Err(error)) =
            (authorization, &self.config.credential, result)
            && error.reason() == Some(&Reason::ExpiredProviderToken)
        {
            key.expired(authorization);
        }
    }

    async fn read(&self, answer: http::Response<h2::RecvStream>) -> Result<Response, SendError> {
        let (head, mut stream) = answer.into_parts();
        let status = head.status.as_u16();
        let apns_id = text(&head.headers, "apns-id").or_else(|| text(&head.headers, "apns-request-id"));
        if head.status == StatusCode::OK {
            return Ok(Response { status, apns_id, apns_unique_id: text(&head.headers, "apns-unique-id") });
        }
        let mut body = Vec::new();
        while let Some(chunk) = poll_fn(|cx| stream.poll_data(cx)).await {
            let chunk = chunk.map_err(|error| self.broken(error, false))?;
            let room = MAX_BODY.saturating_sub(body.len()).min(chunk.len());
            body.extend_from_slice(&chunk[..room]);
            if room < chunk.len() {
                break;
            }
            // The stream may be gone already; then there is no window left to widen.
            let _ = stream.flow_control().release_capacity(chunk.len());
        }
        match Refusal::from_body(&body) {
            Ok(refusal) => Err(SendError::Refused { status, refusal, apns_id }),
            Err(_) => {
                let body = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
                Err(SendError::NotApple { status, body })
            }
        }
    }

    /// What a failure of the connection means for a request of which at least the beginning was sent, unless
    /// `unsent`.
    fn broken(&self, cause: h2::Error, unsent: bool) -> SendError {
        let refused = cause.is_reset() && cause.reason() == Some(h2::Reason::REFUSED_STREAM);
        // Streams above the last one that a GOAWAY names fail by it; those below fail otherwise or not at all.
        let unprocessed = unsent || refused || (cause.is_go_away() && cause.is_remote());
        if let Some(go_away) = self.notice.get() {
            tracing::debug!(code = go_away.code, reason = ?go_away.reason, "the push service closed the connection");
            if let Some(reason) = &go_away.reason {
                return SendError::Closed { reason: reason.clone(), unprocessed };
            }
        }
        let with_certificate = matches!(self.config.credential, Credential::Certificate(_));
        if with_certificate && is_alert(&cause) {
            SendError::CertificateRejected { cause }
        } else if unprocessed {
            SendError::NotTaken { cause }
        } else {
            SendError::Broken { cause }
        }
    }
}

/// Moves the connection's bytes until it ends. What that means is told to the requests that were under way.
async fn drive(connection: Connection) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "the connection to the push service ended");
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
