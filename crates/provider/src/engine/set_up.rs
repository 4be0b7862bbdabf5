//! Makes the apps that the provider is started with, or changes them to what it is told, each in one transaction. The lanes
//! aren't running yet and start with the outcome.

use super::Engine;
use super::app::AppChanges;
use super::apps::{self, Answer};
use super::credentials::{self, Checked};
use crate::provider::AppSpec;

impl Engine {
    /// To be called before the lanes are started. Unlike a change over the API, it may move a push service and its
    /// credential at once: whoever starts the provider has both.
    pub(crate) async fn set_up(&self, app: AppSpec) -> Answer<()> {
        let AppSpec { bundle_id, name, policy, push_services, credentials, identity_keys } = app;
        let changes = AppChanges { name: Some(name), policy, push_services: Some(push_services) };
        apps::check_bundle_id(&bundle_id)?;
        apps::check_changes(&changes)?;
        let mut checked = Vec::new();
        for (environment, credential) in credentials {
            checked.push((environment, Checked::new(credential, &bundle_id, environment)?));
        }
        for key in &identity_keys {
            apps::check_identity_key(&key.kid, &key.public_key_pem)?;
        }
        self.store()
            .write(move |scope| {
                let connection = scope.connection;
                let (app_no, _) = apps::find_or_make(scope, &bundle_id)?;
                apps::change(connection, app_no, &changes)?;
                for (environment, credential) in &checked {
                    credentials::insert(connection, app_no, *environment, credential)?;
                }
                identity_keys.iter().try_for_each(|key| {
                    apps::insert_identity_key(connection, app_no, (&key.kid, &key.public_key_pem))
                })
            })
            .await
    }
}
