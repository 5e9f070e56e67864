//! What a check found, how bad that is, and what to do about it; and all findings together. Made by every check, printed by
//! `tympan doctor`.

use std::fmt::Write as _;

use serde::Serialize;

/// How bad a finding is; the worst one last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// tympan captures and scores, but worse than it could, or something around it is wrong.
    Warning,
    /// It keeps tympan from capturing or scoring.
    Failure,
}

impl Verdict {
    fn mark(self) -> char {
        match self {
            Self::Ok => '✓',
            Self::Warning => '!',
            Self::Failure => '✗',
        }
    }
}

/// What one check came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do.
    pub advice: String,
}

impl Finding {
    /// All is well, and nothing is to be done.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, found, "nothing to do")
    }

    /// Something is worse than it could be.
    pub fn warning(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(check, Verdict::Warning, found, advice)
    }

    /// Something keeps tympan from capturing or scoring.
    pub fn failure(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(check, Verdict::Failure, found, advice)
    }

    /// The same, of one of several inputs.
    #[must_use]
    pub fn of_input(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => Self { found: format!("{name}: {}", self.found), ..self },
            None => self,
        }
    }

    /// A finding of any verdict.
    pub fn new(
        check: &'static str,
        verdict: Verdict,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { check, verdict, found: found.into(), advice: advice.into() }
    }
}

/// All findings, and the worst of their verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The worst.
    pub verdict: Verdict,
    /// In the order of the checks.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Of these findings.
    pub fn new(findings: Vec<Finding>) -> Self {
        let worst = findings.iter().map(|finding| finding.verdict).max();
        Self { verdict: worst.unwrap_or(Verdict::Ok), findings }
    }

    /// A line a finding: mark, check, what was found, what to do. Line breaks within a finding become spaces.
    pub fn text(&self) -> String {
        let longest = self.findings.iter().map(|finding| finding.check.chars().count()).max();
        let width = longest.unwrap_or(0);
        let mut text = String::new();
        for Finding { check, verdict, found, advice } in &self.findings {
            let (mark, found, advice) = (verdict.mark(), one_line(found), one_line(advice));
            let _ = writeln!(text, "{mark} {check:width$}  {found} → {advice}");
        }
        text
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides_and_every_line_ends_in_what_to_do() {
        let diagnosis = Diagnosis::new(vec![
            Finding::ok("clock", "right"),
            Finding::failure("devices", "none\n  (none)", "plug one in"),
            Finding::warning("hum", "50 Hz", "another socket"),
        ]);
        assert_eq!(diagnosis.verdict, Verdict::Failure);
        assert_eq!(
            diagnosis.text(),
            "✓ clock    right → nothing to do\n\
             ✗ devices  none (none) → plug one in\n\
             ! hum      50 Hz → another socket\n"
        );
        assert_eq!(Diagnosis::new(Vec::new()).verdict, Verdict::Ok);
    }

    #[test]
    fn json_has_the_verdict_and_the_findings() {
        let diagnosis = Diagnosis::new(vec![Finding::warning("hum", "50 Hz", "move it")]);
        assert_eq!(
            serde_json::to_string(&diagnosis).unwrap(),
            r#"{"verdict":"warning","findings":[{"check":"hum","verdict":"warning","found":"50 Hz","advice":"move it"}]}"#
        );
    }
}
