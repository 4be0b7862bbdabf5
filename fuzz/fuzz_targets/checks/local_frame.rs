//! Reads arbitrary bytes as a stream between app and device: nothing panics, and what is read is written back.

use homing_local::frame;
use homing_local::manifest::AppManifest;
use homing_local::message::{AppRequest, DeviceMessage};

pub(crate) fn check(bytes: &[u8]) {
    let mut stream = bytes;
    while let Ok(Some((json, len))) = frame::decode(stream) {
        read(json);
        let mut again = Vec::new();
        frame::encode(json, &mut again).expect("it came in a frame");
        assert_eq!(again, stream[..len]);
        stream = &stream[len..];
    }
    // Most arbitrary lengths are beyond the input, so that the messages get it all too.
    read(bytes);
}

fn read(json: &[u8]) {
    match AppRequest::from_json(json) {
        Ok(request) => {
            let again = AppRequest::from_json(&request.to_json()).expect("it was written by us");
            assert_eq!(again.id, request.id);
        }
        Err(error) => drop(error.reply()),
    }
    if let Ok(message) = DeviceMessage::from_json(json) {
        DeviceMessage::from_json(&message.to_json()).expect("it was written by us");
    }
    if let Ok((manifest, findings)) = AppManifest::from_json(json) {
        assert_eq!(manifest.check(), findings);
    }
}
