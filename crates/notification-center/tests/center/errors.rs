//! Device facts §3.2: each error code, provoked.

use super::attachments::{PNG, add_content, attachment, file, with};
use super::*;

fn refused(inputs: Vec<Input>, input: Input) -> RequestError {
    let mut phone = Phone::after(inputs);
    let outputs = phone.handle(input);
    let [Output::AddResult { result: Err(error), .. } | Output::BadgeResult { result: Err(error), .. }] =
        outputs.as_slice()
    else {
        panic!("one refusal: {outputs:?}");
    };
    assert!(phone.waiting().is_empty() && phone.listed().is_empty(), "{error}: nothing is kept");
    error.clone()
}

fn message(sender: Option<Person>) -> NotificationContent {
    let communication = Communication {
        intent: CommunicationIntent::SendMessage,
        sender,
        conversation_identifier: "lunch".to_owned(),
        group_name: String::new(),
    };
    NotificationContent { communication: Some(communication), ..content("Noon?") }
}

fn ann() -> Option<Person> {
    Some(Person { display_name: "Ann".to_owned(), handle: "ann@example.com".to_owned() })
}

fn entitled() -> Vec<Input> {
    let mut inputs = vec![Input::AppInstalled(AppProfile { communication: true, ..news() })];
    inputs.extend(allowed(AppState::Background));
    inputs
}

#[test]
fn each_code_of_the_table_is_given_for_what_it_says() {
    let url = "file:///app/photo.png";
    let attached = |attachment: Attachment| add_content(with(vec![attachment]), after(60.0));
    let not_moved = FoundFile::File { bytes: 8, format: Some(FileFormat::Png), stored: None };
    let badge = |count| Input::BadgeSet { bundle: NEWS.to_owned(), count, request: 1 };
    let unseen = Attachment { found: None, ..attachment("https://example.com/a.png", file(8, PNG)) };
    let permitted = || allowed(AppState::Background);
    let table = [
        (1, vec![], add("a", None)),
        (1, vec![], badge(1)),
        (100, permitted(), attached(unseen)),
        (100, permitted(), attached(attachment(url, FoundFile::Missing))),
        (101, permitted(), attached(attachment("file:///app/photo.webp", file(8, PNG)))),
        (102, permitted(), attached(attachment(url, file(10_000_001, PNG)))),
        (103, permitted(), attached(attachment(url, FoundFile::NotInDataStore))),
        (104, permitted(), attached(attachment(url, not_moved))),
        (105, permitted(), attached(attachment(url, file(8, b"text")))),
        (1400, permitted(), add("a", after(0.0))),
        (1401, permitted(), add_content(NotificationContent::default(), None)),
        (1500, permitted(), add_content(message(ann()), None)),
        (1501, entitled(), add_content(message(None), None)),
        (1501, entitled(), add_content(message(Some(Person::default())), None)),
        (1600, permitted(), badge(-1)),
        (1600, permitted(), badge(i64::from(u32::MAX) + 1)),
    ];
    for (code, inputs, input) in table {
        let error = refused(inputs, input);
        assert_eq!(error.un_error_code(), Some(code), "{error}");
    }
}

/// §3.3. Apple has no code for it.
#[test]
fn a_summary_argument_count_of_0_is_refused() {
    let zero = NotificationContent { summary_argument_count: Some(0), ..content("n") };
    let error = refused(allowed(AppState::Background), add_content(zero, None));
    assert_eq!(error, RequestError::SummaryArgumentCount);
    assert_eq!(error.un_error_code(), None);
}

#[test]
fn a_content_updated_from_an_intent_says_who_it_is_from() {
    let mut phone = Phone::after(entitled());
    phone.take(add_content(message(ann()), None));
    let content =
        phone.center.delivered(NEWS).next().expect("it is there").notification.request.content.clone();
    assert_eq!((content.title.as_str(), content.thread_identifier.as_str()), ("Ann", "lunch"));
    let own = NotificationContent { title: "Lunch".into(), ..message(ann()) };
    phone.take(add_content(own, None));
    let content = &phone.center.delivered(NEWS).next().expect("it is there").notification.request.content;
    assert_eq!(content.title.as_str(), "Lunch", "the app's own words stay");
    let settings = phone.center.settings(NEWS).expect("it is there");
    assert_eq!(settings.direct_messages_setting, NotificationSetting::Enabled);
    let without = Phone::after(allowed(AppState::Background)).center.settings(NEWS).expect("it is there");
    assert_eq!(without.direct_messages_setting, NotificationSetting::NotSupported, "as 1500 says");
}
