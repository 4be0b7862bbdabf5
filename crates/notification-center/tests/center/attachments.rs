//! Device facts §5.6: attachments, as far as they are decided here.

use super::*;

pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// As the device found it: a file of this size that begins as a picture, and its place in the store.
pub(super) fn file(bytes: u64, head: &[u8]) -> FoundFile {
    let stored = Some("file:///store/1.png".to_owned());
    FoundFile::File { bytes, format: FileFormat::sniff(head), stored }
}

pub(super) fn attachment(url: &str, found: FoundFile) -> Attachment {
    Attachment {
        identifier: "photo".to_owned(),
        url: url.to_owned(),
        found: Some(found),
        ..Attachment::default()
    }
}

pub(super) fn with(attachments: Vec<Attachment>) -> NotificationContent {
    NotificationContent { attachments, ..content("n") }
}

pub(super) fn add_content(content: NotificationContent, trigger: Option<Trigger>) -> Input {
    let notification = NotificationRequest { identifier: "a".to_owned(), content, trigger };
    Input::RequestAdded { bundle: NEWS.to_owned(), notification: Box::new(notification), request: 9 }
}

fn check_file(name: &str, hint: Option<&str>, bytes: u64, head: &[u8]) -> Result<&'static str, u32> {
    let options = AttachmentOptions { type_hint: hint.map(str::to_owned), ..AttachmentOptions::default() };
    let attachment = Attachment { url: format!("file:///a/{name}"), options, ..Attachment::default() };
    let checked = attachment.check_file(bytes, FileFormat::sniff(head));
    checked.map(AttachmentType::identifier).map_err(AttachmentFault::code)
}

const MB: u64 = 1_000_000;

/// §5.6, row by row: types, what they begin with, their limits.
#[test]
fn each_type_has_its_extensions_its_beginning_and_its_limit() {
    let mpeg4 = b"\0\0\0\x20ftypisom\0\0\x02\0";
    let table: [(&str, &[u8], &str, u64); 14] = [
        ("a.aiff", b"FORM\0\0\0\0AIFF", "public.aiff-audio", 5),
        ("a.aif", b"FORM\0\0\0\0AIFC", "public.aiff-audio", 5),
        ("a.wav", b"RIFF\0\0\0\0WAVE", "com.microsoft.waveform-audio", 5),
        ("a.mp3", b"ID3\x04", "public.mp3", 5),
        ("b.mp3", &[0xff, 0xfb, 0x90, 0], "public.mp3", 5),
        ("a.m4a", mpeg4, "public.mpeg-4-audio", 5),
        ("a.JPG", &[0xff, 0xd8, 0xff, 0xe0], "public.jpeg", 10),
        ("a.jpeg", &[0xff, 0xd8, 0xff, 0xe1], "public.jpeg", 10),
        ("a.gif", b"GIF89a", "com.compuserve.gif", 10),
        ("a.png", PNG, "public.png", 10),
        ("a.mpg", &[0, 0, 1, 0xba, 0x21], "public.mpeg", 50),
        ("a.m2v", &[0, 0, 1, 0xb3], "public.mpeg-2-video", 50),
        ("a.mp4", mpeg4, "public.mpeg-4", 50),
        ("a.avi", b"RIFF\0\0\0\0AVI ", "public.avi", 50),
    ];
    for (name, head, identifier, limit) in table {
        assert_eq!(check_file(name, None, 1, head), Ok(identifier), "{name}");
        assert_eq!(check_file(name, None, limit * MB, head), Ok(identifier), "{name} at its limit");
        assert_eq!(check_file(name, None, limit * MB + 1, head), Err(102), "{name} beyond it");
        assert_eq!(check_file(name, None, 1, b"plain text"), Err(105), "{name} of text");
        assert_eq!(check_file(name, None, 0, b""), Err(105), "{name}, empty");
        assert_eq!(check_file("download.tmp", Some(identifier), 1, head), Ok(identifier), "hint for {name}");
    }
}

#[test]
fn a_hint_wins_over_the_extension_and_neither_over_what_the_file_is() {
    assert_eq!(check_file("a.tmp", None, 1, PNG), Err(101), "no type is guessed");
    assert_eq!(check_file("png", None, 1, PNG), Err(101), "a name without extension");
    assert_eq!(check_file("a.webp", None, 1, PNG), Err(101));
    assert_eq!(check_file("a.png", Some("public.webp"), 1, PNG), Err(101), "a hint that isn't supported");
    assert_eq!(check_file("a.mp3", Some("public.png"), 1, PNG), Ok("public.png"));
    assert_eq!(check_file("a.png", Some("public.mp3"), 1, PNG), Err(105), "a picture is no sound");
    assert_eq!(check_file("a.jpg", None, 1, PNG), Ok("public.jpeg"), "one picture for another can be drawn");
    assert_eq!(check_file("a.jpg", None, 60 * MB, b"text"), Err(102), "the size comes before the contents");
}

#[test]
fn a_taken_attachment_is_what_lies_in_the_store() {
    let mut phone = Phone::after(allowed(AppState::Background));
    let given = attachment("file:///app/photo.png", file(8, PNG));
    assert_eq!(phone.take(add_content(with(vec![given.clone()]), after(60.0))), ["added"]);
    let url_of = |content: &NotificationContent| content.attachments[0].clone();
    let pending = url_of(&phone.center.pending(NEWS)[0].request.content);
    assert_eq!(
        (pending.url.as_str(), pending.type_identifier.as_str()),
        ("file:///store/1.png", "public.png")
    );
    assert_eq!(pending.found, None, "it is no more of interest");
    assert_eq!(phone.center.attachments(NEWS).count(), 1);
    phone.pass(MINUTE);
    let delivered = phone.center.delivered(NEWS).next().expect("it is there");
    assert_eq!(url_of(&delivered.notification.request.content), pending);
    phone.center.relocate_attachments(NEWS, |url| Some(url.replace("/store", "/elsewhere")));
    let urls: Vec<_> = phone.center.attachments(NEWS).map(|attachment| attachment.url.as_str()).collect();
    assert_eq!(urls, ["file:///elsewhere/1.png"]);
    phone.take(dismiss("a"));
    assert_eq!(phone.center.attachments(NEWS).count(), 0, "nothing refers to it any more");
}

#[test]
fn what_waits_for_the_app_keeps_its_attachments() {
    let mut phone = Phone::after(allowed(AppState::Ended));
    phone.take(add_content(with(vec![attachment("file:///app/photo.png", file(8, PNG))]), None));
    phone.take(tap("a"));
    assert!(phone.listed().is_empty());
    assert_eq!(phone.center.attachments(NEWS).count(), 1, "the delegate isn't there yet");
}

#[test]
fn one_wrong_attachment_and_nothing_is_scheduled() {
    let good = || attachment("file:///app/photo.png", file(8, PNG));
    let twice = vec![good(), good()];
    let nameless = Attachment { identifier: String::new(), ..good() };
    let rect = |x: f64, width: f64| {
        let rect = Some(ClippingRect { x, y: 0.0, width, height: 1.0 });
        let options = AttachmentOptions { thumbnail_clipping_rect: rect, ..AttachmentOptions::default() };
        vec![Attachment { options, ..good() }]
    };
    let time = AttachmentOptions { thumbnail_time: Some(-1.0), ..AttachmentOptions::default() };
    let named = |number: usize| Attachment { identifier: number.to_string(), ..good() };
    let table = [
        (twice, "AttachmentIdentifier"),
        (vec![nameless], "AttachmentIdentifier"),
        (rect(0.5, 0.6), "AttachmentOptions"),
        (rect(-0.1, 0.5), "AttachmentOptions"),
        (rect(0.5, 0.0), "AttachmentOptions"),
        (rect(0.0, f64::NAN), "AttachmentOptions"),
        (vec![Attachment { options: time, ..good() }], "AttachmentOptions"),
        ((0..17).map(named).collect(), "TooManyAttachments"),
        (vec![good(), Attachment { found: Some(FoundFile::Missing), ..named(2) }], "Attachment {"),
    ];
    for (attachments, error) in table {
        let mut phone = Phone::after(allowed(AppState::Background));
        let outputs = phone.take(add_content(with(attachments), after(60.0)));
        assert_eq!(outputs.len(), 1, "{outputs:?}");
        assert!(outputs[0].starts_with(&format!("not added: {error}")), "{outputs:?}");
        assert!(phone.waiting().is_empty());
    }
    let mut phone = Phone::after(allowed(AppState::Background));
    assert_eq!(phone.take(add_content(with(rect(0.5, 0.5)), after(60.0))), ["added"]);
}

/// §5.6: for remote ones, checked after the extension has finished.
#[test]
fn of_what_an_extension_attached_the_good_ones_are_shown() {
    let mut phone = Phone::after([Input::AppInstalled(AppProfile { service_extension: true, ..news() })]);
    allowed(AppState::Background).into_iter().for_each(|input| drop(phone.take(input)));
    phone.take(arrives(push(1, json!({"aps": {"alert": "n", "mutable-content": 1}}))));
    let named = |name: &str, found| Attachment {
        identifier: name.to_owned(),
        ..attachment(&format!("file:///app/{name}"), found)
    };
    let attachments = vec![
        named("missing.png", FoundFile::Missing),
        named("good.png", file(8, PNG)),
        named("large.png", file(11 * MB, PNG)),
        named("broken.png", file(8, b"text")),
    ];
    let content = Box::new(with(attachments));
    let outputs = phone.take(of_app(AppInput::ServiceExtensionAnswered { call: 1, content }));
    assert_eq!(outputs[0], "1 displayed");
    let delivered = phone.center.delivered(NEWS).next().expect("it is there");
    let kept: Vec<_> = delivered
        .notification
        .request
        .content
        .attachments
        .iter()
        .map(|attachment| (attachment.identifier.as_str(), attachment.url.as_str()))
        .collect();
    assert_eq!(kept, [("good.png", "file:///store/1.png")]);
}
