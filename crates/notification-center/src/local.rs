//! Local requests: which are taken, which wait, and how one fires. When it is due is `trigger`'s.

use homing_trace::UnixMillis;

use crate::app::{App, Turn};
use crate::{Identifiers, Notification, NotificationRequest, Output, Pending, RequestError, Trigger};

/// How many requests of one app may wait: those that fire soonest are kept (*UILocalNotification*).
const MAX_PENDING: usize = 64;
/// Longest identifier, in bytes.
const MAX_IDENTIFIER: usize = 1_024;
/// Largest content, in bytes of JSON.
const MAX_CONTENT: usize = 64 * 1_024;

impl App {
    pub(crate) fn add(&mut self, mut request: NotificationRequest, number: u64, turn: &mut Turn<'_>) {
        let date = self.check(&mut request, turn).and_then(|date| {
            if let Some(Trigger::Location { region, .. }) = &request.trigger {
                self.take_place_of_region(&request.identifier, region)?;
            }
            Ok(date)
        });
        let result = date.clone().map(|_| ());
        turn.out.push(Output::AddResult { bundle: self.bundle(), request: number, result });
        let Ok(next_trigger_date) = date else { return };
        self.pending.retain(|pending| pending.request.identifier != request.identifier);
        if request.trigger.is_none() {
            return self.deliver(Notification { date: turn.now, request }, None, turn);
        }
        let inside = Self::begins_inside(request.trigger.as_ref(), turn.location);
        let (added_at, counted_from) = (turn.now, turn.now);
        self.pending.push(Pending { request, added_at, next_trigger_date, counted_from, inside });
        self.keep_soonest();
    }

    /// The date of its trigger, if that has one.
    fn check(
        &self,
        request: &mut NotificationRequest,
        turn: &Turn<'_>,
    ) -> Result<Option<UnixMillis>, RequestError> {
        let len = request.identifier.len();
        if len == 0 {
            return Err(RequestError::EmptyIdentifier);
        }
        if len > MAX_IDENTIFIER {
            return Err(RequestError::IdentifierTooLong { len, max: MAX_IDENTIFIER });
        }
        let trigger = request.trigger.as_ref();
        let date = trigger.map(|trigger| trigger.first_date(turn.time_zone, turn.now)).transpose()?;
        request.content.take_in(&self.profile)?;
        if !self.permission.is_granted() {
            return Err(RequestError::NotificationsNotAllowed);
        }
        if !request.content.is_displayable() {
            return Err(RequestError::NoContent);
        }
        if request.content.is_too_deep() {
            return Err(RequestError::ContentTooDeep);
        }
        let len = serde_json::to_vec(&request.content).map_or(usize::MAX, |json| json.len());
        if len > MAX_CONTENT {
            return Err(RequestError::ContentTooLarge { len, max: MAX_CONTENT });
        }
        Ok(date.flatten())
    }

    /// Beyond the limit, the one that fires last is dropped without a word; of equals, the newest. A region may be
    /// crossed at any moment: it stays.
    pub(crate) fn keep_soonest(&mut self) {
        while self.pending.len() > MAX_PENDING {
            let last = self.pending.iter().enumerate().max_by_key(|(_, pending)| pending.next_trigger_date);
            let Some((last, _)) = last else { return };
            self.pending.remove(last);
        }
    }

    pub(crate) fn remove_pending(&mut self, identifiers: &Identifiers) {
        self.pending.retain(|pending| !identifiers.contains(&pending.request.identifier));
    }

    pub(crate) fn travelled(&mut self, turn: &Turn<'_>) {
        self.pending.iter_mut().for_each(|pending| pending.travelled(turn.time_zone, turn.now));
    }

    /// Delivers a request with the date it was due. One that repeats waits for the next date in the future, however
    /// many it missed; the other leaves. Without permission it fires into nothing.
    pub(crate) fn fire(&mut self, at: usize, turn: &mut Turn<'_>) {
        let pending = &mut self.pending[at];
        let date = pending.next_trigger_date.unwrap_or(turn.now);
        let request = if pending.waits_again(turn.time_zone, turn.now) {
            pending.request.clone()
        } else {
            self.pending.remove(at).request
        };
        self.deliver(Notification { date, request }, None, turn);
    }
}
