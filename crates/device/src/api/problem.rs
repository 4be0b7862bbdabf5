//! How the device's refusals are said: as problem documents whose detail says what would help.

use axum::http::StatusCode;
pub(crate) use homing_http_api::{Body, Problem};
use homing_local::LocalError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::backup::BackupError;
use crate::fleet::ChangeError;
use crate::phone::questions::Refusal;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NoApp(_)
            | Refusal::NotOffloaded(_)
            | Refusal::NotShown { .. }
            | Refusal::NoCall { .. }
            | Refusal::NoRegistration { .. }
            | Refusal::NoChannel { .. } => Self::not_found(detail),
            Refusal::NoToken(_) => Self::new(StatusCode::CONFLICT, "The app has no token", detail),
            Refusal::NoAction { .. } => {
                Self::new(StatusCode::CONFLICT, "The notification doesn't offer this action", detail)
            }
            Refusal::Asked(_) => {
                Self::new(StatusCode::CONFLICT, "The content extension hasn't answered", detail)
            }
            Refusal::NotDriven(_) => {
                Self::new(StatusCode::CONFLICT, "The app isn't driven through the API", detail)
            }
            Refusal::NotTheApp | Refusal::NotTheProcess(_) => {
                Self::new(StatusCode::FORBIDDEN, "The process may not be this app", detail)
            }
            Refusal::RunsAlready(_) => Self::new(StatusCode::CONFLICT, "The app runs already", detail),
            Refusal::NotInFront(_) => Self::new(StatusCode::CONFLICT, "The app isn't in foreground", detail),
            Refusal::Off(_) => Self::new(StatusCode::CONFLICT, "The device is off", detail),
            Refusal::NoPrompt => Self::new(StatusCode::CONFLICT, "No prompt is on the screen", detail),
            Refusal::Manifest(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "The app manifest can't be used", detail)
            }
            Refusal::Invalid(_) => Self::invalid(detail),
            Refusal::Broken => Self::broken(detail),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let detail = error.to_string();
        match error {
            ChangeError::Name(_) => Self::invalid(detail),
            ChangeError::There(_) => Self::new(StatusCode::CONFLICT, "The device is there already", detail),
            ChangeError::Off(_) => Self::new(StatusCode::CONFLICT, "The device is off", detail),
            ChangeError::TooMany => Self::new(StatusCode::CONFLICT, "There are too many devices", detail),
            ChangeError::NotThere(_) | ChangeError::Backup(BackupError::NotThere(_)) => {
                Self::not_found(detail)
            }
            ChangeError::Backup(BackupError::TooMany | BackupError::TooLarge { .. }) => {
                Self::new(StatusCode::CONFLICT, "There is no room for the backup", detail)
            }
            ChangeError::Backup(
                BackupError::Unreadable { .. } | BackupError::Version { .. } | BackupError::Damaged { .. },
            ) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "The backup can't be used", detail),
            ChangeError::Backup(BackupError::Files { .. })
            | ChangeError::Store(_)
            | ChangeError::Files { .. }
            | ChangeError::Stopping => Self::broken(detail),
        }
    }
}

/// A problem document of a call that an app made: what its completion handler would get.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedCall {
    #[serde(flatten)]
    problem: Problem,
    /// *NSError*; absent if the request wasn't the app's.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<NamedError>,
}

/// An error with the name that Apple gives its code.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NamedError {
    #[serde(flatten)]
    error: LocalError,
    /// Such as `NotificationsNotAllowed`; absent of what isn't in `UNErrorDomain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
}

/// What the app would have been told; the member `error` is what its completion handler would get, with the name that
/// Apple gives the code.
pub(super) fn refused_call(error: &LocalError) -> Problem {
    let problem =
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "The device refused the call", error.to_string());
    let told = NamedError { error: error.clone(), name: error.name() };
    problem.with("error", serde_json::to_value(told).unwrap_or_default())
}
