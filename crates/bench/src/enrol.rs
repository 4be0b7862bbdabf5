//! Enrols one device: a single HTTP/1.1 request on a connection of its own.

use anyhow::{Context as _, bail};
use homing_link::{ALPN_HTTP1, Enrolment, EnrolmentRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::target::Target;

pub(crate) async fn enrol(target: &Target) -> anyhow::Result<Enrolment> {
    let tcp = tokio::net::TcpStream::connect((target.host.as_str(), target.port)).await?;
    tcp.set_nodelay(true)?;
    let mut tls = rustls::ClientConfig::clone(target.connector.config());
    tls.alpn_protocols = vec![ALPN_HTTP1.into()];
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(tls));
    let mut stream = connector.connect(target.name.clone(), tcp).await?;
    let body = serde_json::to_string(&EnrolmentRequest { enrolment_key: target.enrolment_key.clone() })?;
    let request = format!(
        "POST /devices HTTP/1.1\r\nhost: {}:{}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        target.host,
        target.port,
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // A server may close the TCP connection without TLS's farewell.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).context("the answer is no text")?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
    if !head.starts_with("HTTP/1.1 201 ") {
        bail!("enrolment was refused: {}", head.lines().next().unwrap_or_default());
    }
    serde_json::from_str(body).context("the answer is no enrolment")
}
