//! Formats with plural forms (`Localizable.stringsdict`): which form a number takes, by the rules of the language
//! (Unicode's CLDR), and how its variables are filled in. Which format a key has is `profile`'s.

use std::collections::BTreeMap;

use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules};
use serde::{Deserialize, Serialize};

/// How deeply variables may stand in forms of others.
const MAX_DEPTH: u8 = 4;
/// Longest text that comes of one format, in bytes: the forms could multiply without end.
const MAX_TEXT: usize = 16 * 1_024;
/// As many placeholders of one format are filled in. Forms that consist of them alone fill no text.
const MAX_PLACEHOLDERS: usize = 1_000;
/// The conversions of a number in a form.
const NUMBERS: [&str; 12] = ["d", "i", "u", "ld", "li", "lu", "lld", "lli", "llu", "zd", "zu", "@"];

/// A format with plural forms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluralFormat {
    /// *NSStringLocalizedFormatKey*: `%#@name@` stands for the variable of that name.
    pub format: String,
    pub variables: BTreeMap<String, PluralForms>,
}

/// What a variable says, by the category of its number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PluralForms {
    /// For 0 in every language, as on Apple's systems, and for what a language puts into this category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub two: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub few: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub many: Option<String>,
    /// Where the form of the number's category is missing, and for what is no number.
    pub other: String,
}

impl PluralForms {
    fn of(&self, argument: &str, rules: Option<&PluralRules>) -> &str {
        // What has a fraction is `other` in nearly all languages.
        let Ok(number) = argument.trim().trim_start_matches('-').parse::<u64>() else {
            return &self.other;
        };
        if let (Some(zero), 0) = (&self.zero, number) {
            return zero;
        }
        let form = match rules.map_or(PluralCategory::Other, |rules| rules.category_for(number)) {
            PluralCategory::Zero => &self.zero,
            PluralCategory::One => &self.one,
            PluralCategory::Two => &self.two,
            PluralCategory::Few => &self.few,
            PluralCategory::Many => &self.many,
            PluralCategory::Other => &None,
        };
        form.as_ref().unwrap_or(&self.other)
    }
}

impl PluralFormat {
    /// The text in the language of the table that it stands in.
    pub(crate) fn resolved(&self, locale: &str, args: &[String]) -> String {
        let locale: Option<Locale> = locale.replace('_', "-").parse().ok();
        let rules = locale.and_then(|locale| PluralRules::try_new_cardinal(locale.into()).ok());
        let mut filling = Filling { format: self, rules, args, next: 0, filled: 0, text: String::new() };
        filling.fill(&self.format, None, 0);
        filling.text
    }
}

/// A text in the making.
struct Filling<'a> {
    format: &'a PluralFormat,
    rules: Option<PluralRules>,
    args: &'a [String],
    /// The argument that a placeholder without a position takes.
    next: usize,
    /// Placeholders so far.
    filled: usize,
    text: String,
}

impl Filling<'_> {
    /// `own` is the argument of the variable whose form this is.
    fn fill(&mut self, format: &str, own: Option<&str>, depth: u8) {
        let mut rest = format;
        while let Some(at) = rest.find('%').filter(|_| self.filled < MAX_PLACEHOLDERS) {
            self.filled += 1;
            self.push(&rest[..at]);
            rest = &rest[at + 1..];
            rest = match self.placeholder(rest, own, depth) {
                Some(after) => after,
                None => {
                    self.push("%");
                    rest
                }
            };
        }
        self.push(rest);
    }

    fn push(&mut self, text: &str) {
        if self.text.len() + text.len() <= MAX_TEXT {
            self.text.push_str(text);
        }
    }

    /// What follows a percent sign; answers what follows that, if it is a placeholder.
    fn placeholder<'t>(&mut self, text: &'t str, own: Option<&str>, depth: u8) -> Option<&'t str> {
        if let Some(after) = text.strip_prefix('%') {
            self.push("%");
            return Some(after);
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let position = text[digits..].strip_prefix('$').filter(|_| digits > 0);
        let at = position.map(|_| text[..digits].parse::<usize>().unwrap_or(usize::MAX));
        let text = position.unwrap_or(text);
        if let Some((name, after)) = text.strip_prefix("#@").and_then(|text| text.split_once('@')) {
            let format = self.format;
            let forms = format.variables.get(name).filter(|_| depth < MAX_DEPTH)?;
            let argument = self.argument(at, None);
            let form = forms.of(&argument, self.rules.as_ref());
            self.fill(form, Some(&argument), depth + 1);
            return Some(after);
        }
        // The longest first, so that no letter of it is left behind.
        let mut conversions = NUMBERS.iter().rev().filter(|conversion| **conversion == "@" || own.is_some());
        let after = conversions.find_map(|conversion| text.strip_prefix(conversion))?;
        let argument = self.argument(at, own);
        self.push(&argument);
        Some(after)
    }

    /// That of the position, else the variable's own, else the next; too few leave nothing.
    fn argument(&mut self, position: Option<usize>, own: Option<&str>) -> String {
        let index = match (position, own) {
            (Some(position), _) => position.checked_sub(1),
            (None, Some(own)) => return own.to_owned(),
            (None, None) => {
                self.next += 1;
                Some(self.next - 1)
            }
        };
        index.and_then(|index| self.args.get(index)).cloned().unwrap_or_default()
    }
}
