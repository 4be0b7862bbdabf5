//! How a request is answered on its stream: the frames that Apple's clients rely on. What the answer is, is decided before.

use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use homing_apns::{ApnsId, Refusal};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

pub(super) const APNS_ID: HeaderName = HeaderName::from_static("apns-id");
pub(super) const APNS_UNIQUE_ID: HeaderName = HeaderName::from_static("apns-unique-id");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static(homing_apns::receipts::CONTENT_TYPE);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// One HEADERS frame that ends the stream. `unique_id` is for the development environment only.
pub(super) fn accept(
    respond: &mut SendResponse<Bytes>,
    apns_id: HeaderValue,
    unique_id: Option<HeaderValue>,
) {
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(APNS_ID, once(apns_id));
    if let Some(unique_id) = unique_id {
        headers.insert(APNS_UNIQUE_ID, once(unique_id));
    }
    let mut response = Response::new(());
    *response.headers_mut() = headers;
    // A stream that its client has reset wants no answer.
    let _ = respond.send_response(response, true);
}

/// HEADERS, then one DATA frame that holds all of the body and ends the stream: clients parse each frame by itself. To HEAD
/// the HEADERS alone: clients take a body for an error of the connection (RFC 9110, §9.3.2).
pub(super) fn refuse(
    respond: &mut SendResponse<Bytes>,
    apns_id: HeaderValue,
    refusal: &Refusal,
    is_head: bool,
) {
    if is_head {
        let _ = respond.send_response(refused(apns_id, refusal.status()), true);
        return;
    }
    refuse_as(respond, apns_id, refusal, (refusal.status(), None));
}

/// The same with another status, and when to try again, in seconds.
pub(super) fn refuse_as(
    respond: &mut SendResponse<Bytes>,
    apns_id: HeaderValue,
    refusal: &Refusal,
    (status, retry_after): (u16, Option<u32>),
) {
    let mut response = refused(apns_id, status);
    response.headers_mut().extend(retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
    if let Ok(mut body) = respond.send_response(response, false) {
        let _ = body.send_data(Bytes::from(refusal.body_as(status)), true);
    }
}

fn refused(apns_id: HeaderValue, status: u16) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(APNS_ID, once(apns_id));
    response
}

/// HEADERS that begin a stream of receipts; `None` when its client has reset it.
pub(super) fn stream(respond: &mut SendResponse<Bytes>) -> Option<SendStream<Bytes>> {
    let mut response = Response::new(());
    response.headers_mut().insert(CONTENT_TYPE, EVENT_STREAM);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    respond.send_response(response, false).ok()
}

/// A value that never comes again needs no place in the client's header table.
pub(super) fn once(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

/// A label as a header's value.
pub(super) fn value(label: ApnsId) -> HeaderValue {
    HeaderValue::from_bytes(label.as_bytes()).unwrap_or(HeaderValue::from_static(""))
}

/// Random bytes in stock, so that not every label costs a system call.
#[derive(Debug)]
pub(crate) struct Labels {
    random: [u8; 512],
    used: usize,
}

impl Labels {
    pub(crate) const fn new() -> Self {
        Self { random: [0; 512], used: 512 }
    }

    /// A new label for a header.
    pub(super) fn make(&mut self) -> Result<HeaderValue, getrandom::Error> {
        Ok(value(self.make_id()?))
    }

    /// A new label, upper case as Apple's are. An error when the system has no randomness.
    pub(crate) fn make_id(&mut self) -> Result<ApnsId, getrandom::Error> {
        if self.used == self.random.len() {
            getrandom::fill(&mut self.random)?;
            self.used = 0;
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.random[self.used..self.used + 16]);
        self.used += 16;
        Ok(ApnsId::from_random(bytes))
    }
}
