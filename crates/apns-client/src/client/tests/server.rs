//! A push service of the smallest kind: HTTP/2 over TLS, whose answers the test scripts.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, Response};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A certificate authority of the test's own.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test root");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A certificate for a name, and its key, in PEM.
    pub(super) fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// A request as it arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) authority: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The client's certificates, leaf first.
    pub(super) client: Vec<CertificateDer<'static>>,
}

/// What the server does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Answer(u16, &'static str),
    /// A stream of receipts in these pieces; it stays open when the last one is empty.
    Stream(&'static [&'static str]),
    /// RST_STREAM with REFUSED_STREAM.
    Refuse,
    Silence,
    /// Closes the TCP connection.
    Hang,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) arrived: mpsc::Receiver<Arrived>,
}

impl Server {
    /// Serves every connection; `act` says what to do with the request of each number, counted from 0.
    pub(super) async fn start(authority: &Authority, act: fn(usize) -> Act) -> Self {
        let (tls, listener, address) = listen(authority, &[b"h2"]).await;
        let (to_test, arrived) = mpsc::channel(100);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(tls) = tls.accept(stream).await else { continue };
                tokio::spawn(serve(tls, act, to_test.clone()));
            }
        });
        Self { address, arrived }
    }
}

pub(super) async fn listen(authority: &Authority, alpn: &[&[u8]]) -> (TlsAcceptor, TcpListener, SocketAddr) {
    use rustls::pki_types::pem::PemObject as _;
    let (certificate, key) = authority.issue("localhost");
    let mut clients = RootCertStore::empty();
    clients.add(CertificateDer::from_pem_slice(&authority.pem()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(clients.into(), provider.clone())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (TlsAcceptor::from(Arc::new(config)), listener, address)
}

async fn serve(tls: TlsStream<TcpStream>, act: fn(usize) -> Act, to_test: mpsc::Sender<Arrived>) {
    let client: Vec<_> = tls.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
    let mut connection = h2::server::handshake(tls).await.unwrap();
    let mut number = 0;
    let mut silent = Vec::new();
    while let Some(Ok((request, mut answer))) = connection.accept().await {
        let act = act(number);
        number += 1;
        match act {
            Act::Hang => return,
            Act::Refuse => {
                answer.send_reset(h2::Reason::REFUSED_STREAM);
                continue;
            }
            Act::Silence => {
                silent.push(answer);
                continue;
            }
            Act::Answer(..) | Act::Stream(_) => {}
        }
        let (head, mut stream) = request.into_parts();
        let (client, to_test) = (client.clone(), to_test.clone());
        // The connection is driven by accept, so the body is read beside it.
        tokio::spawn(async move {
            let mut body = Vec::new();
            while let Some(Ok(chunk)) = stream.data().await {
                body.extend_from_slice(&chunk);
            }
            let arrived = Arrived {
                method: head.method.to_string(),
                path: head.uri.path_and_query().unwrap().to_string(),
                authority: head.uri.authority().map(ToString::to_string),
                headers: head.headers,
                body: body.into(),
                client,
            };
            to_test.send(arrived).await.unwrap();
            match act {
                Act::Answer(status, body) => respond(answer, status, body),
                Act::Stream(pieces) => stream_out(answer, pieces).await,
                Act::Refuse | Act::Silence | Act::Hang => {}
            }
        });
    }
}

fn respond(mut answer: SendResponse<Bytes>, status: u16, body: &'static str) {
    let head = Response::builder()
        .status(status)
        .header("apns-id", "9B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10")
        .header("apns-unique-id", "2F5E4A5F-0000-0000-0000-0F5D1E9F5F10")
        .body(())
        .unwrap();
    let mut stream = answer.send_response(head, body.is_empty()).unwrap();
    if !body.is_empty() {
        stream.send_data(body.into(), true).unwrap();
    }
}

async fn stream_out(mut answer: SendResponse<Bytes>, pieces: &'static [&'static str]) {
    let head = Response::builder().header("content-type", "text/event-stream").body(()).unwrap();
    let mut stream = answer.send_response(head, false).unwrap();
    let stays = pieces.last().is_some_and(|last| last.is_empty());
    for (at, piece) in pieces.iter().enumerate() {
        stream.send_data((*piece).into(), !stays && at + 1 == pieces.len()).unwrap();
    }
    let _ = std::future::poll_fn(|cx| stream.poll_reset(cx)).await;
}
