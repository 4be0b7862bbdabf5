//! The business behind the demo app: its login server, which signs identity tokens, and what its provider is told of the
//! app. A real business keeps the key on a server of its own.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use homing_apns::jwt::SigningKey;
use homing_app::demo::BUNDLE_ID;
use homing_provider::engine::{Credential, Policy, PushService};
use homing_provider::identity_token::{self, Claims};
use homing_provider::{AppSpec, IdentityKeySpec};

use super::{ACCOUNTS, signing_key};
use crate::data_dir::DataDir;
use crate::endpoints::Endpoints;

/// Names the business's key to the provider.
const KID: &str = "demo-login";
/// How long an identity token lives, in seconds.
const LIFE: i64 = 60 * 60;

/// The demo's login server.
#[derive(Clone, Debug)]
pub(crate) struct Business {
    key: SigningKey,
}

impl Business {
    /// With the key in the data directory, made at first use.
    pub(crate) fn open(dir: &DataDir) -> anyhow::Result<Self> {
        let (key, _) = signing_key(dir, "credentials/identity.p8")?;
        Ok(Self { key })
    }

    /// What a successful login gives an app; `None` for who has no account. The demo asks for no password.
    pub(crate) fn identity_token(&self, user: &str) -> Option<String> {
        if !ACCOUNTS.contains(&user) {
            return None;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            sub: user.to_owned(),
            aud: BUNDLE_ID.to_owned(),
            iat: now,
            exp: now.saturating_add(LIFE),
        };
        Some(identity_token::sign(&self.key, KID, &claims))
    }
}

/// The demo app as the provider is told of it: sent to by this Homing's own push service.
pub(crate) fn app_spec(endpoints: &Endpoints, business: &Business) -> anyhow::Result<AppSpec> {
    let demo = endpoints.demo.as_ref().context("there is no demo app")?;
    let text = |path: &std::path::Path| {
        std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
    };
    let ca_pem = endpoints.ca_pem.as_deref().map(text).transpose()?;
    let p8 = text(&demo.key_p8)?;
    let (mut push_services, mut credentials) = (BTreeMap::new(), BTreeMap::new());
    for (environment, at) in &endpoints.apns {
        let service = PushService { host: at.host.clone(), port: at.port, ca_pem: ca_pem.clone() };
        push_services.insert(*environment, service);
        let (key_id, team_id, p8) = (demo.key_id.clone(), demo.team_id.clone(), p8.clone().into());
        credentials.insert(*environment, Credential::Key { key_id, team_id, p8 });
    }
    Ok(AppSpec {
        bundle_id: demo.bundle_id.clone(),
        name: "News".to_owned(),
        policy: Some(Policy::LastDevice),
        push_services,
        credentials,
        identity_keys: vec![IdentityKeySpec {
            kid: KID.to_owned(),
            public_key_pem: business.key.verifying_key().to_pem()?,
        }],
    })
}
