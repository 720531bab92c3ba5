//! The notes server: it keeps notes in memory, and its dangerous tool really deletes them.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{lock, protocol::Contents};

/// The notes, by title, in the order in which they were added. Clones share them.
#[derive(Debug, Clone)]
pub(in super::super) struct Notebook(Arc<Mutex<Vec<(String, String)>>>);

/// The most notes that it keeps.
const MAX_NOTES: usize = 100;

impl Notebook {
    /// A notebook with three notes in it.
    pub(in super::super) fn new() -> Self {
        let notes = [
            ("groceries", "Apples, bread, a very large cheese."),
            ("door-code", "The side door: 4711. Tell nobody."),
            ("ideas", "Put one door in front of all tools."),
        ];
        let notes = notes.map(|(title, text)| (title.to_owned(), text.to_owned()));
        Self(Arc::new(Mutex::new(notes.to_vec())))
    }

    /// The titles.
    pub(in super::super) fn titles(&self) -> Vec<String> {
        lock(&self.0).iter().map(|(title, _)| title.clone()).collect()
    }

    /// The text of a note.
    pub(in super::super) fn text(&self, title: &str) -> Option<String> {
        lock(&self.0).iter().find(|(known, _)| known == title).map(|(_, text)| text.clone())
    }

    fn add(&self, title: &str, text: &str) -> Result<String, String> {
        let mut notes = lock(&self.0);
        if title.is_empty() || notes.iter().any(|(known, _)| known == title) {
            return Err("a note needs a title of its own".to_owned());
        }
        if notes.len() >= MAX_NOTES {
            return Err("the notebook is full".to_owned());
        }
        notes.push((title.to_owned(), text.to_owned()));
        Ok(format!("added {title}"))
    }

    fn clear(&self) -> String {
        let deleted = std::mem::take(&mut *lock(&self.0));
        format!("deleted {} notes", deleted.len())
    }
}

impl Contents for Notebook {
    fn name(&self) -> &'static str {
        "notes"
    }

    fn tools(&self) -> Value {
        let schema = |properties: &[&str]| {
            let members = properties.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" })));
            json!({ "type": "object", "properties": members.collect::<serde_json::Map<_, _>>(),
                "required": properties })
        };
        json!([
            { "name": "list_notes", "description": "The titles of all notes",
                "inputSchema": schema(&[]), "annotations": { "readOnlyHint": true } },
            { "name": "read_note", "description": "The text of a note",
                "inputSchema": schema(&["title"]), "annotations": { "readOnlyHint": true } },
            { "name": "add_note", "description": "Writes a new note",
                "inputSchema": schema(&["title", "text"]) },
            { "name": "delete_all_notes", "description": "Deletes every note, for good",
                "inputSchema": schema(&[]), "annotations": { "destructiveHint": true } },
        ])
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Option<Result<String, String>> {
        let text = |key: &str| arguments[key].as_str().unwrap_or_default();
        Some(match tool {
            "list_notes" => Ok(self.titles().join("\n")),
            "read_note" => self.text(text("title")).ok_or_else(|| "there is no such note".to_owned()),
            "add_note" => self.add(text("title"), text("text")),
            "delete_all_notes" => Ok(self.clear()),
            _ => return None,
        })
    }

    fn resources(&self) -> Value {
        let resource = |title: String| json!({ "uri": format!("note:///{title}"), "name": title });
        self.titles().into_iter().map(resource).collect()
    }

    fn read(&self, uri: &str) -> Option<String> {
        self.text(uri.strip_prefix("note:///")?)
    }

    fn prompts(&self) -> Value {
        json!([{ "name": "summarise", "description": "Asks for a summary of all notes" }])
    }

    fn prompt(&self, name: &str) -> Option<String> {
        (name == "summarise").then(|| "Read all my notes and summarise them.".to_owned())
    }
}
