//! What each word of `homing app` asks of the push service's admin API.

use anyhow::{Context as _, bail};
use homing_trace::{Environment, UnixMillis};
use serde_json::{Value, json};

use super::{NewCertificate, NewKey, Team, files, text};
use crate::commands::cert::PASSWORD_VARIABLE;
use crate::endpoints::FindArgs;
use crate::local_api::{LocalApi, items};
use crate::words;

/// The developer centre of a running Homing.
pub(super) struct Centre {
    api: LocalApi,
    json: bool,
}

/// What an enrolment key shall allow.
pub(super) struct Enrolment {
    pub(super) apps: Vec<String>,
    pub(super) environment: Option<Environment>,
    pub(super) quota: u32,
    pub(super) expires: Option<UnixMillis>,
}

impl Centre {
    pub(super) fn find(find: &FindArgs, json: bool) -> anyhow::Result<Self> {
        let endpoints = find.find()?;
        let (Some(base), Some(key)) = (endpoints.gateway_admin, endpoints.gateway_admin_key) else {
            bail!("that Homing runs no push service\nhint: `homing up` and `homing gateway` do");
        };
        Ok(Self { api: LocalApi::new(&base, &key), json })
    }

    /// Prints what was answered: as JSON, or as these words.
    fn tell(&self, answer: &Value, words: impl FnOnce(&Value) -> String) {
        if self.json {
            words::say_data(answer);
        } else {
            words::say_data(words(answer));
        }
    }

    pub(super) fn list(&self, path: &str, field: &str, line: text::Line) -> anyhow::Result<()> {
        let answer = self.api.get(path, &[])?;
        if self.json {
            words::say_data(&answer);
            return Ok(());
        }
        for item in items(&answer, field)? {
            words::say_data(line(&item));
        }
        Ok(())
    }

    /// Removes or revokes; the word says which.
    pub(super) fn remove(&self, path: &str, id: &str, done: &str) -> anyhow::Result<()> {
        // Ids have no other characters; what has is none, and would name another path.
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) || id.is_empty() {
            bail!("{id:?} is no id\nhint: `homing app` lists those there are");
        }
        self.api.delete(&format!("{path}/{id}"))?;
        words::say(format!("{id} is {done}."));
        Ok(())
    }

    pub(super) fn create_team(&self, name: &str, id: Option<String>) -> anyhow::Result<()> {
        let made = self.api.post("/v1/teams", &without_nulls(json!({"name": name, "team_id": id})))?;
        self.tell(&made, |made| text::of(made, "team_id"));
        Ok(())
    }

    pub(super) fn create_app(&self, bundle_id: &str, team: &Team, broadcast: bool) -> anyhow::Result<()> {
        let wish = json!({"bundle_id": bundle_id, "team_id": self.team(team)?, "broadcast": broadcast});
        let made = self.api.post("/v1/apps", &wish)?;
        self.tell(&made, |made| text::of(made, "bundle_id"));
        Ok(())
    }

    pub(super) fn set_broadcast(&self, bundle_id: &str, enabled: bool) -> anyhow::Result<()> {
        self.known_app(bundle_id)?;
        let set = self.api.put(&format!("/v1/apps/{bundle_id}/broadcast"), &json!({"enabled": enabled}))?;
        self.tell(&set, text::app);
        Ok(())
    }

    /// Ids go into paths only when they are some.
    fn known_app(&self, bundle_id: &str) -> anyhow::Result<()> {
        let apps = items(&self.api.get("/v1/apps", &[])?, "apps")?;
        if !apps.iter().any(|app| app["bundle_id"] == bundle_id) {
            bail!("there is no app {bundle_id:?}\nhint: `homing app list` lists those there are");
        }
        Ok(())
    }

    pub(super) fn show_app(&self, bundle_id: &str) -> anyhow::Result<()> {
        self.known_app(bundle_id)?;
        let answer = self.api.get(&format!("/v1/apps/{bundle_id}"), &[])?;
        self.tell(&answer, text::app_detail);
        Ok(())
    }

    pub(super) fn create_key(&self, wish: &NewKey) -> anyhow::Result<()> {
        let public_key_pem = wish.public_key.as_deref().map(files::read_public_key).transpose()?;
        let asked = without_nulls(json!({
            "team_id": self.team(&wish.team)?,
            "key_id": wish.key_id,
            "environments": wish.environment.map(|environment| [environment]),
            "apps": (!wish.apps.is_empty()).then_some(&wish.apps),
            "related_to": wish.related_to,
            "public_key_pem": public_key_pem,
        }));
        let mut made = self.api.post("/v1/keys", &asked)?;
        let key_id = text::of(&made, "key_id");
        let Some(Value::String(p8)) = made.as_object_mut().and_then(|made| made.remove("p8")) else {
            self.tell(&made, |_| key_id.clone());
            return Ok(());
        };
        let file = wish.out.clone().unwrap_or_else(|| format!("AuthKey_{key_id}.p8").into());
        if let Err(error) = files::write_new(&file, p8.as_bytes()) {
            // Nobody could ever use it.
            self.api.delete(&format!("/v1/keys/{key_id}"))?;
            return Err(error);
        }
        made["file"] = json!(file);
        self.tell(&made, |_| key_id.clone());
        words::say(format!(
            "Its private half is in {}, readable by you alone; it is kept nowhere else.",
            file.display()
        ));
        Ok(())
    }

    pub(super) fn create_certificate(&self, wish: &NewCertificate) -> anyhow::Result<()> {
        let password = wish.password.clone().or_else(|| std::env::var(PASSWORD_VARIABLE).ok());
        let is_chosen = password.is_none();
        let asked = without_nulls(json!({
            "bundle_id": wish.bundle_id,
            "kind": wish.kind.as_str(),
            "expires_at": wish.expires,
            "p12_password": password,
        }));
        let mut made = self.api.post("/v1/certificates", &asked)?;
        let id = text::of(&made, "certificate_id");
        let mut take = |name: &str| {
            let taken = made.as_object_mut().and_then(|made| made.remove(name));
            let taken = taken.as_ref().and_then(Value::as_str).map(str::to_owned);
            taken.with_context(|| format!("the answer has no {name:?}: is that Homing of the same version?"))
        };
        let (pem, p12) = (take("pem")?, take("p12_base64")?);
        let stem = match &wish.out {
            Some(out) => out.display().to_string(),
            None => format!("{}-{}-{id}", wish.bundle_id, wish.kind.as_str()),
        };
        let (pem_file, p12_file) = (format!("{stem}.pem"), format!("{stem}.p12"));
        let written = files::write_new(pem_file.as_ref(), pem.as_bytes()).and_then(|()| {
            let written = files::base64(&p12).and_then(|p12| files::write_new(p12_file.as_ref(), &p12));
            written.inspect_err(|_| drop(std::fs::remove_file(&pem_file)))
        });
        if let Err(error) = written {
            self.api.delete(&format!("/v1/certificates/{id}"))?;
            return Err(error);
        }
        made["pem_file"] = json!(pem_file);
        made["p12_file"] = json!(p12_file);
        self.tell(&made, |_| id.clone());
        words::say(format!(
            "{pem_file} and {p12_file} hold it with its private key, readable by you alone; it is kept nowhere else."
        ));
        if is_chosen && !self.json {
            words::say(format!("The password of the .p12: {}", text::of(&made, "p12_password")));
        }
        Ok(())
    }

    pub(super) fn create_enrolment_key(&self, team: &Team, allows: &Enrolment) -> anyhow::Result<()> {
        let asked = without_nulls(json!({
            "team_id": self.team(team)?,
            "apps": allows.apps,
            "environments": allows.environment.map(|environment| [environment]),
            "quota": allows.quota,
            "expires_at": allows.expires,
        }));
        let made = self.api.post("/v1/enrolment-keys", &asked)?;
        self.tell(&made, |made| text::of(made, "enrolment_key"));
        words::say(format!(
            "It can't be had again; `homing app enrolment-key revoke {}` ends it.",
            made["id"]
        ));
        Ok(())
    }

    /// The team that is meant.
    fn team(&self, team: &Team) -> anyhow::Result<String> {
        if let Some(id) = &team.id {
            return Ok(id.clone());
        }
        let teams = items(&self.api.get("/v1/teams", &[])?, "teams")?;
        match teams.as_slice() {
            [] => bail!("there is no team\nhint: make one with `homing app team create NAME`"),
            [only] => only["team_id"].as_str().map(str::to_owned).context("the team has no id"),
            several => {
                let ids: Vec<String> = several.iter().map(|team| text::of(team, "team_id")).collect();
                bail!("there are several teams\nhint: choose one with --team: {}", ids.join(", "))
            }
        }
    }
}

fn without_nulls(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    object
}
