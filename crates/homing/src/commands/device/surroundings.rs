//! The words about what is around a device and how its user has set it: where it is, its language, power, mute switch, Focus
//! and scheduled summary. Without a value each shows how it is.

use anyhow::anyhow;
use serde_json::{Value, json};

use super::answer::{Answer, show};
use super::client::{DeviceApi, Send};
use super::{Where, text};

/// How a switch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Surroundings {
    /// Show the device's time zone, or travel to another
    TimeZone {
        /// A name of the IANA database, such as `Asia/Shanghai`
        zone: Option<String>,
        #[command(flatten)]
        at: Where,
    },
    /// Show where the device is, or move it: location triggers fire whose border it crosses
    Location {
        /// Degrees, like `31.23,121.47`; north and east are positive
        #[arg(value_name = "LATITUDE,LONGITUDE", value_parser = place, allow_hyphen_values = true)]
        place: Option<Place>,
        #[command(flatten)]
        at: Where,
    },
    /// Show the device's language, or change it
    Language {
        /// A BCP 47 tag, such as `zh-Hans`
        tag: Option<String>,
        #[command(flatten)]
        at: Where,
    },
    /// Show whether Low Power Mode is on, or turn it
    LowPower {
        switch: Option<Switch>,
        #[command(flatten)]
        at: Where,
    },
    /// Show whether the mute switch is on, or turn it
    Mute {
        switch: Option<Switch>,
        #[command(flatten)]
        at: Where,
    },
    /// Show the Focus that is on, or turn one on or off
    Focus(FocusArgs),
    /// Show the scheduled summary and what waits for it, or plan it
    Summary(SummaryArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct FocusArgs {
    switch: Option<Switch>,
    /// What it is called
    #[arg(long, requires = "switch", default_value = "Do Not Disturb")]
    name: String,
    /// An app it lets through; may be said several times
    #[arg(long, value_name = "BUNDLE_ID", requires = "switch")]
    allow: Vec<String>,
    /// A person whose messages and calls it lets through, by handle or name; may be said several times
    #[arg(long, value_name = "PERSON", requires = "switch")]
    allow_person: Vec<String>,
    /// Time-sensitive notifications of the others aren't let through either
    #[arg(long, requires = "switch")]
    no_time_sensitive: bool,
    /// No badges are to be seen
    #[arg(long, requires = "switch")]
    hide_badges: bool,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, clap::Args)]
pub(super) struct SummaryArgs {
    switch: Option<Switch>,
    /// When it comes, on the device's clock; may be said several times [default: 08:00 and 18:00]
    #[arg(long, value_name = "HH:MM", requires = "switch")]
    time: Vec<String>,
    /// An app whose notifications wait for it; may be said several times [default: every app on the device]
    #[arg(long, value_name = "BUNDLE_ID", requires = "switch")]
    of: Vec<String>,
    #[command(flatten)]
    at: Where,
}

/// A place on Earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    latitude: f64,
    longitude: f64,
}

fn place(text: &str) -> anyhow::Result<Place> {
    let degrees = |text: &str, limit: f64| text.trim().parse().ok().filter(|at: &f64| at.abs() <= limit);
    text.split_once(',')
        .and_then(|(north, east)| {
            Some(Place { latitude: degrees(north, 90.0)?, longitude: degrees(east, 180.0)? })
        })
        .ok_or_else(|| anyhow!("write a place in degrees, like 31.23,121.47"))
}

pub(super) fn carry_out(command: Surroundings) -> anyhow::Result<Answer> {
    match command {
        Surroundings::TimeZone { zone, at } => {
            set(&at, "/time-zone", zone.map(|zone| json!({"time_zone": zone})))
        }
        Surroundings::Location { place, at } => {
            let body = place.map(|at| json!({"latitude": at.latitude, "longitude": at.longitude}));
            set(&at, "/location", body)
        }
        Surroundings::Language { tag, at } => set(&at, "/locale", tag.map(|tag| json!({"locale": tag}))),
        Surroundings::LowPower { switch, at } => {
            set(&at, "/low-power", switch.map(|to| json!({"low_power": to == Switch::On})))
        }
        Surroundings::Mute { switch, at } => {
            set(&at, "/mute", switch.map(|to| json!({"muted": to == Switch::On})))
        }
        Surroundings::Focus(focus) => focus.carry_out(),
        Surroundings::Summary(summary) => summary.carry_out(),
    }
}

/// What is set, or nothing: either way the answer is the whole device.
fn set(at: &Where, what: &str, to: Option<Value>) -> anyhow::Result<Answer> {
    let api = DeviceApi::find(at)?;
    let device = api.device_path(at)?;
    let view = match to {
        Some(body) => api.send(&Send::Put(&body), &format!("{device}{what}"))?,
        None => api.send(&Send::Get, &device)?,
    };
    Ok(show(at, view, text::surroundings))
}

impl FocusArgs {
    fn carry_out(self) -> anyhow::Result<Answer> {
        let api = DeviceApi::find(&self.at)?;
        let path = format!("{}/focus", api.device_path(&self.at)?);
        let focus = |of: &Self| {
            json!({"name": of.name, "allowed_apps": of.allow, "allowed_people": of.allow_person,
                   "time_sensitive": !of.no_time_sensitive, "hides_badges": of.hide_badges})
        };
        let answer = match self.switch {
            Some(Switch::On) => api.send(&Send::Put(&json!({"focus": focus(&self)})), &path)?,
            Some(Switch::Off) => api.send(&Send::Put(&json!({"focus": null})), &path)?,
            None => api.send(&Send::Get, &path)?,
        };
        Ok(show(&self.at, answer, text::focus))
    }
}

impl SummaryArgs {
    fn carry_out(self) -> anyhow::Result<Answer> {
        let api = DeviceApi::find(&self.at)?;
        let device = api.device_path(&self.at)?;
        let path = format!("{device}/summary");
        let answer = match self.switch {
            Some(Switch::On) => {
                let of = if self.of.is_empty() {
                    api.send(&Send::Get, &device)?["apps"].clone()
                } else {
                    json!(self.of)
                };
                let times = if self.time.is_empty() { json!(["08:00", "18:00"]) } else { json!(self.time) };
                api.send(&Send::Put(&json!({"summary": {"times": times, "apps": of}})), &path)?
            }
            Some(Switch::Off) => api.send(&Send::Put(&json!({"summary": null})), &path)?,
            None => api.send(&Send::Get, &path)?,
        };
        Ok(show(&self.at, answer, text::summary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_two_numbers_of_degrees_on_earth() {
        assert_eq!(place("31.23,121.47").ok(), Some(Place { latitude: 31.23, longitude: 121.47 }));
        assert_eq!(place("-33.9, 18.4").ok(), Some(Place { latitude: -33.9, longitude: 18.4 }));
        for wrong in ["", "31.23", "91,0", "0,181", "a,b", "NaN,0", "1,2,3", "inf,0"] {
            assert!(place(wrong).is_err(), "{wrong:?}");
        }
    }
}
