//! The question for permission: who asks when, who shares a prompt, and which one is on the screen. What an answer
//! comes to is decided by `authorization`.

use crate::app::{App, OpenPrompt, Turn};
use crate::authorization::Asked;
use crate::{AppState, AuthorizationOptions, Center, Output, Prompt};

/// How many requests of an app share a prompt; beyond that, the oldest is told no without being asked.
const MAX_SHARING: usize = 64;

impl Center {
    /// The prompt on the screen.
    pub fn prompt(&self) -> Option<Prompt> {
        self.apps.values().find_map(|app| {
            let prompt = app.prompt.as_ref().filter(|prompt| prompt.shown)?;
            Some(prompt_of(app, prompt))
        })
    }

    /// Whether the app has asked the user, and there is no answer yet.
    pub fn has_open_prompt(&self, bundle: &str) -> bool {
        self.apps.get(bundle).is_some_and(|app| app.prompt.is_some())
    }

    /// A prompt waits until its app is in foreground and no other prompt is on the screen.
    pub(crate) fn show_next_prompt(&mut self, out: &mut Vec<Output>) {
        if self.apps.values().any(|app| app.prompt.as_ref().is_some_and(|prompt| prompt.shown)) {
            return;
        }
        for app in self.apps.values_mut().filter(|app| app.state == AppState::Foreground) {
            if let Some(prompt) = &mut app.prompt {
                prompt.shown = true;
                let prompt = prompt.clone();
                out.push(Output::ShowPrompt(prompt_of(app, &prompt)));
                return;
            }
        }
    }
}

fn prompt_of(app: &App, prompt: &OpenPrompt) -> Prompt {
    Prompt { bundle: app.bundle(), app_name: app.profile.name.clone(), options: prompt.options }
}

impl App {
    pub(crate) fn ask_for_permission(
        &mut self,
        options: AuthorizationOptions,
        request: u64,
        turn: &mut Turn<'_>,
    ) {
        if let Some(prompt) = self.prompt.as_mut().filter(|_| !options.is_empty()) {
            prompt.options = prompt.options.and(options);
            prompt.requests.push(request);
            if prompt.requests.len() > MAX_SHARING {
                let request = prompt.requests.remove(0);
                let bundle = self.bundle();
                turn.out.push(Output::AuthorizationResult { bundle, request, granted: false });
            }
            return;
        }
        match self.permission.ask(options) {
            Asked::Granted(granted) => {
                turn.out.push(Output::AuthorizationResult { bundle: self.bundle(), request, granted });
            }
            Asked::Prompt => {
                self.prompt = Some(OpenPrompt { options, requests: vec![request], shown: false });
            }
        }
    }

    /// Its app isn't in front any more: the question waits until it is again.
    pub(crate) fn withdraw_prompt(&mut self, turn: &mut Turn<'_>) {
        if self.prompt.as_mut().is_some_and(|prompt| std::mem::take(&mut prompt.shown)) {
            turn.out.push(Output::WithdrawPrompt { bundle: self.bundle() });
        }
    }

    pub(crate) fn prompt_answered(&mut self, allow: bool, turn: &mut Turn<'_>) {
        let Some(prompt) = self.prompt.take_if(|prompt| prompt.shown) else { return };
        self.permission.answer(prompt.options, allow);
        self.leave_switched_off(turn);
        let bundle = self.bundle();
        self.registrations_answered(prompt.requests.is_empty(), turn);
        turn.out.extend(prompt.requests.into_iter().map(|request| Output::AuthorizationResult {
            bundle: bundle.clone(),
            request,
            granted: allow,
        }));
    }
}
