//! A fleet at a push service that wants to be spared.

use homing_clock::Clock;
use homing_device::{Crowd, CrowdConfig, Profile};

use crate::push_service::PushService;

#[tokio::test]
async fn a_push_service_that_wants_to_be_spared_is_asked_again_when_it_said() {
    const DEVICES: u32 = 300;
    let service = PushService::start().await;
    service.spare();
    let demo = homing_app::demo::manifest("development").expect("the demo has one");
    let crowd = Crowd::start(CrowdConfig {
        devices: u64::from(DEVICES),
        profile: Profile::plain(&demo).expect("it can be used"),
        clock: Clock::default(),
        link: ("localhost".to_owned(), service.port),
        ca_pem: service.ca_pem.clone(),
        enrolment_key: "good".to_owned(),
        identities: None,
        tokens: None,
    });
    let crowd = crowd.expect("it starts");
    let seen = service.until("all enrol", |seen| seen.enrolments == DEVICES).await;
    // Those who were on their way hear it; the others don't ask before it is time.
    assert!((1..=2 * 64).contains(&seen.refused_enrolments), "{}", seen.refused_enrolments);
    assert!(crowd.counts().failures >= u64::from(seen.refused_enrolments));
    let farewell = crowd.shutdown().await;
    assert_eq!((farewell.removed, farewell.left_behind), (u64::from(DEVICES), 0));
}
