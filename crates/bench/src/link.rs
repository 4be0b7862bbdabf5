//! One device's connection: CONNECT, SUBSCRIBE, its token, then a PUBACK for every PUBLISH, many in one write.

use anyhow::{Context as _, bail};
use homing_link::{
    Ack, Connect, ConnectProperties, Delivery, Enrolment, Packet, PacketId, Qos, Subscribe, SubscribeFilter,
    SubscribeFilters, SubscribeProperties, ToDevice, Version, decode, encode,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::acknowledged::Acknowledged;
use crate::target::Target;

const MAX_PACKET: usize = 64 * 1024;

pub(crate) struct Link {
    stream: TlsStream<TcpStream>,
    unread: Vec<u8>,
    out: Vec<u8>,
    pub(crate) token: String,
}

pub(crate) async fn subscribe(target: &Target, enrolment: &Enrolment) -> anyhow::Result<Link> {
    let tcp = TcpStream::connect((target.host.as_str(), target.port)).await?;
    tcp.set_nodelay(true)?;
    let stream = target.connector.connect(target.name.clone(), tcp).await?;
    let mut link = Link { stream, unread: Vec::with_capacity(2048), out: Vec::new(), token: String::new() };
    let id = enrolment.device_id.to_string();
    link.say(&Packet::Connect(Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 0,
        client_id: &id,
        username: Some(&id),
        password: Some(enrolment.secret.as_str().into()),
        will: None,
        properties: ConnectProperties::default(),
    }))?;
    let filters: Vec<SubscribeFilter<'_>> =
        target.filters.iter().map(|filter| SubscribeFilter::at(Qos::AtLeastOnce, filter)).collect();
    link.say(&Packet::Subscribe(Subscribe {
        packet_id: PacketId::MIN,
        filters: SubscribeFilters::new(&filters),
        properties: SubscribeProperties::default(),
    }))?;
    while link.token.is_empty() {
        link.turn(None).await?;
    }
    Ok(link)
}

impl Link {
    fn say(&mut self, packet: &Packet<'_>) -> anyhow::Result<()> {
        encode(packet, Version::V5, &mut self.out).context("the packet can't be written")
    }

    pub(crate) async fn acknowledge_all(mut self, acknowledged: &Acknowledged) -> anyhow::Result<()> {
        loop {
            self.turn(Some(acknowledged)).await?;
        }
    }

    /// Writes what waits, reads once, and answers all that came.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a load generator passes over what it didn't ask for")]
    async fn turn(&mut self, acknowledged: Option<&Acknowledged>) -> anyhow::Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await?;
            self.out.clear();
        }
        if self.stream.read_buf(&mut self.unread).await? == 0 {
            bail!("the push service closed the connection");
        }
        let mut read = 0;
        while let Some((packet, len)) = decode(&self.unread[read..], Version::V5, MAX_PACKET)? {
            match packet {
                Packet::Publish(publish) => {
                    if matches!(ToDevice::parse(publish.topic), Ok(ToDevice::Token { .. })) {
                        self.token = String::from_utf8(publish.payload.to_vec())?;
                    } else if let Some(acknowledged) = acknowledged {
                        acknowledged.one_more();
                    }
                    if let Delivery::AtLeastOnce { packet_id, .. } = publish.delivery {
                        encode(&Packet::PubAck(Ack::success(packet_id)), Version::V5, &mut self.out)?;
                    }
                }
                Packet::ConnAck(answer) if answer.code.is_error() => bail!("CONNACK {:?}", answer.code),
                Packet::SubAck(answer) if answer.codes().any(|code| code.is_error()) => {
                    bail!("SUBACK refuses")
                }
                Packet::Disconnect(said) => bail!("DISCONNECT {:?}", said.code),
                _ => {}
            }
            read += len;
        }
        self.unread.drain(..read);
        Ok(())
    }
}
