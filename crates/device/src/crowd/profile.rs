//! What a fleet's devices are like: a file in TOML, shares in percent (`docs/devices.md`). Unknown keys are refused. What
//! one device is like follows from it by `lot`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use homing_local::{AppManifest, ManifestError};
use homing_notification_center as center;
use homing_trace::Environment;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::hours::{Flaky, Hours, Length, Tunnels};
use super::share::{Percent, Shares};
use crate::link::Registration;
use crate::translate;

/// The most apps that a profile has.
const MAX_APPS: usize = 16;

/// A profile that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("the profile {path} can't be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the profile {path} can't be used: {why}")]
    Toml { path: PathBuf, why: String },
    #[error("the profile {path} can't be used: {why}")]
    Unfit { path: PathBuf, why: String },
    #[error("the manifest {path} of the profile can't be read: {source}")]
    ReadManifest { path: PathBuf, source: std::io::Error },
    #[error("the manifest {path} of the profile can't be used: {source}")]
    Manifest { path: PathBuf, source: ManifestError },
}

/// What a fleet's devices are like.
#[derive(Debug)]
pub struct Profile {
    pub(crate) file: File,
    pub(crate) apps: Vec<App>,
    /// Oddities of the manifests, each a sentence.
    warnings: Vec<String>,
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct File {
    /// The same seed gives the same devices.
    #[serde(default = "first_seed")]
    pub(crate) seed: u64,
    #[serde(default = "utc")]
    pub(crate) time_zones: Shares<Zone>,
    #[serde(default = "english")]
    pub(crate) locales: Shares<Locale>,
    #[serde(default)]
    app: Vec<AppEntry>,
    #[serde(default)]
    pub(crate) online: Online,
    #[serde(default)]
    pub(crate) on_notification: Conduct,
    #[serde(default)]
    pub(crate) low_power: During,
    #[serde(default)]
    pub(crate) muted: During,
    #[serde(default)]
    pub(crate) focus: FocusHabit,
}

const fn first_seed() -> u64 {
    1
}

fn utc() -> Shares<Zone> {
    Shares::only(Zone { name: "UTC".to_owned(), zone: TimeZone::UTC })
}

fn english() -> Shares<Locale> {
    Shares::only(Locale("en".to_owned()))
}

/// A zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Zone {
    pub(crate) name: String,
    pub(crate) zone: TimeZone,
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match TimeZone::get(&name) {
            Ok(zone) if center::Center::knows_time_zone(&name) => Ok(Self { name, zone }),
            Ok(_) | Err(_) => {
                Err(format!("there is no time zone {name:?}: write one like \"Europe/Berlin\""))
            }
        }
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(&other.name)
    }
}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A language, by its BCP 47 tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Locale(pub(crate) String);

impl TryFrom<String> for Locale {
    type Error = String;

    fn try_from(tag: String) -> Result<Self, String> {
        let part =
            |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let mut parts = tag.split(['-', '_']);
        let language = parts.next().is_some_and(|first| first.len() > 1 && part(first));
        if language && parts.all(part) {
            Ok(Self(tag))
        } else {
            Err(format!("{tag:?} is no locale: write one like \"en\" or \"zh-Hans\""))
        }
    }
}

/// What a device's user answered the app's question, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Permission {
    Allow,
    Deny,
    /// The app asked quietly.
    Provisional,
    /// The app didn't ask.
    NeverAsked,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AppEntry {
    /// Its manifest, from the profile's folder; the demo app without it.
    manifest: Option<PathBuf>,
    /// How many devices have it.
    #[serde(default = "all")]
    share: Percent,
    /// What its builds are for, in place of what the manifest says.
    environments: Option<Shares<Environment>>,
    #[serde(default = "allowing")]
    permission: Shares<Permission>,
}

const fn all() -> Percent {
    Percent::ALL
}

fn allowing() -> Shares<Permission> {
    Shares::only(Permission::Allow)
}

/// An app that devices have. All of them share it.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) profile: center::AppProfile,
    pub(crate) share: Percent,
    pub(crate) environments: Shares<Environment>,
    pub(crate) permission: Shares<Permission>,
}

impl App {
    pub(crate) fn registration(&self, environment: Environment) -> Registration {
        Registration { environment, topic: self.profile.bundle_id.clone(), instance: None }
    }
}

/// When devices have a network: the shares of four kinds.
#[derive(Debug, Deserialize)]
#[serde(try_from = "OnlineFile")]
pub(crate) struct Online {
    pub(crate) kinds: Shares<LineKind>,
    pub(crate) commuter: Option<Tunnels>,
    /// When it is off.
    pub(crate) nightly: Option<Hours>,
    pub(crate) flaky: Option<Flaky>,
}

impl Default for Online {
    fn default() -> Self {
        Self { kinds: Shares::only(LineKind::Always), commuter: None, nightly: None, flaky: None }
    }
}

/// How a device's line behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LineKind {
    Always,
    Commuter,
    Nightly,
    Flaky,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlineFile {
    always: Option<AlwaysFile>,
    commuter: Option<CommuterFile>,
    nightly: Option<NightlyFile>,
    flaky: Option<FlakyFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlwaysFile {
    share: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommuterFile {
    share: f64,
    tunnels: u16,
    between: Vec<Hours>,
    lasts: Length,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NightlyFile {
    share: f64,
    off: Hours,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlakyFile {
    share: f64,
    up: Length,
    down: Length,
}

impl TryFrom<OnlineFile> for Online {
    type Error = String;

    fn try_from(file: OnlineFile) -> Result<Self, String> {
        let OnlineFile { always, commuter, nightly, flaky } = file;
        let shares: BTreeMap<LineKind, f64> = [
            (LineKind::Always, always.map(|always| always.share)),
            (LineKind::Commuter, commuter.as_ref().map(|commuter| commuter.share)),
            (LineKind::Nightly, nightly.as_ref().map(|nightly| nightly.share)),
            (LineKind::Flaky, flaky.as_ref().map(|flaky| flaky.share)),
        ]
        .into_iter()
        .filter_map(|(kind, share)| Some((kind, share?)))
        .collect();
        if commuter.as_ref().is_some_and(|commuter| commuter.between.is_empty() || commuter.tunnels > 100) {
            return Err("a commuter has up to 100 tunnels a day, `between` some hours".to_owned());
        }
        Ok(Self {
            kinds: Shares::try_from(shares)?,
            commuter: commuter.map(|CommuterFile { tunnels, between, lasts, .. }| Tunnels {
                tunnels,
                between,
                lasts,
            }),
            nightly: nightly.map(|nightly| nightly.off),
            flaky: flaky.map(|FlakyFile { up, down, .. }| Flaky { up, down }),
        })
    }
}

/// What users do with a notification that is shown; the others let it be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conduct {
    /// In how many of a hundred cases.
    #[serde(default = "none")]
    pub(crate) opens: Percent,
    #[serde(default = "none")]
    pub(crate) dismisses: Percent,
    /// After how long, on average.
    #[serde(default = "a_minute")]
    pub(crate) after: Length,
    /// How long the app is in front then.
    #[serde(default = "a_minute")]
    pub(crate) reads: Length,
}

impl Default for Conduct {
    fn default() -> Self {
        Self { opens: Percent::NONE, dismisses: Percent::NONE, after: a_minute(), reads: a_minute() }
    }
}

const fn none() -> Percent {
    Percent::NONE
}

const fn a_minute() -> Length {
    Length(Duration::from_secs(60))
}

/// What some devices are in some hours.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct During {
    pub(crate) share: Percent,
    /// Always without it.
    pub(crate) between: Option<Hours>,
}

impl Default for During {
    fn default() -> Self {
        Self { share: Percent::NONE, between: None }
    }
}

/// A Focus that some users have on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FocusHabit {
    pub(crate) share: Percent,
    pub(crate) between: Option<Hours>,
    /// Bundle IDs of those that are let through.
    #[serde(default)]
    pub(crate) allowed_apps: BTreeSet<String>,
    #[serde(default = "yes")]
    pub(crate) time_sensitive: bool,
}

impl Default for FocusHabit {
    fn default() -> Self {
        Self { share: Percent::NONE, between: None, allowed_apps: BTreeSet::new(), time_sensitive: true }
    }
}

const fn yes() -> bool {
    true
}

impl Profile {
    /// Reads a profile and the manifests that it names. `demo` is the app of one that names none.
    pub fn read(path: &Path, demo: &AppManifest) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ProfileError::Read { path: path.to_owned(), source })?;
        let file: File = toml::from_str(&text)
            .map_err(|error| ProfileError::Toml { path: path.to_owned(), why: error.to_string() })?;
        Self::of(file, path, demo)
    }

    /// All devices alike: always online, with the demo app, allowed.
    pub fn plain(demo: &AppManifest) -> Result<Self, ProfileError> {
        let file = toml::from_str("")
            .map_err(|error| ProfileError::Toml { path: PathBuf::new(), why: error.to_string() })?;
        Self::of(file, Path::new(""), demo)
    }

    /// Oddities of the manifests, each a sentence.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn of(mut file: File, path: &Path, demo: &AppManifest) -> Result<Self, ProfileError> {
        let unfit = |why: String| ProfileError::Unfit { path: path.to_owned(), why };
        let conduct = &file.on_notification;
        if conduct.opens.exceeds_with(conduct.dismisses) {
            return Err(unfit(
                "in [on-notification], `opens` and `dismisses` are more than 100 percent".to_owned(),
            ));
        }
        let mut entries = std::mem::take(&mut file.app);
        if entries.is_empty() {
            let share = Percent::ALL;
            entries.push(AppEntry { manifest: None, share, environments: None, permission: allowing() });
        }
        if entries.len() > MAX_APPS {
            return Err(unfit(format!("it has more than {MAX_APPS} times [[app]]")));
        }
        let (mut apps, mut warnings) = (Vec::<App>::new(), Vec::new());
        for entry in entries {
            let manifest = match &entry.manifest {
                None => demo.clone(),
                Some(named) => manifest(path, named, &mut warnings)?,
            };
            let environments = entry
                .environments
                .or_else(|| manifest.entitlements.aps_environment.map(Shares::only))
                .ok_or_else(|| {
                    let app = &manifest.bundle_id;
                    unfit(format!(
                        "{app} has no aps-environment, so its devices get no token: add one to its manifest, or \
                         `environments = {{ development = 100 }}` to its [[app]]"
                    ))
                })?;
            // Nobody expands a notification here.
            let profile =
                center::AppProfile { content_extensions: Vec::new(), ..translate::profile(&manifest) };
            let app = App { profile, share: entry.share, environments, permission: entry.permission };
            if apps.iter().any(|other| other.profile.bundle_id == app.profile.bundle_id) {
                return Err(unfit(format!(
                    "it has {} twice: one [[app]] has all its shares",
                    manifest.bundle_id
                )));
            }
            apps.push(app);
        }
        // Each device has its own list of them.
        let is_here = |bundle: &String| apps.iter().any(|app| app.profile.bundle_id == *bundle);
        file.focus.allowed_apps.retain(is_here);
        Ok(Self { file, apps, warnings })
    }
}

fn manifest(profile: &Path, named: &Path, warnings: &mut Vec<String>) -> Result<AppManifest, ProfileError> {
    let path = profile.parent().unwrap_or(Path::new("")).join(named);
    let json =
        std::fs::read(&path).map_err(|source| ProfileError::ReadManifest { path: path.clone(), source })?;
    match AppManifest::from_json(&json) {
        Ok((manifest, findings)) => {
            warnings.extend(findings.iter().map(|finding| format!("{}: {finding}", path.display())));
            Ok(manifest)
        }
        Err(source) => Err(ProfileError::Manifest { path, source }),
    }
}

#[cfg(test)]
mod tests;
