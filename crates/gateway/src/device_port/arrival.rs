//! The beginning of an MQTT connection: the CONNECT, who it is, and the CONNACK. Decides nothing about topics.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use homing_link::{
    ConnAck, ConnAckProperties, Connect, DecodeError, DeviceId, DeviceIdError, Packet, Qos, ReasonCode,
    Version, decode,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::outgoing::Dialect;
use super::wire::Wire;
use super::{DevicePort, Peer};
use crate::hub::Connection;
use crate::hub::session::Parting;
use crate::store::DeviceRights;

/// Time from the first byte to a complete CONNECT.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Longest CONNECT taken, in bytes: nobody is known yet.
const LONGEST_CONNECT: usize = 8 * 1024;

/// Longest packet taken from a device that is known, in bytes.
pub(super) const LONGEST_PACKET: usize = 64 * 1024;

/// PUBLISHes of one device that may be unanswered.
const OUR_RECEIVE_MAXIMUM: NonZeroU16 = NonZeroU16::new(64).expect("64 isn't zero");

/// Most notifications in flight on one connection, whatever the client allows.
const WINDOW: u16 = 256;

/// Longest silence a client may choose, and what one gets that wants none, in seconds.
const LONGEST_KEEP_ALIVE: u16 = 1200;

/// How long an older connection may take to leave.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// A device that is here now.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) connection: Connection,
    pub(super) dialect: Dialect,
    pub(super) rights: DeviceRights,
    /// `None`: the client said it would be silent for ever (3.1.1 only).
    pub(super) keep_alive: Option<Duration>,
    pub(super) parting: Arc<Parting>,
}

/// Why a connection ended before its device was known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no CONNECT within {} s", CONNECT_WITHIN.as_secs())]
    Late,
    #[error("closed before a CONNECT")]
    Closed,
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("no MQTT: {0}")]
    Garbage(DecodeError),
    #[error("the first packet is no CONNECT")]
    NotConnect,
    #[error("CONNECT refused: {0}")]
    Refused(ReasonCode),
}

/// What a CONNECT says, taken out of the buffer it stood in.
struct Wish {
    dialect: Dialect,
    keep_alive: u16,
    client_id: String,
    clean_start: bool,
    username: Option<Result<DeviceId, DeviceIdError>>,
    secret: zeroize::Zeroizing<String>,
    receive_maximum: u16,
    foreign_authentication: bool,
}

impl Wish {
    fn of(connect: &Connect<'_>) -> Self {
        let properties = &connect.properties;
        let password = connect.password.map_or(&[][..], |password| password.0);
        let longest = properties.maximum_packet_size.map_or(usize::MAX, |max| max.get() as usize);
        Self {
            dialect: Dialect {
                version: connect.version,
                maximum_packet_size: longest,
                wants_reasons: properties.request_problem_information != Some(false),
            },
            keep_alive: connect.keep_alive,
            client_id: connect.client_id.to_owned(),
            clean_start: connect.clean_start,
            username: connect.username.map(str::parse),
            secret: std::str::from_utf8(password).unwrap_or_default().to_owned().into(),
            receive_maximum: properties.receive_maximum.map_or(u16::MAX, NonZeroU16::get),
            foreign_authentication: properties.authentication_method.is_some(),
        }
    }
}

/// Reads the CONNECT and answers it. On a refusal everything has been said on `wire`.
pub(super) async fn receive<S: AsyncRead + AsyncWrite + Unpin>(
    port: &DevicePort,
    peer: Peer,
    wire: &mut Wire<S>,
) -> Result<Arrived, Refusal> {
    let wish =
        tokio::time::timeout(CONNECT_WITHIN, read_connect(wire)).await.map_err(|_| Refusal::Late)??;
    let dialect = wish.dialect;
    let device = peer.certified.or(wish.username.as_ref().and_then(|name| name.as_ref().ok()).copied());
    match admit(port, peer, &wish).await {
        Ok(rights) => Ok(welcome(port, peer, wire, wish, rights).await),
        Err(code) => {
            tracing::info!(peer = %peer.address, device = device.map(|id| id.to_string()), %code, "device refused");
            dialect.refuse(code, &mut wire.outbound);
            Err(Refusal::Refused(code))
        }
    }
}

async fn read_connect<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>) -> Result<Wish, Refusal> {
    loop {
        let understood = match decode(&wire.inbound, Version::V5, LONGEST_CONNECT) {
            Ok(Some((Packet::Connect(connect), len))) => Some((Wish::of(&connect), len)),
            Ok(Some(_)) => return Err(Refusal::NotConnect),
            Ok(None) => None,
            Err(error) => {
                refuse_undecodable(&error, &mut wire.outbound);
                return Err(Refusal::Garbage(error));
            }
        };
        if let Some((wish, len)) = understood {
            let taken = std::mem::take(&mut wire.inbound);
            wire.put_back(taken, len);
            return Ok(wish);
        }
        if wire.fill().await? == 0 {
            return Err(Refusal::Closed);
        }
    }
}

/// What is no CONNECT gets no answer; one of another version hears that we don't speak it, in the words of its time.
fn refuse_undecodable(error: &DecodeError, out: &mut Vec<u8>) {
    if let DecodeError::UnsupportedVersion(level) = error {
        let version = if *level < 5 { Version::V311 } else { Version::V5 };
        let dialect = Dialect { version, maximum_packet_size: usize::MAX, wants_reasons: false };
        dialect.refuse(ReasonCode::UnsupportedProtocolVersion, out);
    }
}

async fn admit(port: &DevicePort, peer: Peer, wish: &Wish) -> Result<DeviceRights, ReasonCode> {
    if wish.foreign_authentication {
        return Err(ReasonCode::BadAuthenticationMethod);
    }
    let device = match (peer.certified, &wish.username) {
        // Its certificate says it all; a user name may repeat it.
        (Some(device), None) => device,
        (Some(device), Some(Ok(name))) if *name == device => device,
        (None, Some(Ok(name))) => *name,
        (_, Some(_)) | (None, None) => return Err(ReasonCode::BadUserNameOrPassword),
    };
    let rights = match peer.certified {
        Some(_) => port.store.rights_of(device.0).await,
        None => port.store.authenticate(device.0, &wish.secret).await,
    };
    let rights = match rights {
        Ok(Some(rights)) => rights,
        Ok(None) => return Err(ReasonCode::BadUserNameOrPassword),
        Err(error) => {
            tracing::warn!(%error, "a device can't be authenticated");
            return Err(ReasonCode::ServerBusy);
        }
    };
    let own = device.to_string();
    let assigned = wish.client_id.is_empty() && (wish.clean_start || wish.dialect.version == Version::V5);
    if wish.client_id == own || assigned { Ok(rights) } else { Err(ReasonCode::ClientIdNotValid) }
}

async fn welcome<S: AsyncRead + AsyncWrite + Unpin>(
    port: &DevicePort,
    peer: Peer,
    wire: &mut Wire<S>,
    wish: Wish,
    rights: DeviceRights,
) -> Arrived {
    let Wish { dialect, keep_alive, client_id, receive_maximum, .. } = wish;
    let parting = Arc::new(Parting::default());
    let window = receive_maximum.min(WINDOW);
    let (connection, displaced) = port.hub.connect(peer.core, rights.device, window, Arc::clone(&parting));
    if let Some(left) = displaced {
        // What the older connection held is settled before this one reads what is stored; a stuck core isn't waited for.
        let _ = tokio::time::timeout(LEAVE_WITHIN, left).await;
    }
    let device = DeviceId(rights.device).to_string();
    let server_keep_alive = match keep_alive {
        0 => LONGEST_KEEP_ALIVE,
        seconds => seconds.min(LONGEST_KEEP_ALIVE),
    };
    let properties = ConnAckProperties {
        session_expiry: Some(0),
        receive_maximum: Some(OUR_RECEIVE_MAXIMUM),
        maximum_qos: Some(Qos::AtLeastOnce),
        retain_available: Some(false),
        maximum_packet_size: u32::try_from(LONGEST_PACKET).ok().and_then(NonZeroU32::new),
        assigned_client_id: client_id.is_empty().then_some(device.as_str()),
        topic_alias_maximum: Some(0),
        subscription_ids_available: Some(false),
        shared_subscription_available: Some(false),
        server_keep_alive: Some(server_keep_alive),
        ..ConnAckProperties::default()
    };
    let welcome = ConnAck { session_present: false, code: ReasonCode::Success, properties };
    dialect.answer(&Packet::ConnAck(welcome), &mut wire.outbound);
    tracing::debug!(%device, peer = %peer.address, core = peer.core, "device connected");
    let seconds = match dialect.version {
        Version::V5 => Some(server_keep_alive),
        Version::V311 => Some(keep_alive).filter(|seconds| *seconds > 0),
    };
    // MQTT gives one and a half times what was agreed [MQTT-3.1.2-22].
    let keep_alive = seconds.map(|seconds| Duration::from_millis(u64::from(seconds) * 1500));
    Arrived { connection, dialect, rights, keep_alive, parting }
}
