//! What is around a phone: the zone of the clock on the wall, where the phone is, and Settings as far as it isn't
//! about switches.

use homing_local::{Coordinate, LocationPermission};
use homing_notification_center as center;
use homing_trace::UnixMillis;
use serde_json::json;

use super::Phone;
use super::questions::{Asked, DeviceView, Refusal};
use crate::happening::Kind;
use crate::translate;

impl Phone {
    /// What is due on a clock that moved happens before the answer.
    pub(crate) fn clock_moved(&mut self) -> Asked<()> {
        self.look_at_the_clock()?;
        Ok(Ok(()))
    }

    /// What the phone's clock shows, and by how much it is wrong, in milliseconds.
    pub(crate) fn wall_clock(&self) -> (UnixMillis, i64) {
        (self.clock.now(), self.clock.wrong_by_millis())
    }

    /// Somebody sets the phone's clock. What that does to what is due is the notification center's.
    pub(crate) fn set_clock_wrong_by(&mut self, millis: i64) -> Asked<()> {
        // What was over before stays over.
        self.feed(center::Input::TimePassed)?;
        self.store.save_clock_wrong_by(millis)?;
        self.clock.set_wrong_by(millis);
        self.feed(center::Input::TimePassed)?;
        self.happened(Kind::Changed, None, json!({}));
        Ok(Ok(()))
    }

    /// The phone travels to another time zone.
    pub(crate) fn set_time_zone(&mut self, time_zone: String) -> Asked<DeviceView> {
        if !center::Center::knows_time_zone(&time_zone) {
            let why = format!(
                "{time_zone:?} is no time zone of the IANA database: give one such as Asia/Shanghai or UTC"
            );
            return Ok(Err(Refusal::Invalid(why)));
        }
        self.happened(Kind::Changed, None, json!({"time_zone": time_zone}));
        self.feed(center::Input::TimeZoneChanged { time_zone })?;
        Ok(Ok(self.device_view()))
    }

    /// The phone is somewhere else.
    pub(crate) fn set_location(&mut self, location: Coordinate) -> Asked<DeviceView> {
        let location = center::Coordinate { latitude: location.latitude, longitude: location.longitude };
        if !location.is_valid() {
            let why = "a latitude is −90 to 90 degrees, a longitude −180 to 180".to_owned();
            return Ok(Err(Refusal::Invalid(why)));
        }
        self.happened(Kind::Changed, None, json!({}));
        self.feed(center::Input::LocationMoved(location))?;
        Ok(Ok(self.device_view()))
    }

    /// The user presses the app's button for settings of its own, in Settings or in the menu of a notification.
    pub(crate) fn open_app_settings(&mut self, bundle: &str, identifier: Option<String>) -> Asked<()> {
        if let Err(refusal) = self.app_detail(bundle) {
            return Ok(Err(refusal));
        }
        if !self.center.settings(bundle).is_some_and(|settings| settings.provides_app_notification_settings) {
            let why = format!(
                "{bundle} has no such button: it gets one when it asks for permission with the option \
                 provides-app-notification-settings"
            );
            return Ok(Err(Refusal::Invalid(why)));
        }
        if let Some(identifier) = &identifier
            && !self.center.on_screen(bundle).any(|delivered| delivered.identifier() == identifier)
        {
            let (app, identifier) = (bundle.to_owned(), identifier.clone());
            return Ok(Err(Refusal::NotShown { app, identifier }));
        }
        let what = center::AppInput::SettingsOpened { identifier };
        self.feed(center::Input::OfApp { bundle: bundle.to_owned(), what })?;
        Ok(Ok(()))
    }

    /// Whether the app may know where the phone is, as its user says.
    pub(crate) fn set_location_permission(
        &mut self,
        bundle: &str,
        permission: LocationPermission,
    ) -> Asked<()> {
        if let Err(refusal) = self.app_detail(bundle) {
            return Ok(Err(refusal));
        }
        let bundle = bundle.to_owned();
        match translate::same(&permission) {
            Ok(permission) => {
                self.happened(Kind::Changed, Some(&bundle), json!({}));
                self.feed(center::Input::LocationPermissionChanged { bundle, permission })?;
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(Refusal::Invalid(error.message))),
        }
    }
}
