//! What the official suite leaves behind, and how two of its runs compare.
//!
//! `-o DIR` gives one directory for each scenario, `server-<scenario>-<time>/checks.json`, of a client without `server-`: an
//! array of checks with `id`, `name` and `status`. Ids repeat within a scenario, so a check is known by id, name and its turn among equals.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::Path,
};

use serde_json::Value;

/// How long the time at the end of a directory's name is: `-2026-11-21T10-36-33-114Z`.
const TIME_LEN: usize = 25;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Success,
    Failure,
    Warning,
    Skipped,
    Info,
}

impl Status {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "SUCCESS" => Self::Success,
            "FAILURE" => Self::Failure,
            "WARNING" => Self::Warning,
            "SKIPPED" => Self::Skipped,
            "INFO" => Self::Info,
            _ => return None,
        })
    }

    /// Whether the suite found fault.
    fn is_fault(self) -> bool {
        matches!(self, Self::Failure | Self::Warning)
    }
}

/// Which check it is, within its scenario.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CheckKey {
    id: String,
    name: String,
    turn: usize,
}

/// One check and what the suite said of it.
#[derive(Debug, Clone)]
pub(super) struct Check {
    status: Status,
    message: String,
}

type Checks = BTreeMap<CheckKey, Check>;

/// All checks of one run, by scenario.
#[derive(Debug, Default)]
pub(super) struct Results(BTreeMap<String, Checks>);

impl Results {
    /// Reads the directory that `-o` named.
    pub(super) fn read(directory: &Path) -> io::Result<Self> {
        let mut results = Self::default();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(scenario) = name.to_str().and_then(scenario_of) else {
                return Err(io::Error::other(format!("{} is no scenario's directory", name.display())));
            };
            let text = fs::read_to_string(entry.path().join("checks.json"))?;
            results.0.insert(scenario.to_owned(), parse_checks(&text)?);
        }
        Ok(results)
    }

    /// Takes what one scenario left in a directory that was named for it alone; gives back what the client complained of.
    pub(super) fn read_one(&mut self, scenario: &str, directory: &Path) -> io::Result<String> {
        // The name of a scenario may have a `/`, which the suite takes as it is.
        let parent = directory.join(scenario);
        let one = fs::read_dir(parent.parent().unwrap_or(directory))?.next();
        let one = one.ok_or_else(|| io::Error::other("no results"))??;
        let text = fs::read_to_string(one.path().join("checks.json"))?;
        self.0.insert(scenario.to_owned(), parse_checks(&text)?);
        fs::read_to_string(one.path().join("stderr.txt"))
    }

    /// Leaves a check out of everything.
    pub(super) fn forget(&mut self, id: &str) {
        self.0.values_mut().for_each(|checks| checks.retain(|key, _| key.id != id));
    }

    /// How many scenarios left results.
    pub(super) fn scenarios(&self) -> usize {
        self.0.len()
    }

    /// How many checks succeeded.
    pub(super) fn successes(&self) -> usize {
        let checks = self.0.values().flat_map(BTreeMap::values);
        checks.filter(|check| check.status == Status::Success).count()
    }

    /// Whether the scenario ran, something in it succeeded and nothing failed: what the suite calls passed.
    pub(super) fn passed(&self, scenario: &str) -> bool {
        self.0.get(scenario).is_some_and(|checks| {
            checks.values().any(|check| check.status == Status::Success)
                && checks.values().all(|check| check.status != Status::Failure)
        })
    }

    /// Those of `scenarios` that did not pass, each with its failures.
    pub(super) fn not_passed(&self, scenarios: &[String]) -> String {
        let failed = scenarios.iter().filter(|scenario| !self.passed(scenario));
        let lines =
            failed.flat_map(|scenario| [format!("{scenario}\n"), self.ended(scenario, Status::Failure)]);
        lines.collect()
    }

    /// What the suite warns of in these scenarios.
    pub(super) fn warnings(&self, scenarios: &[String]) -> String {
        let warned = scenarios.iter().map(|scenario| (scenario, self.ended(scenario, Status::Warning)));
        warned
            .filter(|(_, found)| !found.is_empty())
            .flat_map(|(name, found)| [format!("{name}\n"), found])
            .collect()
    }

    /// A line for each check of a scenario that ended so.
    fn ended(&self, scenario: &str, status: Status) -> String {
        let Some(checks) = self.0.get(scenario) else { return "  left no results\n".to_owned() };
        let ended = checks.iter().filter(|(_, check)| check.status == status);
        ended.flat_map(|(key, check)| ["  ", &key.id, ": ", &check.message, "\n"]).collect()
    }
}

/// One check that does not end as it ends directly.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    scenario: String,
    check: String,
    direct: Option<Status>,
    through: Option<Status>,
    message: String,
}

/// What is worse through the gateway than directly: a success that is none any more, or a fault that was none.
pub(super) fn worse(direct: &Results, through: &Results) -> Vec<Difference> {
    let none = Checks::new();
    let scenarios: BTreeSet<&String> = direct.0.keys().chain(through.0.keys()).collect();
    let mut differences = Vec::new();
    for scenario in scenarios {
        let before = direct.0.get(scenario).unwrap_or(&none);
        let after = through.0.get(scenario).unwrap_or(&none);
        let keys: BTreeSet<&CheckKey> = before.keys().chain(after.keys()).collect();
        for key in keys {
            let (direct, through) = (before.get(key).map(|c| c.status), after.get(key).map(|c| c.status));
            let lost = direct == Some(Status::Success) && through != Some(Status::Success);
            let new_fault = through.is_some_and(Status::is_fault) && !direct.is_some_and(Status::is_fault);
            if lost || new_fault {
                let message = after.get(key).map(|check| check.message.clone()).unwrap_or_default();
                let check = format!("{} ({})", key.id, key.name);
                differences.push(Difference { scenario: scenario.clone(), check, direct, through, message });
            }
        }
    }
    differences
}

/// The differences as a table for people.
pub(super) fn table(differences: &[Difference]) -> String {
    let word =
        |status: Option<Status>| status.map_or("absent".to_owned(), |s| format!("{s:?}").to_lowercase());
    let mut text = format!("{:<40} {:<10} {:<10} check\n", "scenario", "directly", "through");
    for difference in differences {
        let (direct, through) = (word(difference.direct), word(difference.through));
        let _ = writeln!(text, "{:<40} {direct:<10} {through:<10} {}", difference.scenario, difference.check);
        if !difference.message.is_empty() {
            let _ = writeln!(text, "{:<62} {}", "", difference.message);
        }
    }
    text
}

/// The scenarios that a revision requires of a `server` or a `client`: the top-level list of that name in the suite's
/// `requirements/<revision>.yaml`.
pub(super) fn required(yaml: &str, of: &str) -> Vec<String> {
    yaml.lines()
        .skip_while(|line| line.trim_end().strip_suffix(':') != Some(of))
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .filter_map(|line| line.trim().strip_prefix("- "))
        .map(str::to_owned)
        .collect()
}

fn scenario_of(directory: &str) -> Option<&str> {
    let named = directory.strip_prefix("server-")?;
    let (scenario, time) = named.split_at_checked(named.len().checked_sub(TIME_LEN)?)?;
    (time.starts_with('-') && time.ends_with('Z') && !scenario.is_empty()).then_some(scenario)
}

fn parse_checks(text: &str) -> io::Result<Checks> {
    let bad = |what: &str| io::Error::other(format!("checks.json: {what}"));
    let checks: Value = serde_json::from_str(text)?;
    let mut parsed = Checks::new();
    for check in checks.as_array().ok_or_else(|| bad("is no array"))? {
        let member = |name: &str| check[name].as_str().map(str::to_owned);
        let id = member("id").ok_or_else(|| bad("a check without an id"))?;
        let status =
            member("status").as_deref().and_then(Status::parse).ok_or_else(|| bad("an unknown status"))?;
        let message = member("errorMessage").or_else(|| member("description")).unwrap_or_default();
        let mut key = CheckKey { id, name: member("name").unwrap_or_default(), turn: 0 };
        while parsed.contains_key(&key) {
            key.turn += 1;
        }
        parsed.insert(key, Check { status, message });
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(scenarios: &[(&str, Value)]) -> Results {
        let directory = tempfile::tempdir().unwrap();
        for (scenario, checks) in scenarios {
            let one = directory.path().join(format!("server-{scenario}-2026-11-21T10-36-33-114Z"));
            fs::create_dir(&one).unwrap();
            fs::write(one.join("checks.json"), checks.to_string()).unwrap();
        }
        Results::read(directory.path()).unwrap()
    }

    fn check(id: &str, status: &str) -> Value {
        json!({"id": id, "name": "Name", "status": status, "errorMessage": "why"})
    }

    #[test]
    fn reads_what_the_suite_writes() {
        let results = run(&[
            ("tools-list", json!([check("a", "SUCCESS"), check("a", "SUCCESS"), check("b", "INFO")])),
            ("server-stateless", json!([check("a", "SUCCESS"), check("a", "FAILURE")])),
            ("tasks", json!([check("a", "SKIPPED")])),
        ]);
        assert_eq!((results.scenarios(), results.successes()), (3, 3));
        assert!(results.passed("tools-list"));
        assert!(!results.passed("server-stateless"), "one failure fails the scenario");
        assert!(!results.passed("tasks"), "nothing succeeded");
        assert!(!results.passed("absent"));
        assert_eq!(results.warnings(&["server-stateless".to_owned()]), "");
        let names = ["tools-list", "server-stateless", "absent"].map(str::to_owned);
        assert_eq!(results.not_passed(&names), "server-stateless\n  a: why\nabsent\n  left no results\n");
    }

    #[test]
    fn refuses_what_the_suite_does_not_write() {
        for text in ["", "{}", "[{}]", r#"[{"id":"a"}]"#, r#"[{"id":"a","status":"GREAT"}]"#] {
            assert!(parse_checks(text).is_err(), "{text}");
        }
        for name in
            ["server-", "tools-list-2026-11-21T10-36-33-114Z", "server--2026-11-21T10-36-33-114Z", "server-x"]
        {
            assert_eq!(scenario_of(name), None, "{name}");
        }
    }

    #[test]
    fn equal_and_better_runs_have_no_difference() {
        let direct =
            run(&[("s", json!([check("a", "SUCCESS"), check("b", "FAILURE"), check("c", "SKIPPED")]))]);
        let better = run(&[("s", json!([check("a", "SUCCESS"), check("b", "SUCCESS"), check("c", "INFO")]))]);
        assert_eq!(worse(&direct, &direct), []);
        assert_eq!(worse(&direct, &better), []);
    }

    #[test]
    fn every_loss_and_every_new_fault_is_a_difference() {
        let direct = run(&[
            (
                "s",
                json!([
                    check("a", "SUCCESS"),
                    check("a", "SUCCESS"),
                    check("b", "SUCCESS"),
                    check("c", "SUCCESS")
                ]),
            ),
            ("gone", json!([check("a", "SUCCESS")])),
        ]);
        let through = run(&[(
            "s",
            json!([
                check("a", "SUCCESS"),
                check("a", "FAILURE"),
                check("b", "SKIPPED"),
                check("d", "WARNING")
            ]),
        )]);
        let found = worse(&direct, &through);
        let seen: Vec<_> = found.iter().map(|d| (d.scenario.as_str(), d.check.as_str(), d.through)).collect();
        assert_eq!(
            seen,
            [
                ("gone", "a (Name)", None),
                ("s", "a (Name)", Some(Status::Failure)),
                ("s", "b (Name)", Some(Status::Skipped)),
                ("s", "c (Name)", None),
                ("s", "d (Name)", Some(Status::Warning)),
            ]
        );
        let table = table(&found);
        assert!(table.contains("gone") && table.contains("absent") && table.contains("why"), "{table}");
    }

    #[test]
    fn the_required_list_ends_at_the_next_section() {
        let yaml = "# server:\nserver:\n  - one\n  # a note\n\n  - two\nclient:\n  - three\nnot_scored:\n  server:\n    - x\n";
        assert_eq!(required(yaml, "server"), ["one", "two"]);
        assert_eq!(required(yaml, "client"), ["three"]);
    }
}
