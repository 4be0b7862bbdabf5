//! Between the words of the local API and those of the notification center. They name the same things and have the
//! same JSON, which is what carries one over into the other; a test holds the two together.

use std::collections::BTreeMap;
use std::sync::Arc;

use homing_local::message::UserInfo;
use homing_local::{
    AppManifest, AppStateWord, AuthorizationOption, CalendarIdentifier, ContentExtension, ErrorDomain,
    FetchResult, LaunchOptions, LegacyMethods, LocalError, Notification, NotificationContent,
    NotificationRequest, NotificationView, PendingView, PluralFormat, PluralForms, PresentationOption,
    PromptView, Surface, Trigger,
};
use homing_notification_center as center;
use homing_trace::UnixMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The same value in the other's words. That this fails is a fault of ours, told as an error of the call.
pub(crate) fn same<A: Serialize, B: DeserializeOwned>(value: &A) -> Result<B, LocalError> {
    serde_json::to_value(value).and_then(serde_json::from_value).map_err(|error| {
        LocalError::homing(LocalError::INVALID_ARGUMENT, format!("the device can't take this: {error}"))
    })
}

pub(crate) fn profile(manifest: &AppManifest) -> center::AppProfile {
    center::AppProfile {
        bundle_id: manifest.bundle_id.clone(),
        name: manifest.name.clone(),
        wakes_for_remote_notifications: manifest.wakes_for_remote_notifications(),
        time_sensitive: manifest.entitlements.time_sensitive,
        critical: manifest.entitlements.critical,
        communication: manifest.entitlements.communication,
        app_clip: manifest.app_clip,
        service_extension: false,
        filtering: manifest.entitlements.filtering,
        content_extensions: manifest.content_extensions.iter().map(content_extension).collect(),
        sounds: Arc::new(manifest.sounds.iter().map(|sound| (sound.name.clone(), sound.seconds)).collect()),
        localisations: Arc::new(manifest.localisations.clone()),
        plurals: Arc::new(manifest.plurals.iter().map(plurals_of).collect()),
    }
}

type PluralTable<F> = (String, BTreeMap<String, F>);

fn plurals_of(
    (locale, table): (&String, &BTreeMap<String, PluralFormat>),
) -> PluralTable<center::PluralFormat> {
    let forms = |forms: &PluralForms| center::PluralForms {
        zero: forms.zero.clone(),
        one: forms.one.clone(),
        two: forms.two.clone(),
        few: forms.few.clone(),
        many: forms.many.clone(),
        other: forms.other.clone(),
    };
    let format = |plural: &PluralFormat| center::PluralFormat {
        format: plural.format.clone(),
        variables: plural.variables.iter().map(|(name, of)| (name.clone(), forms(of))).collect(),
    };
    (locale.clone(), table.iter().map(|(key, plural)| (key.clone(), format(plural))).collect())
}

fn content_extension(extension: &ContentExtension) -> center::ContentExtension {
    center::ContentExtension {
        categories: extension.categories.clone(),
        initial_content_size_ratio: extension.initial_content_size_ratio,
        default_content_hidden: extension.default_content_hidden,
        overrides_default_title: extension.overrides_default_title,
        user_interaction_enabled: extension.user_interaction_enabled,
    }
}

pub(crate) fn legacy_methods(methods: LegacyMethods) -> center::LegacyMethods {
    let LegacyMethods { did_receive_remote_notification, did_receive_local_notification, handle_action } =
        methods;
    center::LegacyMethods { did_receive_remote_notification, did_receive_local_notification, handle_action }
}

/// Why an app is started.
pub(crate) fn launch_options(launch: &center::LaunchOptions) -> Result<LaunchOptions, LocalError> {
    Ok(match launch {
        center::LaunchOptions::None => LaunchOptions::default(),
        center::LaunchOptions::RemoteNotification(payload) => {
            LaunchOptions { remote_notification: Some(UserInfo(payload.0.clone())), local_notification: None }
        }
        center::LaunchOptions::LocalNotification(local) => LaunchOptions {
            remote_notification: None,
            local_notification: Some(Box::new(notification(local)?)),
        },
    })
}

pub(crate) fn options(options: &[AuthorizationOption]) -> center::AuthorizationOptions {
    center::AuthorizationOptions::from_bits(AuthorizationOption::bits(options))
}

pub(crate) fn presentation(options: &[PresentationOption]) -> center::PresentationOptions {
    center::PresentationOptions::from_bits(PresentationOption::bits(options))
}

pub(crate) fn fetch_result(result: FetchResult) -> center::FetchResult {
    match result {
        FetchResult::NewData => center::FetchResult::NewData,
        FetchResult::NoData => center::FetchResult::NoData,
        FetchResult::Failed => center::FetchResult::Failed,
    }
}

pub(crate) fn app_state(state: AppStateWord) -> center::AppState {
    match state {
        AppStateWord::Foreground => center::AppState::Foreground,
        AppStateWord::Background => center::AppState::Background,
        AppStateWord::Ended => center::AppState::Ended,
        AppStateWord::ForceQuit => center::AppState::ForceQuit,
    }
}

pub(crate) fn app_state_word(state: center::AppState) -> AppStateWord {
    match state {
        center::AppState::Foreground => AppStateWord::Foreground,
        center::AppState::Background => AppStateWord::Background,
        center::AppState::Ended => AppStateWord::Ended,
        center::AppState::ForceQuit => AppStateWord::ForceQuit,
    }
}

pub(crate) fn move_cause(cause: center::MoveCause) -> &'static str {
    match cause {
        center::MoveCause::Input => "user-or-system",
        center::MoveCause::Response => "response",
        center::MoveCause::RemoteNotification => "remote-notification",
        center::MoveCause::OtherAppInForeground => "other-app-in-foreground",
        center::MoveCause::BackgroundTimeExpired => "background-time-expired",
        center::MoveCause::Locked => "locked",
    }
}

pub(crate) fn request_error(error: &center::RequestError) -> LocalError {
    match error.un_error_code() {
        Some(code) => LocalError { domain: ErrorDomain::UserNotifications, code, message: error.to_string() },
        None => LocalError::homing(LocalError::INVALID_ARGUMENT, error.to_string()),
    }
}

/// What an app asks for, in the notification center's words; refused, if they have no words for it.
pub(crate) fn request(request: &NotificationRequest) -> Result<center::NotificationRequest, LocalError> {
    check_badge(&request.content)?;
    if let Some(Trigger::Calendar { date_components, .. }) = &request.trigger {
        check_calendar(date_components.calendar)?;
    }
    same(request)
}

/// A number that a badge can show.
pub(crate) fn check_badge(content: &NotificationContent) -> Result<(), LocalError> {
    match content.badge.map(u32::try_from) {
        Some(Err(_)) => Err(request_error(&center::RequestError::BadgeInputInvalid)),
        Some(Ok(_)) | None => Ok(()),
    }
}

pub(crate) fn check_calendar(calendar: Option<CalendarIdentifier>) -> Result<(), LocalError> {
    if calendar.is_none_or(CalendarIdentifier::is_known) {
        return Ok(());
    }
    let message =
        "the device reckons in the calendars gregorian and iso8601 only: give the date in one of them";
    Err(LocalError::homing(LocalError::INVALID_ARGUMENT, message))
}

pub(crate) fn prompt(prompt: &center::Prompt) -> PromptView {
    PromptView {
        app: prompt.bundle.clone(),
        app_name: prompt.app_name.clone(),
        options: AuthorizationOption::from_bits(prompt.options.bits()),
    }
}

pub(crate) fn notification(notification: &center::Notification) -> Result<Notification, LocalError> {
    same(notification)
}

/// With `anew`, an interval's date is counted from then, as iOS has it.
pub(crate) fn pending(
    bundle: &str,
    pending: &center::Pending,
    anew: Option<UnixMillis>,
) -> Result<PendingView, LocalError> {
    let as_on_ios = anew.and_then(|now| pending.request.trigger.as_ref()?.counted_anew(now));
    Ok(PendingView {
        app: bundle.to_owned(),
        request: same(&pending.request)?,
        next_trigger_date: as_on_ios.or(pending.next_trigger_date),
    })
}

/// How a notification is to be seen, and heard.
pub(crate) fn view(
    center: &center::Center,
    app: &center::AppProfile,
    delivered: &center::Delivered,
    now: UnixMillis,
) -> Result<NotificationView, LocalError> {
    let content = &delivered.notification.request.content;
    let preview = center.preview(&app.bundle_id, delivered);
    let hidden = preview.hidden;
    let settings = center.settings(&app.bundle_id);
    let is_enabled = |setting: fn(&center::NotificationSettings) -> center::NotificationSetting| {
        settings.as_ref().map(setting) == Some(center::NotificationSetting::Enabled)
    };
    let category = center.category_of(&app.bundle_id, delivered);
    let in_car_play = category.is_some_and(|category| category.options.allow_in_car_play)
        && is_enabled(|settings| settings.car_play_setting);
    Ok(NotificationView {
        identifier: delivered.identifier().to_owned(),
        app: app.bundle_id.clone(),
        app_name: app.name.clone(),
        title: preview.title,
        subtitle: preview.subtitle,
        body: preview.body,
        preview_hidden: preview.hidden,
        badge: delivered.badge,
        sound: delivered
            .sound
            .as_ref()
            .map(|sound| sound.file.clone().unwrap_or_else(|| "default".to_owned())),
        attachments: if hidden { Vec::new() } else { same(&content.attachments)? },
        thread: content.thread_identifier.clone(),
        category: content.category_identifier.clone(),
        actions: same(&center.offered(&app.bundle_id, delivered))?,
        interruption_level: same(&content.interruption_level)?,
        date: delivered.notification.date,
        apns_id: delivered.remote.as_ref().map(|remote| remote.apns_id.clone()),
        surfaces: delivered.surfaces_at(now).map(surface).collect(),
        lights_screen: delivered.lights_screen,
        in_car_play: delivered.lights_screen && in_car_play,
        announced: delivered.lights_screen && is_enabled(|settings| settings.announcement_setting),
    })
}

/// Where a notification is put before the user, sound and badge among it.
pub(crate) fn shown(shown: &center::Shown) -> Vec<Surface> {
    let sound = shown.sound.then_some(Surface::Sound);
    let badge = shown.badge.then_some(Surface::Badge);
    shown.surfaces.iter().copied().map(surface).chain(sound).chain(badge).collect()
}

const fn surface(surface: center::Surface) -> Surface {
    match surface {
        center::Surface::Banner => Surface::Banner,
        center::Surface::PersistentBanner => Surface::PersistentBanner,
        center::Surface::LockScreen => Surface::LockScreen,
        center::Surface::NotificationCenter => Surface::NotificationCenter,
    }
}

#[cfg(test)]
mod tests;
