//! A notification service extension as a program of its own. It writes before the title what its first argument says;
//! `crashes`, `hangs` and `tries` (hangs after its best attempt) do what they say; `attaches` attaches a picture, and one
//! that isn't there.

use homing_app::service_extension::{self, ExtensionError};
use homing_local::{Attachment, Text};

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
        if argument == "attaches" {
            let container = std::env::var("HOMING_CONTAINER").unwrap_or_default();
            if std::fs::write(format!("{container}/photo.png"), b"\x89PNG\r\n\x1a\n").is_err() {
                std::process::abort();
            }
            let url = |name: &str| format!("file://{container}/{name}");
            content.attachments =
                vec![Attachment::new("none", url("none.png")), Attachment::new("photo", url("photo.png"))];
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
