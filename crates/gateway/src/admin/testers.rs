//! What testers ask of a push service that has tools for them: what each tool does is in `crate::testers`; here it is found,
//! and wishes are read.

pub(super) mod faults;
pub(super) mod journal;
pub(super) mod marks;
pub(super) mod wishes;

use std::sync::Arc;

use axum::http::StatusCode;
use homing_apns::DeviceTokenHex;
use homing_http_api::Problem;

use super::AdminContext;
use super::refusal::unusable;
use crate::centre::Directory;
use crate::notification::RegistrationKey;
use crate::testers::Testers;

impl AdminContext {
    /// 409 where there are none.
    fn testers(&self) -> Result<&Arc<Testers>, Problem> {
        self.testers.as_ref().ok_or_else(|| {
            let detail = "this push service has no tools for testers: `homing up` and `homing gateway --ephemeral` \
                          have them, and `homing gateway --config` with `for_testers = true` in its file";
            Problem::new(StatusCode::CONFLICT, "There are no tools for testers", detail.to_owned())
        })
    }

    /// The registration that a device token of one of the apps opens for.
    fn registration_of(&self, token: &str, directory: &Directory) -> Result<RegistrationKey, Problem> {
        let sealed = DeviceTokenHex::parse(token.as_bytes()).ok();
        let key = sealed.and_then(|sealed| self.sealer.open(sealed.as_bytes()));
        key.filter(|key| directory.topic_by_no(key.topic_no).is_some()).ok_or_else(|| {
            unusable(
                "token",
                "`token` is no device token of this push service: send one that it gave a device, in hex"
                    .to_owned(),
            )
        })
    }
}
