//! Profiles as people write them, and misspell them.

use super::super::lot::{Deed, Lot};
use super::*;

fn demo() -> AppManifest {
    let json = r#"{"bundle_id": "com.example.news", "name": "News", "entitlements": {"aps-environment": "development"}}"#;
    AppManifest::from_json(json.as_bytes()).expect("it can be used").0
}

fn read(text: &str) -> Result<Profile, ProfileError> {
    let path = PathBuf::from("test.toml");
    match toml::from_str(text) {
        Ok(file) => Profile::of(file, &path, &demo()),
        Err(error) => Err(ProfileError::Toml { path, why: error.to_string() }),
    }
}

#[track_caller]
fn refused(text: &str, words: &[&str]) {
    let error = read(text).expect_err("it can't be used").to_string();
    for word in words {
        assert!(error.contains(word), "{word:?} isn't in: {error}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_how_to_mend_it() {
    refused("seed = 1\ntimezones = 3", &["line 2", "timezones", "time-zones"]);
    refused("[time-zones]\n\"Europe/Berlin\" = 60", &["line 1", "sum to 60", "make it 100"]);
    refused("[time-zones]\n\"Europe/Berln\" = 100", &["line 2", "Europe/Berln", "write one like"]);
    refused("[locales]\n\"english language\" = 100", &["line 2", "zh-Hans"]);
    refused("[[app]]\npermission = { alow = 100 }", &["line 2", "alow", "never-asked"]);
    refused("[online.nightly]\nshare = 100\noff = \"23-7\"", &["line 3", "22:00-07:00"]);
    refused("[online.flaky]\nshare = 100\nup = \"20\"\ndown = \"5s\"", &["line 3", "15m"]);
    refused("[online.flaky]\nshare = 100\nup = \"20m\"", &["line 1", "down"]);
    refused("[low-power]\nshare = 120", &["line 2", "from 0 to 100"]);
    refused("[on-notification]\nopens = 60\ndismisses = 60", &["more than 100"]);
    refused("[[app]]\nmanifest = \"absent.json\"", &["absent.json"]);
    refused("[[app]]\n[[app]]", &["com.example.news twice"]);
}

#[test]
fn an_app_without_an_environment_is_refused_unless_the_profile_gives_one() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("mail.json"), r#"{"bundle_id": "com.example.mail", "name": "Mail"}"#)
        .expect("it is written");
    let path = dir.path().join("test.toml");
    let app = "[[app]]\nmanifest = \"mail.json\"\n";
    std::fs::write(&path, app).expect("it is written");
    let error = Profile::read(&path, &demo()).expect_err("no token could come").to_string();
    assert!(error.contains("com.example.mail") && error.contains("environments = {"), "{error}");
    let both = format!("{app}environments = {{ development = 50, production = 50 }}\nshare = 30");
    std::fs::write(&path, both).expect("it is written");
    let profile = Profile::read(&path, &demo()).expect("it can be used");
    let lots: Vec<Lot> = (0..100).map(|device| Lot::of(&profile, device)).collect();
    assert_eq!(lots.iter().filter(|lot| !lot.apps.is_empty()).count(), 30);
}

#[test]
fn a_device_has_the_same_lot_in_every_run_and_the_shares_are_met() {
    let text = "seed = 9\n[time-zones]\n\"Europe/Berlin\" = 70\n\"Asia/Shanghai\" = 30\n\
                [[app]]\npermission = { allow = 60, deny = 20, provisional = 5, never-asked = 15 }\n\
                [online.always]\nshare = 75\n[online.commuter]\nshare = 25\ntunnels = 2\nbetween = [\"07:00-09:00\"]\n\
                lasts = \"3m\"\n[low-power]\nshare = 10\n[on-notification]\nopens = 20\ndismisses = 30";
    let profile = read(text).expect("it can be used");
    let lots: Vec<Lot> = (0..200).map(|device| Lot::of(&profile, device)).collect();
    assert_eq!(lots, (0..200).map(|device| Lot::of(&profile, device)).collect::<Vec<_>>());
    let count = |is: &dyn Fn(&Lot) -> bool| lots.iter().filter(|lot| is(lot)).count();
    let zone = |lot: &Lot| profile.file.time_zones.get(lot.time_zone).map(|zone| zone.name.as_str());
    assert_eq!(count(&|lot| zone(lot) == Some("Europe/Berlin")), 140);
    for (permission, devices) in [
        (Permission::Allow, 120),
        (Permission::Deny, 40),
        (Permission::Provisional, 10),
        (Permission::NeverAsked, 30),
    ] {
        assert_eq!(count(&|lot| lot.apps[0].permission == permission), devices, "{permission:?}");
    }
    assert_eq!(count(&|lot| lot.line == LineKind::Commuter), 50);
    assert_eq!(count(&|lot| lot.saves_power), 20);
    let conduct = &profile.file.on_notification;
    for nth in 0..3 {
        assert_eq!(count(&|lot| lot.deed(9, conduct, nth) == Some(Deed::Open)), 40);
        assert_eq!(count(&|lot| lot.deed(9, conduct, nth) == Some(Deed::Dismiss)), 60);
    }
    let other = read(&text.replace("seed = 9", "seed = 10")).expect("it can be used");
    assert_ne!(lots, (0..200).map(|device| Lot::of(&other, device)).collect::<Vec<_>>());
}

#[test]
fn an_empty_profile_is_all_devices_alike() {
    let profile = read("").expect("it can be used");
    let lot = Lot::of(&profile, 5);
    assert_eq!((lot.line, lot.saves_power, lot.focuses, lot.mutes), (LineKind::Always, false, false, false));
    assert_eq!(lot.apps.len(), 1);
    assert_eq!(lot.deed(1, &profile.file.on_notification, 0), None);
}
