//! What an app registers for beside its own notifications: calls, complications, file provider, Live Activities, widgets,
//! controls, location and push to talk. Each is a topic with a token of its own, and goes to a framework, not to the
//! notification center. A virtual iPhone has none of these frameworks: it keeps the tokens and tells what came.

use homing_link::RegistrationName;
use homing_notification_center as center;
use homing_payload::PushType;
use homing_trace::{Environment, Reason};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Phone;
use super::connection::registration_of;
use super::questions::Refusal;
use crate::happening::Kind;
use crate::link::{Arrived, Registration};
use crate::store::{KeptFurther, StoreError};

/// Registrations one app may have beside its own.
const PER_APP: usize = 32;

/// Which registration of an app is meant.
#[derive(Clone, Debug)]
pub(crate) struct Which {
    pub(crate) bundle: String,
    /// The word of a push type.
    pub(crate) kind: String,
    pub(crate) instance: Option<String>,
}

/// A registration beside the app's own.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FurtherView {
    /// The push type it is for.
    #[schema(value_type = String)]
    kind: PushType,
    /// The Live Activity whose own token it is; without it, the token that starts one.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// What a provider sends as `apns-topic`.
    topic: String,
    #[schema(value_type = String)]
    environment: Environment,
    /// Lower-case hexadecimal; absent until the push service has given it.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

impl FurtherView {
    fn of(registration: &Registration, further: &KeptFurther) -> Self {
        Self {
            kind: further.kind,
            instance: further.instance.clone(),
            topic: registration.topic.clone(),
            environment: registration.environment,
            device_token: further.token.clone(),
        }
    }
}

/// What is kept of a payload: `null` if it is no JSON, or nests too deeply to be kept.
pub(super) fn kept_payload(payload: &[u8]) -> Value {
    serde_json::from_slice(payload).ok().filter(|payload| !center::is_too_deep(payload)).unwrap_or_default()
}

/// A notification that may be a framework's, once the notification center has looked at it.
pub(super) struct Handed {
    registration: Registration,
    seq: u64,
    apns_id: String,
    payload: Value,
}

impl Handed {
    pub(super) fn of(arrived: &Arrived) -> Self {
        Self {
            registration: arrived.registration.clone(),
            seq: arrived.seq,
            apns_id: arrived.apns_id.clone(),
            payload: kept_payload(&arrived.payload),
        }
    }
}

type Asked<T> = Result<Result<T, Refusal>, StoreError>;

/// What the HTTP API asks.
impl Phone {
    /// The app's, by kind and instance.
    pub(crate) fn further_of(&self, bundle: &str) -> Result<Vec<FurtherView>, Refusal> {
        if !self.apps.contains_key(bundle) {
            return Err(Refusal::NoApp(bundle.to_owned()));
        }
        let of_app = self.further.iter().filter(|(_, further)| further.bundle == bundle);
        let mut views: Vec<_> =
            of_app.map(|(registration, further)| FurtherView::of(registration, further)).collect();
        views.sort_by(|a, b| (a.kind, &a.instance).cmp(&(b.kind, &b.instance)));
        Ok(views)
    }

    pub(crate) fn further_view(&self, which: &Which) -> Result<FurtherView, Refusal> {
        let (registration, _) = self.meant(which)?;
        let further = self.further.get(&registration).ok_or_else(|| none(which))?;
        Ok(FurtherView::of(&registration, further))
    }

    /// Registers, or finds the registration that lives. `true` if it is new.
    pub(crate) fn register_further(&mut self, which: &Which) -> Asked<bool> {
        let (registration, kind) = match self.meant(which) {
            Ok(meant) => meant,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if self.further.contains_key(&registration) {
            return Ok(Ok(false));
        }
        if self.further.values().filter(|further| further.bundle == which.bundle).count() >= PER_APP {
            let detail = format!(
                "an app has at most {PER_APP} registrations beside its own: end one of GET …/registrations first"
            );
            return Ok(Err(Refusal::Invalid(detail)));
        }
        self.add_further(registration, &which.bundle, kind)?;
        Ok(Ok(true))
    }

    /// Ends a registration, as when a Live Activity ends: its token answers 410 from then on.
    pub(crate) fn unregister_further(&mut self, which: &Which) -> Asked<()> {
        match self.meant(which) {
            Ok((registration, _)) if self.further.contains_key(&registration) => {
                self.end_further(&registration)?;
                Ok(Ok(()))
            }
            Ok(_) => Ok(Err(none(which))),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn meant(&self, which: &Which) -> Result<(Registration, PushType), Refusal> {
        let app = self.apps.get(&which.bundle).ok_or_else(|| Refusal::NoApp(which.bundle.clone()))?;
        let kind: PushType = which
            .kind
            .parse()
            .map_err(|error: homing_payload::UnknownPushType| Refusal::Invalid(error.to_string()))?;
        if kind.topic_suffix().is_empty() {
            let detail =
                format!("{kind} has no registration of its own: PUT …/registration registers the app");
            return Err(Refusal::Invalid(detail));
        }
        if which.instance.is_some() && kind != PushType::LiveActivity {
            let detail = format!("{kind} has one token: only a liveactivity has an instance");
            return Err(Refusal::Invalid(detail));
        }
        let of_app = registration_of(&app.kept).ok_or_else(|| {
            Refusal::Invalid(format!("{} lacks the entitlement aps-environment", which.bundle))
        })?;
        let registration = further_of(&of_app, kind, which.instance.clone());
        // What can't be written as a name on the device link can't be registered.
        let name = registration.to_string();
        if RegistrationName::parse(&name).is_none_or(|read| read != registration.name()) {
            let detail = "an instance has 1 to 128 bytes, without / + # @ and control characters".to_owned();
            return Err(Refusal::Invalid(detail));
        }
        Ok((registration, kind))
    }
}

/// What follows from it.
impl Phone {
    pub(super) fn load_further(&mut self) -> Result<(), StoreError> {
        let kept = self.store.further()?.into_iter();
        self.further = kept
            .filter_map(|further| {
                let of_app = registration_of(&self.apps.get(&further.bundle)?.kept)?;
                Some((further_of(&of_app, further.kind, further.instance.clone()), further))
            })
            .collect();
        Ok(())
    }

    fn add_further(
        &mut self,
        registration: Registration,
        bundle: &str,
        kind: PushType,
    ) -> Result<(), StoreError> {
        let instance = registration.instance.clone();
        let further = KeptFurther { bundle: bundle.to_owned(), kind, instance, token: None };
        self.store.save_further(&further)?;
        self.further.insert(registration.clone(), further);
        self.subscribe_if_wanted(&registration);
        Ok(())
    }

    fn end_further(&mut self, registration: &Registration) -> Result<(), StoreError> {
        let Some(further) = self.further.remove(registration) else { return Ok(()) };
        self.store.remove_further(&further)?;
        let detail = json!({"ended": further.kind, "instance": further.instance});
        self.happened(Kind::Token, Some(&further.bundle), detail);
        self.end_registration(registration.clone())
    }

    /// The app goes, or becomes another's: so do all its registrations.
    pub(super) fn end_all_further(&mut self, bundle: &str) -> Result<(), StoreError> {
        let of_app = self.further.iter().filter(|(_, further)| further.bundle == bundle);
        let ending: Vec<Registration> = of_app.map(|(registration, _)| registration.clone()).collect();
        ending.iter().try_for_each(|registration| self.end_further(registration))
    }

    /// The app that a registration is, or was, for.
    pub(super) fn owner(&self, registration: &Registration) -> String {
        let topic = &registration.topic;
        match self.further.get(registration) {
            Some(further) => further.bundle.clone(),
            None if self.apps.contains_key(topic) => topic.clone(),
            None => {
                let suffix = PushType::of_topic(topic).map_or("", PushType::topic_suffix);
                topic.strip_suffix(suffix).unwrap_or(topic).to_owned()
            }
        }
    }

    pub(super) fn further_token(
        &mut self,
        registration: &Registration,
        token: String,
    ) -> Result<(), StoreError> {
        let Some(further) = self.further.get_mut(registration) else { return Ok(()) };
        if further.token.as_ref() == Some(&token) {
            return Ok(());
        }
        further.token = Some(token.clone());
        let further = further.clone();
        self.store.save_further(&further)?;
        let detail = json!({"device_token": token, "kind": further.kind, "instance": further.instance});
        self.happened(Kind::Token, Some(&further.bundle), detail);
        Ok(())
    }

    /// The framework's part of a notification, unless the notification center has found that it isn't to be had. A Live
    /// Activity that is ended gives its token back; one that is started and wants a token gets it, under the `apns-id`.
    pub(super) fn hand_over(&mut self, handed: Handed) -> Result<(), StoreError> {
        let Handed { registration, seq, apns_id, payload } = handed;
        let Some(KeptFurther { bundle, kind, .. }) = self.further.get(&registration).cloned() else {
            return Ok(());
        };
        let mut is_handed = false;
        self.store.amend_arrival(seq, |arrival| {
            let reason = arrival.decision.as_ref().and_then(|decision| decision.reason.as_ref());
            is_handed = reason == Some(&Reason::FOR_FRAMEWORK);
            arrival.payload = is_handed.then(|| payload.clone());
        })?;
        if !is_handed {
            return Ok(());
        }
        let instance = &registration.instance;
        let detail = json!({"push_type": kind, "instance": instance, "apns_id": apns_id, "payload": payload});
        self.happened(Kind::HandedOver, Some(&bundle), detail);
        if kind != PushType::LiveActivity {
            return Ok(());
        }
        let aps = &payload["aps"];
        match (aps["event"].as_str(), instance) {
            (Some("end"), Some(_)) => self.end_further(&registration),
            (Some("start"), None) if aps["input-push-token"] == 1 => {
                let which = Which { bundle, kind: kind.to_string(), instance: Some(apns_id) };
                if let Err(refusal) = self.register_further(&which)? {
                    tracing::info!(device = self.name, %refusal, "a Live Activity gets no token");
                }
                Ok(())
            }
            (Some(_) | None, _) => Ok(()),
        }
    }
}

fn further_of(of_app: &Registration, kind: PushType, instance: Option<String>) -> Registration {
    let topic = format!("{}{}", of_app.topic, kind.topic_suffix());
    Registration { environment: of_app.environment, topic, instance }
}

fn none(which: &Which) -> Refusal {
    Refusal::NoRegistration { app: which.bundle.clone(), kind: which.kind.clone() }
}
