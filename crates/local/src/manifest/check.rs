//! The rules a manifest is held to, one after the other.

use super::{AppManifest, Command, Finding, PluralFormat, Severity, SoundFile};
use crate::launch;

/// Longest bundle ID, in bytes: it is also a topic on the device link.
const MAX_BUNDLE_ID: usize = 155;
/// Longest name, in bytes.
const MAX_NAME: usize = 255;
/// From here on, the default sound plays instead (*UNNotificationSound*).
const SOUND_LIMIT_SECONDS: f64 = 30.0;
/// Arguments and variables of a command, each, and the longest of either in bytes.
const MAX_WORDS: usize = 64;
const MAX_WORD: usize = 4096;
const SOUND_EXTENSIONS: [&str; 4] = ["aiff", "aif", "wav", "caf"];
/// `UIBackgroundModes` as Apple documents them.
const BACKGROUND_MODES: [&str; 11] = [
    "audio",
    "bluetooth-central",
    "bluetooth-peripheral",
    "external-accessory",
    "fetch",
    "location",
    "nearby-interaction",
    "processing",
    "push-to-talk",
    "remote-notification",
    "voip",
];

pub(super) fn check(manifest: &AppManifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    bundle_id(&manifest.bundle_id, &mut findings);
    name(&manifest.name, &mut findings);
    if manifest.entitlements.aps_environment.is_none() {
        findings.push(warning(
            "$.entitlements.aps-environment",
            "without it, registering for remote notifications fails",
            "write \"development\" or \"production\"",
        ));
    }
    for (index, mode) in manifest.background_modes.iter().enumerate() {
        if !BACKGROUND_MODES.contains(&mode.as_str()) {
            findings.push(warning(
                format!("$.background_modes[{index}]"),
                format!("{mode:?} is no background mode"),
                "silent notifications need \"remote-notification\"",
            ));
        }
    }
    for (index, sound) in manifest.sounds.iter().enumerate() {
        let again = manifest.sounds[..index].iter().any(|earlier| earlier.name == sound.name);
        sound_file(index, sound, again, &mut findings);
    }
    let plain = manifest.localisations.keys().map(|locale| ("localisations", locale));
    let plural = manifest.plurals.keys().map(|locale| ("plurals", locale));
    for (tables, locale) in plain.chain(plural) {
        if !is_locale(locale) {
            findings.push(warning(
                format!("$.{tables}.{locale}"),
                format!("{locale:?} is no locale, so its texts are never shown"),
                "write a language, or language and region: en, zh-Hans, pt-BR",
            ));
        }
    }
    if manifest.bundle.as_ref().is_some_and(|bundle| !bundle.starts_with('/') || bundle.contains('\0')) {
        findings.push(error(
            "$.bundle",
            "the directory of the app's files can't be found from anywhere",
            "write its absolute path",
        ));
    }
    for (locale, table) in &manifest.plurals {
        for (key, plural) in table {
            plural_format(&format!("$.plurals.{locale}.{key}"), plural, &mut findings);
        }
    }
    for (path, given) in
        [("$.launch", &manifest.launch), ("$.service_extension", &manifest.service_extension)]
    {
        if let Some(given) = given {
            command(path, given, &mut findings);
        }
    }
    for (index, extension) in manifest.content_extensions.iter().enumerate() {
        if let Some(given) = &extension.command {
            command(&format!("$.content_extensions[{index}].command"), given, &mut findings);
        }
    }
    findings
}

fn command(path: &str, command: &Command, findings: &mut Vec<Finding>) {
    let program = command.argv.first().map_or("", String::as_str);
    if program.is_empty() || (program.contains('/') && !program.starts_with('/')) {
        findings.push(error(
            format!("{path}.argv"),
            format!("{program:?} is no program that can be found from anywhere"),
            "write its absolute path, or a name that is in the search path",
        ));
    }
    let words = command.argv.iter().chain(command.env.keys()).chain(command.env.values());
    if command.argv.len() > MAX_WORDS
        || command.env.len() > MAX_WORDS
        || words.clone().any(|word| word.len() > MAX_WORD)
    {
        findings.push(error(
            path,
            format!("a command has at most {MAX_WORDS} arguments and variables, of {MAX_WORD} bytes each"),
            "put what is long into a file that the program reads",
        ));
    }
    if words.clone().any(|word| word.contains('\0')) {
        findings.push(error(path, "a NUL character can't be given to a program", "leave it out"));
    }
    for name in command.env.keys() {
        if name.is_empty() || name.contains('=') || name.starts_with(launch::PREFIX) {
            findings.push(error(
                format!("{path}.env"),
                format!("{name:?} can't be a variable of the app's"),
                "use a name without `=` that doesn't begin with HOMING_: those are the device's",
            ));
        }
    }
}

fn bundle_id(bundle_id: &str, findings: &mut Vec<Finding>) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if bundle_id.is_empty() || bundle_id.len() > MAX_BUNDLE_ID || !bundle_id.bytes().all(allowed) {
        findings.push(error(
            "$.bundle_id",
            format!(
                "a bundle ID has 1 to {MAX_BUNDLE_ID} letters, digits, hyphens and dots; this one is {bundle_id:?}"
            ),
            "name the app like com.example.news",
        ));
    } else if !bundle_id.contains('.') || bundle_id.split('.').any(str::is_empty) {
        findings.push(error(
            "$.bundle_id",
            format!("{bundle_id:?} is not made of at least two parts joined by single dots"),
            "name the app like com.example.news",
        ));
    }
}

fn name(name: &str, findings: &mut Vec<Finding>) {
    if name.trim().is_empty() || name.len() > MAX_NAME {
        findings.push(error(
            "$.name",
            format!("the name under the icon has 1 to {MAX_NAME} bytes; this one has {}", name.len()),
            "write the app's name",
        ));
    }
}

fn sound_file(index: usize, sound: &SoundFile, again: bool, findings: &mut Vec<Finding>) {
    let extension = sound.name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    if !extension.is_some_and(|extension| SOUND_EXTENSIONS.contains(&extension.as_str())) {
        findings.push(warning(
            format!("$.sounds[{index}].name"),
            format!("{:?} is no sound file, so the default sound plays instead", sound.name),
            "use a file that ends in .aiff, .wav or .caf, and write the ending",
        ));
    }
    if sound.name == "default" || again {
        findings.push(error(
            format!("$.sounds[{index}].name"),
            format!("{:?} already names another sound", sound.name),
            "give each sound a name of its own",
        ));
    }
    if !sound.seconds.is_finite() || sound.seconds <= 0.0 {
        findings.push(error(
            format!("$.sounds[{index}].seconds"),
            format!("a sound can't last {} s", sound.seconds),
            "write how long it plays, in seconds",
        ));
    } else if sound.seconds >= SOUND_LIMIT_SECONDS {
        findings.push(warning(
            format!("$.sounds[{index}].seconds"),
            format!("it lasts {} s, so the default sound plays instead", sound.seconds),
            "shorten it to less than 30 s",
        ));
    }
}

/// A variable that a format names must be there.
fn plural_format(path: &str, plural: &PluralFormat, findings: &mut Vec<Finding>) {
    let forms = plural.variables.values().flat_map(|forms| {
        let given = [&forms.zero, &forms.one, &forms.two, &forms.few, &forms.many];
        given.into_iter().flatten().chain([&forms.other])
    });
    for text in forms.chain([&plural.format]) {
        let names = text.split("#@").skip(1).filter_map(|after| after.split_once('@'));
        for (name, _) in names.filter(|(name, _)| !plural.variables.contains_key(*name)) {
            findings.push(warning(
                path,
                format!("{name:?} is none of its variables, so it is shown as it is written"),
                "add it to \"variables\", or correct its name",
            ));
        }
    }
}

/// Language, optionally script and region, joined by `-` or `_`.
fn is_locale(locale: &str) -> bool {
    let mut parts = locale.split(['-', '_']);
    let language = parts.next().is_some_and(|part| matches!(part.len(), 2 | 3) && is_alphabetic(part));
    language
        && parts
            .all(|part| matches!(part.len(), 2..=4) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn is_alphabetic(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn error(path: impl Into<String>, reason: impl Into<String>, fix: &str) -> Finding {
    Finding { path: path.into(), severity: Severity::Error, reason: reason.into(), fix: fix.to_owned() }
}

fn warning(path: impl Into<String>, reason: impl Into<String>, fix: &str) -> Finding {
    Finding { path: path.into(), severity: Severity::Warning, reason: reason.into(), fix: fix.to_owned() }
}
