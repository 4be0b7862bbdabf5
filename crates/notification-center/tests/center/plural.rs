//! Device facts §6.8: plurals, by the rules of each language.

use super::*;

fn shown(locale: &str, key: &str, args: &[&str]) -> String {
    let table = |forms: serde_json::Value| json!({"MAIL": {"format": "%#@messages@", "variables": {"messages": forms}}});
    let plurals = json!({
        "en": {
            "MAIL": {"format": "%#@messages@ from %@", "variables": {
                "messages": {"zero": "No messages", "one": "One message", "other": "%d messages"}
            }},
            "BOTH": {"format": "%2$#@files@ in %1$#@folders@ (100%%)", "variables": {
                "files": {"one": "%d file", "other": "%ld files"},
                "folders": {"one": "one folder", "other": "%@ folders"}
            }},
            "NESTED": {"format": "%#@a@", "variables": {
                "a": {"one": "a day, %#@b@", "other": "%d days, %#@b@"}, "b": {"one": "an hour", "other": "%d hours"}
            }},
            "LOOP": {"format": "%#@a@", "variables": {"a": {"other": "x%#@a@"}}},
            "CROWD": {"format": "%#@a@".repeat(200), "variables": {"a": {"other": "%#@a@".repeat(200)}}},
            "WROTE": {"format": "plural", "variables": {}},
        },
        "ru": table(json!({"one": "%d письмо", "few": "%d письма", "many": "%d писем", "other": "%d письма…"})),
        "ar": table(json!({
            "zero": "صفر", "one": "واحدة", "two": "اثنتان", "few": "قليل %d", "many": "كثير %d", "other": "آخر %d"
        })),
        "zh-Hans": table(json!({"one": "wrong", "other": "%d 封邮件"})),
    });
    let profile = AppProfile { plurals: serde_json::from_value(plurals).expect("they are"), ..news() };
    let mut phone = Phone::after([Input::AppInstalled(profile)]);
    allowed(AppState::Background).into_iter().for_each(|input| drop(phone.take(input)));
    phone.take(Input::LocaleChanged { locale: locale.to_owned() });
    phone.take(arrives(push(1, json!({"aps": {"alert": {"loc-key": key, "loc-args": args}}}))));
    let delivered = phone.center.delivered(NEWS).next().expect("it is there");
    delivered.notification.request.content.body.as_str().to_owned()
}

#[test]
fn each_language_has_its_own_forms() {
    let table = [
        ("en", "0", "No messages from Ann"),
        ("en-GB", "1", "One message from Ann"),
        ("en", "2", "2 messages from Ann"),
        ("en", "1.0", "1.0 messages from Ann"),
        ("en", "-1", "One message from Ann"),
        ("en", "some", "some messages from Ann"),
        ("de", "2", "2 messages from Ann"),
        ("ru", "1", "1 письмо"),
        ("ru_RU", "3", "3 письма"),
        ("ru", "5", "5 писем"),
        ("ru", "21", "21 письмо"),
        ("ru", "0", "0 писем"),
        ("ar", "0", "صفر"),
        ("ar", "2", "اثنتان"),
        ("ar", "7", "قليل 7"),
        ("ar", "11", "كثير 11"),
        ("ar", "100", "آخر 100"),
        ("zh-Hans-CN", "1", "1 封邮件"),
    ];
    for (locale, number, text) in table {
        assert_eq!(shown(locale, "MAIL", &[number, "Ann"]), text, "{number} in {locale}");
    }
}

#[test]
fn variables_take_arguments_by_order_or_position() {
    assert_eq!(shown("en", "BOTH", &["2", "1"]), "1 file in 2 folders (100%)");
    assert_eq!(shown("en", "NESTED", &["1", "2"]), "a day, 2 hours");
    assert_eq!(shown("en", "MAIL", &[]), " messages from ", "too few leave nothing");
    assert_eq!(shown("en", "LOOP", &["1"]), "xxxx%#@a@", "it ends");
    assert!(shown("en", "CROWD", &["1"]).starts_with("%#@a@"), "it ends soon");
    assert_eq!(shown("en", "WROTE", &["a", "b"]), "plural", "it comes before the plain one");
    assert_eq!(shown("en", "ONLY_EN", &[]), "English", "the others are as they were");
    assert_eq!(shown("en", "NONE %@", &["a"]), "NONE a", "a key that is missing");
}
