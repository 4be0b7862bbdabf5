//! What can go wrong on the way to the push service: each error says what failed, why, and what to do. Its text is
//! whole, so that causes are not given as sources as well, which would be printed twice.

use std::io;
use std::time::Duration;

use homing_apns::receipts::StreamError;
use homing_apns::{Reason, Refusal};

use crate::certificate::CertificateError;
use crate::tls::RootsError;

/// No connection came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{0:?} is neither a host name nor an address")]
    Host(String),
    #[error("can't find the address of {host}: {cause}; check the name and this machine's DNS")]
    Resolve { host: String, cause: io::Error },
    #[error(
        "can't connect to {host}:{port}: {cause}; check that it is running and that no firewall is in between"
    )]
    Reach { host: String, port: u16, cause: io::Error },
    #[error(
        "{host}:{port} didn't answer within {} while {doing}; a firewall may be in between (Apple's hosts also \
         listen on port 2197)", seconds(.after)
    )]
    Deadline { host: String, port: u16, after: Duration, doing: &'static str },
    #[error("the TLS handshake with {host}:{port} failed: {cause}{}", tls_hint(.cause))]
    Tls { host: String, port: u16, cause: io::Error },
    #[error("{host}:{port} doesn't speak HTTP/2: {cause}")]
    Http2 { host: String, port: u16, cause: h2::Error },
    #[error("{0}")]
    Roots(RootsError),
    #[error("the client certificate can't be used: {0}")]
    Certificate(CertificateError),
}

impl ConnectError {
    /// Whether the server's certificate isn't signed by any of the roots.
    pub fn is_untrusted(&self) -> bool {
        use rustls::{CertificateError as Peer, Error};
        let Self::Tls { cause, .. } = self else { return false };
        matches!(
            rustls_error(cause),
            // A root of the same name with another key gives a bad signature.
            Some(Error::InvalidCertificate(Peer::UnknownIssuer | Peer::BadSignature))
        )
    }
}

/// A notification was not accepted, or nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The push service said no.
    #[error("refused: {status} {}; {}", .refusal.reason, .refusal.reason.advice())]
    Refused {
        status: u16,
        refusal: Refusal,
        /// The notification's label, as the answer gives it.
        apns_id: Option<String>,
    },
    #[error("the answer {status} isn't Apple's: {body:?}; check that the address is a push service's")]
    NotApple {
        status: u16,
        /// The beginning of its body.
        body: String,
    },
    /// The connection was closed by the push service, which says why.
    #[error("the push service closed the connection: {reason}; {}", .reason.advice())]
    Closed {
        reason: Reason,
        /// Whether the request was certainly not looked at.
        unprocessed: bool,
    },
    /// The push service turned the stream away without looking at it, or was going away.
    #[error("the push service didn't take the request: {cause}; send it again on a new connection")]
    NotTaken { cause: h2::Error },
    #[error(
        "the push service rejected the client certificate: {cause}; use one that it knows the issuer of, and that \
         has not expired"
    )]
    CertificateRejected { cause: h2::Error },
    #[error(
        "no answer within {}: the notification may have been accepted or not; if you send it again, use the same \
         apns-id", seconds(.after)
    )]
    Deadline { after: Duration },
    #[error(
        "the connection broke: {cause}; the notification may have been accepted or not: if you send it again, use \
         the same apns-id"
    )]
    Broken { cause: h2::Error },
    /// Too large for HTTP/2 or with characters no header may have.
    #[error("the request can't be written: {0}")]
    Request(http::Error),
}

impl SendError {
    /// The reason the push service gave, in an answer or at closing.
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Refused { refusal, .. } => Some(&refusal.reason),
            Self::Closed { reason, .. } => Some(reason),
            Self::NotApple { .. }
            | Self::NotTaken { .. }
            | Self::CertificateRejected { .. }
            | Self::Deadline { .. }
            | Self::Broken { .. }
            | Self::Request(_) => None,
        }
    }

    /// Whether the notification may have been accepted all the same, so that sending it again may show it twice.
    pub const fn may_be_accepted(&self) -> bool {
        match self {
            Self::Closed { unprocessed, .. } => !*unprocessed,
            Self::Deadline { .. } | Self::Broken { .. } => true,
            Self::Refused { .. }
            | Self::NotApple { .. }
            | Self::NotTaken { .. }
            | Self::CertificateRejected { .. }
            | Self::Request(_) => false,
        }
    }
}

/// Receipts can't be read, or not any further. None is lost: read on after the last cursor.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptsError {
    #[error(
        "the cursor is none: give one back as it was given, or none at all to read everything that is kept"
    )]
    Cursor,
    /// The push service said no.
    #[error("no receipts: {status} {}; {}", .refusal.reason, .refusal.reason.advice())]
    Refused { status: u16, refusal: Refusal },
    #[error("the answer {status} is no stream of receipts: Apple's service has none; check the address")]
    NoStream { status: u16 },
    /// The connection was closed by the push service, which says why.
    #[error("the push service closed the connection: {reason}; {}", .reason.advice())]
    Closed { reason: Reason },
    #[error(
        "the push service rejected the client certificate: {cause}; use one that it knows the issuer of, and that \
         has not expired"
    )]
    CertificateRejected { cause: h2::Error },
    #[error("no answer within {}: ask again on a new connection", seconds(.after))]
    Deadline { after: Duration },
    #[error("nothing has come for {}: read on from a new connection", seconds(.after))]
    Silent { after: Duration },
    #[error("the connection broke: {cause}; read on from a new one")]
    Broken { cause: h2::Error },
    #[error("the request can't be written: {0}")]
    Request(http::Error),
    #[error(transparent)]
    Stream(#[from] StreamError),
}

impl ReceiptsError {
    /// The reason the push service gave, in an answer or at closing.
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Refused { refusal, .. } => Some(&refusal.reason),
            Self::Closed { reason } => Some(reason),
            Self::Cursor
            | Self::NoStream { .. }
            | Self::CertificateRejected { .. }
            | Self::Deadline { .. }
            | Self::Silent { .. }
            | Self::Broken { .. }
            | Self::Request(_)
            | Self::Stream(_) => None,
        }
    }
}

/// A request for receipts fails as any other does, but no notification is at stake.
impl From<SendError> for ReceiptsError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused { status, refusal, .. } => Self::Refused { status, refusal },
            SendError::NotApple { status, .. } => Self::NoStream { status },
            SendError::Closed { reason, .. } => Self::Closed { reason },
            SendError::CertificateRejected { cause } => Self::CertificateRejected { cause },
            SendError::Deadline { after } => Self::Deadline { after },
            SendError::NotTaken { cause } | SendError::Broken { cause } => Self::Broken { cause },
            SendError::Request(error) => Self::Request(error),
        }
    }
}

fn seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref::<rustls::Error>()
}

fn tls_hint(error: &io::Error) -> &'static str {
    use rustls::{AlertDescription, CertificateError as Peer, Error};
    match rustls_error(error) {
        // A root of the same name with another key gives a bad signature.
        Some(Error::InvalidCertificate(Peer::UnknownIssuer | Peer::BadSignature)) => {
            "; its certificate isn't signed by anybody trusted here: name the root certificate"
        }
        Some(Error::InvalidCertificate(Peer::NotValidForName | Peer::NotValidForNameContext { .. })) => {
            "; its certificate is for another name: connect by that name"
        }
        Some(Error::InvalidCertificate(
            Peer::Expired | Peer::ExpiredContext { .. } | Peer::NotValidYet | Peer::NotValidYetContext { .. },
        )) => "; check this machine's clock",
        Some(Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => "; it doesn't speak HTTP/2",
        Some(Error::InvalidMessage(_)) => "; nobody speaks TLS there: check the port",
        Some(_) | None => "",
    }
}

/// In TLS 1.3 a server rejects the client's certificate only after the handshake. h2 passes TLS errors on as text.
pub(crate) fn is_alert(error: &h2::Error) -> bool {
    error.get_io().is_some_and(|error| error.to_string().contains("received fatal alert"))
}
