//! The examples of `docs/guide/clients.md`, made to fit the virtual servers of a test.
//!
//! In the guide there is one virtual server, `team`. A file that names it gets one entry for each server of the test, a
//! command is run for each.

use std::fs;

use serde_json::Value;

use crate::programs::repository;

/// What is put in the place of the guide's virtual server.
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) url: String,
    /// The variable that holds the token.
    pub(super) variable: String,
}

/// The block of this language under this heading, counted from 0.
#[track_caller]
pub(super) fn example(heading: &str, language: &str, number: usize) -> String {
    let guide = fs::read_to_string(repository().join("docs/guide/clients.md")).expect("the guide");
    let (begin, fence) = (format!("\n## {heading}\n"), format!("\n```{language}\n"));
    let section = guide.split_once(&begin).and_then(|(_, rest)| rest.split("\n## ").next());
    let blocks = section.unwrap_or_default().split(&fence).skip(1);
    let mut blocks = blocks.filter_map(|block| Some(block.split_once("\n```")?.0.to_owned()));
    blocks.nth(number).unwrap_or_else(|| panic!("the guide has no {language} block {number} under {heading}"))
}

impl Place {
    /// The address and the token's variable of this place.
    pub(super) fn address(&self, example: &str) -> String {
        let here = example.replace("http://127.0.0.1:8420/mcp/team", &self.url);
        assert_ne!(here, example, "the example does not lead to `team`");
        here.replace("TEAM_TOKEN", &self.variable)
    }

    /// The same, and the name too, wherever it is.
    pub(super) fn rename(&self, example: &str) -> String {
        self.address(example).replace("team", self.name)
    }
}

/// A file in JSON: every object that has a member `team` has one for each place instead.
pub(super) fn json(example: &str, places: &[Place]) -> Value {
    let mut document: Value = serde_json::from_str(example).expect("an example in JSON");
    let groups = document.as_object_mut().expect("an object").values_mut();
    let mut found = 0;
    for group in groups.filter_map(Value::as_object_mut) {
        let Some(team) = group.remove("team") else { continue };
        found += 1;
        for place in places {
            let entry = serde_json::from_str(&place.rename(&team.to_string())).expect("an entry");
            group.insert(place.name.to_owned(), entry);
        }
    }
    assert_eq!(found, 1, "`team` is in one place: {example}");
    document
}

/// A file in TOML that is one table for `team`: one for each place instead.
pub(super) fn toml(example: &str, places: &[Place]) -> String {
    places.iter().map(|place| place.rename(example) + "\n\n").collect()
}
