//! What is said of an answer: lines and JSON for stdout, sentences for stderr.

use homing_apns::{Act, Reason, Retry};
use homing_apns_client::{Response, SendError};
use serde_json::{Map, Value};

use super::destination::Destination;

/// The outcome as data: names and values as the answer has them; absent is absent.
fn fields(outcome: &Result<Response, SendError>) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    let mut put = |name, value: Option<Value>| fields.extend(value.map(|value| (name, value)));
    match outcome {
        Ok(response) => {
            put("status", Some(response.status.into()));
            put("apns_id", response.apns_id.clone().map(Value::from));
            put("apns_unique_id", response.apns_unique_id.clone().map(Value::from));
        }
        Err(SendError::Refused { status, refusal, apns_id }) => {
            put("status", Some((*status).into()));
            put("reason", Some(refusal.reason.as_str().into()));
            put("timestamp", refusal.timestamp.map(|at| at.0.into()));
            put("apns_id", apns_id.clone().map(Value::from));
            put("advice", Some(refusal.reason.advice().into()));
        }
        Err(error) => {
            put("error", Some(error.to_string().into()));
            put("reason", error.reason().map(|reason| reason.as_str().into()));
            put("may_be_accepted", Some(error.may_be_accepted().into()));
        }
    }
    fields
}

pub(in crate::commands) fn json(outcome: &Result<Response, SendError>) -> Value {
    let map: Map<String, Value> =
        fields(outcome).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    map.into()
}

/// `apns-id: …` and so on; what is a sentence goes to stderr instead.
pub(super) fn lines(outcome: &Result<Response, SendError>) -> Vec<String> {
    fields(outcome)
        .into_iter()
        .filter(|(name, _)| !matches!(*name, "advice" | "error" | "may_be_accepted"))
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{}: {value}", name.replace('_', "-"))
        })
        .collect()
}

pub(super) fn accepted(response: &Response, destination: &Destination) -> String {
    let mut text = format!("accepted by {} ({})", destination.host, destination.environment);
    if let (Some(option), Some(apns_id)) = (&destination.trace_option, &response.apns_id) {
        text.push_str(&format!("; what becomes of it: homing trace {apns_id} {option}"));
    }
    text
}

/// What failed, why, what to do, and whether to try again.
pub(in crate::commands) fn not_accepted(error: &SendError) -> String {
    let SendError::Refused { status, refusal, .. } = error else {
        return format!("error: {error}");
    };
    let reason = &refusal.reason;
    let mut text = format!("error: refused with {status} {reason}");
    if let Some(at) = refusal.timestamp {
        text.push_str(&format!(" since {at}"));
    }
    format!("{text}\n  {}\n  {}; {}", reason.advice(), who(reason), again(reason))
}

fn who(reason: &Reason) -> &'static str {
    match reason.act() {
        Act::ProviderCode => "to be mended in the request",
        Act::Credentials => "to be mended in the key or certificate",
        Act::DeviceToken => "to be mended where device tokens are kept",
        Act::PushService => "to be mended by the push service",
    }
}

fn again(reason: &Reason) -> String {
    match reason.retry() {
        Retry::Never => "don't send it again".to_owned(),
        Retry::AfterFix => "send it again when that is mended".to_owned(),
        Retry::WithNewProviderToken => {
            "a token dated to the second was too old as well: check this machine's clock".to_owned()
        }
        Retry::OnNewConnection => "send it again on a new connection".to_owned(),
        Retry::Later => "send it again later".to_owned(),
        Retry::AfterSeconds(seconds) => format!("send it again after {} minutes", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use homing_apns::Refusal;
    use homing_trace::UnixMillis;

    use super::*;

    const APNS_ID: &str = "9B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10";

    fn refused(status: u16, reason: Reason, timestamp: Option<i64>) -> SendError {
        let refusal = Refusal { reason, timestamp: timestamp.map(UnixMillis) };
        SendError::Refused { status, refusal, apns_id: Some(APNS_ID.to_owned()) }
    }

    #[test]
    fn an_accepted_one_is_two_lines_or_an_object() {
        let outcome = Ok(Response { status: 200, apns_id: Some(APNS_ID.to_owned()), apns_unique_id: None });
        assert_eq!(lines(&outcome), ["status: 200".to_owned(), format!("apns-id: {APNS_ID}")]);
        assert_eq!(json(&outcome).to_string(), format!(r#"{{"status":200,"apns_id":"{APNS_ID}"}}"#));
    }

    #[test]
    fn a_refused_one_says_what_to_do_and_whether_to_try_again() {
        let error = refused(410, Reason::Unregistered, Some(1_508_249_865_488));
        assert_eq!(
            not_accepted(&error),
            "error: refused with 410 Unregistered since 2017-10-17T14:17:45.488Z\n  Forget the token, unless the app \
             registered again after the timestamp.\n  to be mended where device tokens are kept; don't send it again"
        );
        let outcome = Err(error);
        assert_eq!(
            lines(&outcome),
            [
                "status: 410",
                "reason: Unregistered",
                "timestamp: 1508249865488",
                &format!("apns-id: {APNS_ID}")
            ]
        );
        assert_eq!(json(&outcome)["advice"], Reason::Unregistered.advice());
    }

    #[test]
    fn an_unknown_reason_is_shown_as_it_is() {
        let error = refused(400, Reason::from_word("MoonInWrongPhase"), None);
        assert!(not_accepted(&error).starts_with("error: refused with 400 MoonInWrongPhase\n"));
    }

    #[test]
    fn a_lost_answer_says_that_nothing_is_known() {
        let outcome = Err(SendError::Deadline { after: std::time::Duration::from_secs(20) });
        assert!(lines(&outcome).is_empty());
        assert_eq!(json(&outcome)["may_be_accepted"], true);
    }
}
