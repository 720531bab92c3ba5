//! What the upstream offers, and what it asks of clients: the two JSON files of this directory, read once.

use std::{collections::BTreeMap, io};

use rmcp::model::{InputRequest, Prompt, Resource, ResourceTemplate, Tool};
use serde::Deserialize;

/// Everything that lists contain, in the order of the file.
#[derive(Debug, Deserialize)]
pub(super) struct Catalogue {
    pub(super) tools: Vec<Tool>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) resources: Vec<Resource>,
    pub(super) templates: Vec<ResourceTemplate>,
}

impl Catalogue {
    /// Reads `catalogue.json`.
    pub(super) fn read() -> io::Result<Self> {
        serde_json::from_str(include_str!("catalogue.json")).map_err(io::Error::other)
    }

    /// The definition of one tool.
    pub(super) fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

/// The requests that the upstream may have for a client, by name.
#[derive(Debug, Deserialize)]
pub(super) struct Questions(BTreeMap<String, InputRequest>);

impl Questions {
    /// Reads `questions.json`.
    pub(super) fn read() -> io::Result<Self> {
        serde_json::from_str(include_str!("questions.json")).map_err(io::Error::other)
    }

    /// The question of that name.
    ///
    /// # Errors
    /// An internal error of the protocol when the file lacks it.
    pub(super) fn get(&self, name: &str) -> Result<InputRequest, rmcp::ErrorData> {
        let question = self.0.get(name).cloned();
        question.ok_or_else(|| rmcp::ErrorData::internal_error(format!("no question `{name}`"), None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_survive_the_sdk() {
        let catalogue = Catalogue::read().unwrap();
        let text: serde_json::Value = serde_json::from_str(include_str!("catalogue.json")).unwrap();
        assert_eq!(serde_json::to_value(&catalogue.tools).unwrap(), text["tools"]);
        assert_eq!(serde_json::to_value(&catalogue.prompts).unwrap(), text["prompts"]);
        assert_eq!(serde_json::to_value(&catalogue.resources).unwrap(), text["resources"]);
        assert_eq!(serde_json::to_value(&catalogue.templates).unwrap(), text["templates"]);
    }

    #[test]
    fn the_questions_survive_the_sdk() {
        let questions = Questions::read().unwrap();
        let text: serde_json::Value = serde_json::from_str(include_str!("questions.json")).unwrap();
        assert_eq!(serde_json::to_value(&questions.0).unwrap(), text);
    }
}
