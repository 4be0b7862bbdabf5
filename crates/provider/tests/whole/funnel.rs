//! From a push to the tap, counted; and what keeps it from getting there.

use homing_trace::{Environment, Reason, Stage};
use serde_json::json;

use crate::house::{BUNDLE, House, payload, registration};
use homing_provider::engine::{
    Credential, CredentialView, EngineError, HistoryQuery, InstallationState, NotificationState, Report,
    ReportedEvent, Teller,
};

#[tokio::test]
async fn a_push_to_a_user_is_counted_at_every_step_up_to_the_tap() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    house.log_in(&phone, "ann").await;
    let created = house.push(json!({ "user": "ann" })).await;
    assert_eq!((created.planned, created.why), (1, None));
    let notification = phone.next().await;
    let installation = house.engine.installation(BUNDLE, &phone.token).await.unwrap();
    let homing = json!({ "push": created.push_id, "user": installation.user_tag });
    assert_eq!(payload(&notification), json!({ "aps": { "alert": "道可道" }, "homing": homing }));

    let push = house.until(&created.push_id, |push| push.counts.delivered == 1).await;
    assert_eq!((push.counts.sent, push.counts.accepted, push.counts.displayed), (1, 1, 0));
    phone.says(&notification, Stage::Displayed, None, &house.clock).await;
    phone.says(&notification, Stage::Displayed, None, &house.clock).await;
    phone.says(&notification, Stage::Suppressed, Some(Reason::DUPLICATE), &house.clock).await;
    phone.says(&notification, Stage::Opened, None, &house.clock).await;
    let push = house.until(&created.push_id, |push| push.counts.opened == 1).await;
    assert_eq!((push.counts.displayed, push.counts.suppressed), (1, 1));
    assert_eq!(push.reasons.suppressed["duplicate"], 1);

    // The SDK says the same over the provider: it counts no second time.
    let report = |event| Report { push_id: created.push_id.clone(), event, at: None };
    let reported = |event| house.engine.report(BUNDLE, &phone.token, Some("ann"), report(event));
    reported(ReportedEvent::Opened).await.unwrap();
    reported(ReportedEvent::Dismissed).await.unwrap();
    let bobs = house.engine.report(BUNDLE, &phone.token, Some("bob"), report(ReportedEvent::Opened));
    assert!(bobs.await.is_err());
    let counts = house.engine.push(BUNDLE, &created.push_id).await.unwrap().counts;
    assert_eq!((counts.opened, counts.dismissed), (1, 1));

    let (histories, more) =
        house.engine.notifications(BUNDLE, HistoryQuery::User("ann".to_owned()), 10, 0).await.unwrap();
    let stages: Vec<&str> = histories[0].events.iter().map(|event| event.stage).collect();
    assert!(!more && histories[0].apns_id == notification.apns_id, "{histories:?}");
    for stage in
        ["planned", "sent", "accepted", "acknowledged", "displayed", "suppressed", "opened", "dismissed"]
    {
        assert_eq!(stages.iter().filter(|said| **said == stage).count(), 1, "{stages:?}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_users_tag_is_for_apps_that_know_it() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    let by_a_server = registration(Some("u42"), Some(1));
    house.engine.register(BUNDLE, &phone.token, by_a_server, Teller::Server).await.unwrap();
    house.push(json!({ "user": "u42" })).await;
    let untagged = payload(&phone.next().await);
    assert!(
        untagged["homing"]["user"].is_null(),
        "its app may show it to whoever is signed in there: {untagged}"
    );
    house
        .engine
        .register(BUNDLE, &phone.token, registration(Some("u42"), Some(2)), Teller::App("u42".to_owned()))
        .await
        .unwrap();
    house.push(json!({ "user": "u42" })).await;
    let tagged = payload(&phone.next().await);
    assert!(tagged["homing"]["user"].is_string(), "{tagged}");
    house.stop().await;
}

#[tokio::test]
async fn a_token_that_nobody_told_is_sent_to_all_the_same() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    let created = house.push(json!({ "token": phone.token })).await;
    assert_eq!((created.planned, created.why), (1, None));
    phone.next().await;
    house.until(&created.push_id, |push| push.counts.delivered == 1).await;
    let installation = house.engine.installation(BUNDLE, &phone.token).await.unwrap();
    assert_eq!((installation.user, installation.registered_at.0), (None, 0));
    let forged = house.push(json!({ "token": "ab".repeat(32) })).await;
    let push = house.finished(&forged.push_id).await;
    assert_eq!(push.reasons.refused.get("BadDeviceToken"), Some(&1));
    let left = house.engine.installation(BUNDLE, &"ab".repeat(32)).await;
    assert!(matches!(left, Err(EngineError::NotFound { .. })), "nothing is kept of it: {left:?}");
    house.stop().await;
}

#[tokio::test]
async fn a_410_ends_an_installation_unless_the_token_was_told_again_since() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    house.log_in(&phone, "ann").await;
    phone.connection.unsubscribe(&crate::house::NEWS).await.unwrap();
    // Told again, perhaps by a late request, after the push service's time: the refusal doesn't count.
    house.clock.advance(std::time::Duration::from_millis(5)).unwrap();
    house.log_in(&phone, "ann").await;
    let push = house.push(json!({ "token": phone.token })).await;
    let push = house.finished(&push.push_id).await;
    assert_eq!((push.counts.refused, push.reasons.refused.get("Unregistered")), (1, Some(&1)));
    let state = || async { house.engine.installation(BUNDLE, &phone.token).await.unwrap().state };
    assert_eq!(state().await, InstallationState::Live);
    let detail = house.detail(&push.push_id).await;
    assert_eq!(detail.notifications[0].state, NotificationState::Refused);
    assert!(
        detail.notifications[0].advice.as_ref().is_some_and(|advice| advice.contains("Forget the token"))
    );
    house.stop().await;
}

#[tokio::test]
async fn a_410_later_than_the_registration_retires_and_a_new_registration_revives() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    house.log_in(&phone, "ann").await;
    house.clock.advance(std::time::Duration::from_millis(5)).unwrap();
    phone.connection.unsubscribe(&crate::house::NEWS).await.unwrap();
    let push = house.push(json!({ "user": "ann" })).await;
    house.finished(&push.push_id).await;
    let installation = house.engine.installation(BUNDLE, &phone.token).await.unwrap();
    assert_eq!(installation.state, InstallationState::Retired);
    assert_eq!(installation.retired_reason.as_deref(), Some("Unregistered"));
    let nobody = house.push(json!({ "user": "ann" })).await;
    assert_eq!(nobody.planned, 0);
    assert!(nobody.why.as_ref().is_some_and(|why| why.contains("retired")), "{:?}", nobody.why);
    house
        .engine
        .register(BUNDLE, &phone.token, registration(None, None), Teller::App("ann".to_owned()))
        .await
        .unwrap();
    let installation = house.engine.installation(BUNDLE, &phone.token).await.unwrap();
    assert_eq!((installation.state, installation.user.as_deref()), (InstallationState::Live, Some("ann")));
    house.stop().await;
}

#[tokio::test]
async fn a_token_the_push_service_does_not_know_is_refused_and_stays_with_a_note() {
    let house = House::start().await;
    let token = "ab".repeat(32);
    house
        .engine
        .register(BUNDLE, &token, registration(Some("ann"), None), Teller::App("ann".to_owned()))
        .await
        .unwrap();
    let push = house.push(json!({ "user": "ann" })).await;
    let push = house.finished(&push.push_id).await;
    assert_eq!(push.reasons.refused.get("BadDeviceToken"), Some(&1));
    let installation = house.engine.installation(BUNDLE, &token).await.unwrap();
    assert_eq!(installation.state, InstallationState::Live);
    assert_eq!(installation.last_refusal.map(|refusal| refusal.reason).as_deref(), Some("BadDeviceToken"));
    house.stop().await;
}

#[tokio::test]
async fn what_the_push_service_says_of_the_end_is_counted_by_its_word() {
    let house = House::start().await;
    let phone = house.phone().await;
    house.log_in(&phone, "ann").await;
    let (token, device) = (phone.token.clone(), phone.device.clone());
    drop(phone.connection);
    let first = house.push(json!({ "user": "ann" })).await;
    house.finished(&first.push_id).await;
    let second = house.push(json!({ "user": "ann" })).await;
    // At the latest when the second is stored, the first is replaced.
    let first = house
        .until(&first.push_id, |push| push.counts.delivered == 1 || !push.reasons.ended.is_empty())
        .await;
    let mut connection = device.connect(homing_link::Version::V5).await.unwrap();
    assert_eq!(connection.subscribe(&crate::house::NEWS).await.unwrap(), token);
    if first.counts.delivered == 0 {
        assert_eq!(first.reasons.ended.get("replaced"), Some(&1), "{first:?}");
    }
    let notification = connection.next_notification().await.unwrap();
    connection.ack(notification.packet_id).await.unwrap();
    house.until(&second.push_id, |push| push.counts.delivered == 1).await;
    house.stop().await;
}

#[tokio::test]
async fn a_client_certificate_serves_as_credential_in_either_file_format() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    house.log_in(&phone, "ann").await;
    let certificate = house.certificate().await;
    let formats = [
        Credential::Certificate { pem: certificate.pem.clone() },
        Credential::Pkcs12 { p12: certificate.p12.clone(), password: "secret".to_owned().into() },
    ];
    for credential in formats {
        let elsewhere =
            house.engine.put_credential(BUNDLE, Environment::Production, credential.clone()).await;
        assert!(
            matches!(elsewhere, Err(EngineError::Invalid { problem, .. }) if problem.contains("isn't marked for"))
        );
        let app = house.engine.put_credential(BUNDLE, Environment::Development, credential).await.unwrap();
        let view = &app.credentials[&Environment::Development];
        assert!(
            matches!(view, CredentialView::Certificate { expires_at } if *expires_at > house.clock.now())
        );
        let push = house.push(json!({ "user": "ann" })).await;
        phone.next().await;
        // Its receipts come to whoever shows it.
        house.until(&push.push_id, |push| push.counts.delivered == 1).await;
    }
    house.stop().await;
}
