//! A notification content extension as a program of its own. What it was given it notes in the file `drawn` of the app's
//! container, a title a line. The action `like` becomes `unlike` while the notification stays open, `archive` dismisses
//! it, `close` closes it, `open` opens the app; all else is the app's.

use std::io::Write as _;

use homing_app::content_extension::{
    self, ContentExtension, ContentExtensionResponseOption as Response, ExtensionContext,
};
use homing_app::service_extension::ExtensionError;
use homing_local::{Action, Notification, NotificationResponse, Text};

struct Story;

impl ContentExtension for Story {
    async fn did_receive(&mut self, notification: Notification, _context: &ExtensionContext) {
        let container = std::env::var("HOMING_CONTAINER").unwrap_or_default();
        let drawn = std::fs::File::options().create(true).append(true).open(format!("{container}/drawn"));
        let Text::Plain(title) = notification.request.content.title else { return };
        if drawn.and_then(|mut drawn| writeln!(drawn, "{title}")).is_err() {
            std::process::abort();
        }
    }

    async fn did_receive_response(
        &mut self,
        response: NotificationResponse,
        context: &ExtensionContext,
    ) -> Response {
        let done = match response.action_identifier.as_str() {
            "like" => {
                let mut actions = context.notification_actions();
                for action in actions.iter_mut().filter(|action| action.identifier == "like") {
                    *action = unlike();
                }
                context.set_notification_actions(actions)
            }
            "close" => context.dismiss_notification_content_extension(),
            "open" => context.perform_notification_default_action(),
            "archive" => return Response::Dismiss,
            _ => return Response::DismissAndForwardAction,
        };
        if done.is_err() {
            std::process::abort();
        }
        Response::DoNotDismiss
    }
}

fn unlike() -> Action {
    Action {
        identifier: "unlike".to_owned(),
        title: Text::Plain("Unlike".to_owned()),
        options: Default::default(),
        icon: None,
        text_input: None,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), ExtensionError> {
    content_extension::run(Story).await
}
