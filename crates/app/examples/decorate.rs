//! A notification service extension as a program of its own. It writes before the title what its first argument says;
//! `crashes`, `hangs` and `tries` (hangs after its best attempt) do what they say.

use homing_app::service_extension::{self, ExtensionError};
use homing_local::Text;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), ExtensionError> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    service_extension::run(async |request, best| {
        let mut content = request.content;
        if argument == "crashes" {
            std::process::abort();
        }
        if argument == "hangs" {
            return std::future::pending().await;
        }
        if let Text::Plain(title) = &content.title {
            content.title = Text::Plain(format!("{argument}: {title}"));
        }
        if argument == "tries" {
            best.set(content);
            return std::future::pending().await;
        }
        content
    })
    .await
}
