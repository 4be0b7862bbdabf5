//! How notifications stand in Notification Center: in groups, with a line for what a group holds back, and with their
//! texts hidden where the user wants that. Which are there at all is decided by `presentation`.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::{Category, Center, Delivered, ShowPreviews};

/// How the user wants an app's notifications grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// By thread.
    #[default]
    Automatic,
    ByApp,
    Off,
}

/// Notifications that stand together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<'a> {
    pub bundle: &'a str,
    /// `None`: the app's own group, or no group at all.
    pub thread: Option<&'a str>,
    /// Newest first; never empty.
    pub notifications: Vec<&'a Delivered>,
    /// Says what stands behind the newest, of more than one.
    pub summary: Option<String>,
}

/// The texts of a notification as they are to be read now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub title: String,
    pub subtitle: String,
    pub body: String,
    /// They aren't all that it says.
    pub hidden: bool,
}

impl Center {
    /// What is in Notification Center, the group with the newest notification first.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for app in self.apps.values() {
            let of_app = groups.len();
            for delivered in app.delivered.iter().rev() {
                let thread = app.thread_of(delivered);
                let alone = app.permission.grouping == Grouping::Off;
                let known = groups[of_app..].iter_mut().find(|group| !alone && group.thread == thread);
                match known {
                    Some(group) => group.notifications.push(delivered),
                    None => groups.push(Group {
                        bundle: &app.profile.bundle_id,
                        thread,
                        notifications: vec![delivered],
                        summary: None,
                    }),
                }
            }
        }
        for group in &mut groups {
            group.summary = self.summary_of(group.bundle, &group.notifications);
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.notifications.first().map(|newest| newest.age())));
        groups
    }

    /// `%u` is what the others count, `%@` what they name, each once.
    fn summary_of(&self, bundle: &str, notifications: &[&Delivered]) -> Option<String> {
        let (newest, others) = notifications.split_first().filter(|(_, others)| !others.is_empty())?;
        let contents = others.iter().map(|delivered| &delivered.notification.request.content);
        let count =
            contents.clone().map(|content| u64::from(content.summary_argument_count.unwrap_or(1).max(1)));
        let mut names: Vec<&str> = Vec::new();
        for name in contents.map(|content| content.summary_argument.as_str()) {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        let count = count.sum();
        let app = self.apps.get(bundle)?;
        let format = app.category_of(newest).and_then(|category| category.category_summary_format.as_ref());
        Some(match format.filter(|format| !format.is_empty()) {
            Some(format) => format.counted(&app.profile, self.locale(), count, &names.join(", ")),
            None if self.speaks_chinese() => format!("还有 {count} 个通知"),
            None if count == 1 => "1 more notification".to_owned(),
            None => format!("{count} more notifications"),
        })
    }

    /// What may be read of a notification now: the user's wish, and the lock.
    pub fn preview(&self, bundle: &str, delivered: &Delivered) -> Preview {
        let content = &delivered.notification.request.content;
        let shows = self
            .apps
            .get(bundle)
            .map_or(ShowPreviews::Always, |app| app.permission.settings(&app.profile).show_previews_setting);
        let hidden = match shows {
            ShowPreviews::Always => false,
            ShowPreviews::WhenAuthenticated => self.is_locked(),
            ShowPreviews::Never => true,
        };
        let text =
            |shown: bool, text: &crate::Text| if shown { text.as_str().to_owned() } else { String::new() };
        if !hidden {
            let (title, subtitle) = (text(true, &content.title), text(true, &content.subtitle));
            return Preview { title, subtitle, body: text(true, &content.body), hidden };
        }
        let category = self.apps.get(bundle).and_then(|app| app.category_of(delivered));
        let options = category.map(|category| category.options).unwrap_or_default();
        Preview {
            title: text(options.hidden_previews_show_title, &content.title),
            subtitle: text(options.hidden_previews_show_subtitle, &content.subtitle),
            body: self.placeholder(bundle, delivered, category),
            hidden,
        }
    }

    fn placeholder(&self, bundle: &str, delivered: &Delivered, category: Option<&Category>) -> String {
        let format = category.and_then(|category| category.hidden_previews_body_placeholder.as_ref());
        let app = self.apps.get(bundle);
        match app.zip(format.filter(|format| !format.is_empty())) {
            Some((app, format)) => {
                format.counted(&app.profile, self.locale(), app.stands_with(delivered), "")
            }
            None if self.speaks_chinese() => "通知".to_owned(),
            None => "Notification".to_owned(),
        }
    }

    /// The device has its own words in Chinese, and in English for everybody else.
    fn speaks_chinese(&self) -> bool {
        let language = self.locale().split(['-', '_']).next().unwrap_or_default();
        language.eq_ignore_ascii_case("zh")
    }
}

impl App {
    /// How many are in its group, itself among them; one that isn't listed stands alone.
    fn stands_with(&self, delivered: &Delivered) -> u64 {
        if self.permission.grouping == Grouping::Off || !delivered.is_listed() {
            return 1;
        }
        let thread = self.thread_of(delivered);
        let count = self.delivered.iter().filter(|other| self.thread_of(other) == thread).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// The thread whose group it is in; `None`: the app's own group, or no group at all.
    fn thread_of<'a>(&self, delivered: &'a Delivered) -> Option<&'a str> {
        match self.permission.grouping {
            Grouping::Automatic => {
                let thread = delivered.notification.request.content.thread_identifier.as_str();
                Some(thread).filter(|thread| !thread.is_empty())
            }
            Grouping::ByApp | Grouping::Off => None,
        }
    }
}
