//! What is wrong with a payload, where, and how to mend it: the form of a finding, not the rules that lead to one.

use serde::{Deserialize, Serialize};

/// Findings beyond this number add nothing: a hostile payload can't make the list long.
const MOST_FINDINGS: usize = 100;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing to mend.
    Note,
    /// Works, but probably not as meant.
    Warning,
    /// Ignored, refused or dropped by Apple's push service or by iOS.
    Error,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with a payload. It quotes no text that a user would see, so that it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A JSON path such as `$.aps.alert.title-loc-args[1]`.
    pub path: String,
    pub severity: Severity,
    /// What is wrong, and what follows from it.
    pub reason: String,
    /// How to mend it.
    pub fix: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}; {}", self.severity, self.path, self.reason, self.fix)
    }
}

/// Collects findings, up to a bound.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn error(
        &mut self,
        path: impl Into<String>,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(Severity::Error, path.into(), reason.into(), fix.into());
    }

    pub(crate) fn warning(
        &mut self,
        path: impl Into<String>,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(Severity::Warning, path.into(), reason.into(), fix.into());
    }

    pub(crate) fn note(
        &mut self,
        path: impl Into<String>,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(Severity::Note, path.into(), reason.into(), fix.into());
    }

    fn push(&mut self, severity: Severity, path: String, reason: String, fix: String) {
        if self.0.len() < MOST_FINDINGS {
            self.0.push(Finding { path, severity, reason, fix });
        }
    }

    pub(crate) fn extend(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.push(finding.severity, finding.path, finding.reason, finding.fix);
        }
    }

    /// The findings, the gravest first, otherwise in the order in which they were made.
    pub(crate) fn into_sorted(self) -> Vec<Finding> {
        let mut findings = self.0;
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.0
    }
}

/// The JSON path of `key` in the object at `path`.
pub(crate) fn child(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if plain {
        format!("{path}.{key}")
    } else {
        // RFC 9535's bracket notation with its escapes.
        let quoted: String = key.chars().flat_map(escape).collect();
        format!("{path}['{quoted}']")
    }
}

fn escape(c: char) -> Vec<char> {
    match c {
        '\'' => vec!['\\', '\''],
        '\\' => vec!['\\', '\\'],
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)).chars().collect(),
        c => vec![c],
    }
}

/// The JSON path of element `index` of the array at `path`.
pub(crate) fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_quote_only_the_keys_that_need_it() {
        assert_eq!(element(&child("$.aps.alert", "title-loc-args"), 1), "$.aps.alert.title-loc-args[1]");
        assert_eq!(child("$", "Simulator Target Bundle"), "$['Simulator Target Bundle']");
        assert_eq!(child("$", "it's\n"), "$['it\\'s\\u000a']");
        assert_eq!(child("$", ""), "$['']");
    }

    #[test]
    fn the_list_is_bounded_and_the_gravest_come_first() {
        let mut findings = Findings::default();
        findings.note("$", "a", "b");
        for _ in 0..200 {
            findings.error("$", "a", "b");
        }
        let sorted = findings.into_sorted();
        assert_eq!(sorted.len(), MOST_FINDINGS);
        assert_eq!(sorted[0].severity, Severity::Error);
        assert_eq!(sorted[MOST_FINDINGS - 1].severity, Severity::Note);
    }
}
