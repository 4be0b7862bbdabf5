//! What the foreign clients reported. A client prints `ok - <what>` or `not ok - <what>: <why>` for each check and
//! `1..N` when it has done all N; whatever it doesn't say counts as failed.

use crate::conformance::Conformance;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) passed: usize,
    pub(crate) failed: Vec<String>,
    pub(crate) conformance: Conformance,
}

/// One client's report while it is being read.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    ledger: &'a mut Ledger,
    client: String,
    seen: usize,
    planned: Option<usize>,
}

impl Ledger {
    pub(crate) fn report(&mut self, client: &str) -> Report<'_> {
        Report { ledger: self, client: client.to_owned(), seen: 0, planned: None }
    }

    /// A check that the runner made itself.
    pub(crate) fn note(&mut self, what: &str, result: anyhow::Result<()>) {
        match result {
            Ok(()) => {
                eprintln!("ok - {what}");
                self.passed += 1;
            }
            Err(error) => {
                eprintln!("not ok - {what}: {error:#}");
                self.failed.push(format!("{what}: {error:#}"));
            }
        }
    }

    /// The plain line that sums up.
    pub(crate) fn closing_line(&self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed.len())
    }
}

impl Report<'_> {
    pub(crate) fn take_line(&mut self, line: &str) {
        if let Some(planned) = line.strip_prefix("1..") {
            self.planned = planned.trim().parse().ok();
        } else if let Some(what) = line.strip_prefix("ok - ") {
            self.seen += 1;
            self.ledger.passed += 1;
            self.ledger.conformance.take(&self.client, what);
        } else if let Some(what) = line.strip_prefix("not ok - ") {
            self.seen += 1;
            self.ledger.failed.push(format!("{}: {what}", self.client));
        }
    }

    /// `why` tells how the client ended, when that wasn't a clean exit.
    pub(crate) fn finish(self, why: Option<String>) {
        if self.planned != Some(self.seen) {
            let planned =
                self.planned.map_or_else(|| "an unknown number".to_owned(), |planned| planned.to_string());
            let ended = why.unwrap_or_else(|| "it ended by itself".to_owned());
            self.ledger
                .failed
                .push(format!("{}: {} of {planned} checks reported ({ended})", self.client, self.seen));
        } else if let Some(why) = why
            && self.ledger.failed.is_empty()
        {
            self.ledger.failed.push(format!("{}: {why}", self.client));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lines: &[&str], why: Option<&str>) -> Ledger {
        let mut ledger = Ledger::default();
        let mut report = ledger.report("curl");
        lines.iter().for_each(|line| report.take_line(line));
        report.finish(why.map(str::to_owned));
        ledger
    }

    #[test]
    fn checks_are_counted() {
        let ledger = after(&["ok - a", "some talk", "not ok - b: broke", "1..2"], Some("exit status: 1"));
        assert_eq!(ledger.closing_line(), "1 passed, 1 failed");
        assert_eq!(ledger.failed, ["curl: b: broke"]);
    }

    #[test]
    fn a_client_that_dies_before_its_plan_has_failed() {
        let ledger = after(&["ok - a"], Some("killed after 60 s"));
        assert_eq!(ledger.failed, ["curl: 1 of an unknown number checks reported (killed after 60 s)"]);
    }

    #[test]
    fn a_client_that_does_less_than_planned_has_failed() {
        assert_eq!(after(&["ok - a", "1..2"], None).failed.len(), 1);
    }

    #[test]
    fn a_bad_exit_after_good_checks_has_failed() {
        assert_eq!(after(&["ok - a", "1..1"], Some("exit status: 3")).failed, ["curl: exit status: 3"]);
    }
}
