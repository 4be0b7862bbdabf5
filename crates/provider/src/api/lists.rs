//! Parts of lists: how many may be asked for, and where to go on.

use std::num::NonZeroU16;

use serde::Deserialize;
use utoipa::IntoParams;

use crate::engine::MAX_PAGE;

/// Items in one answer, if the asker doesn't say.
const USUAL: usize = 100;

/// What part of a list is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// At most so many: 100 if it isn't said, 1000 at most
    #[param(value_type = Option<u16>, minimum = 1)]
    limit: Option<NonZeroU16>,
    /// `next` of the part before
    pub(super) after: Option<String>,
}

impl After {
    pub(super) fn limit(&self) -> usize {
        limit(self.limit)
    }
}

/// Who asks for more than [`MAX_PAGE`] gets the first of them, and is told that there are more.
pub(super) fn limit(asked: Option<NonZeroU16>) -> usize {
    asked.map_or(USUAL, |asked| usize::from(asked.get()).min(MAX_PAGE))
}
