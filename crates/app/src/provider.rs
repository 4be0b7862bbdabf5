//! The provider's half of an app: who signs in is told to the business's provider, so that it can push to users by
//! name.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Promise = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// How an app's users prove to the business's provider who they are. The business signs an identity token (a JWT,
/// `docs` of the provider) for the user who signed in there; in an iOS app this is a request to the business's own
/// server. An error is a sentence for the user.
#[derive(Clone)]
pub struct IdentityTokens(Arc<dyn Fn(String) -> Promise + Send + Sync>);

impl IdentityTokens {
    pub fn new<F, P>(of_user: F) -> Self
    where
        F: Fn(String) -> P + Send + Sync + 'static,
        P: Future<Output = Result<String, String>> + Send + 'static,
    {
        Self(Arc::new(move |user| Box::pin(of_user(user))))
    }

    /// The token of this user.
    pub async fn of(&self, user: &str) -> Result<String, String> {
        (self.0)(user.to_owned()).await
    }
}

impl std::fmt::Debug for IdentityTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityTokens")
    }
}
