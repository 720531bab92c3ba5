//! Cards on a terminal. What an agent says of itself is text of others: nothing of it may act on the terminal, or hide.

use std::fmt::Write as _;

use anyhow::anyhow;
use doorward_model::is_invisible;
use doorward_protocol::a2a::card::{self, Diff, UpstreamCard};
use doorward_store::SeenCard;
use serde_json::{Value, json};

use crate::agents::{self, Provenance};

/// A card that the store keeps.
pub(super) fn read(seen: &SeenCard) -> anyhow::Result<UpstreamCard> {
    let document = agents::document(seen.card.clone().into_bytes().into());
    let document = document.ok_or_else(|| anyhow!("the card {} cannot be read", seen.digest))?;
    card::read(&document).map_err(|error| anyhow!("the card {} cannot be read: {error}", seen.digest))
}

/// A JSON text, indented.
pub(super) fn pretty(text: &str) -> String {
    let value: Option<Value> = serde_json::from_str(text).ok();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

/// What is known of who signed a card.
pub(super) fn signature(provenance: &str) -> String {
    match Provenance::read(provenance) {
        Provenance { form: Some(form), key: Some(key), .. } => {
            escaped(&format!("signed by {key} ({form} form)"))
        }
        Provenance { form: Some(form), key: None, .. } => format!("signed ({form} form)"),
        _ => "no signature verified".to_owned(),
    }
}

/// Changes as data, and as lines for people.
pub(super) fn changes(diff: &Diff) -> (Value, String) {
    let mut text = String::new();
    let mut data = Vec::new();
    for change in &diff.changes {
        let (before, after) = (change.before.as_deref(), change.after.as_deref());
        data.push(json!({
            "path": change.path, "severity": change.severity.word(), "before": before, "after": after,
        }));
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<6}  {}", change.severity.word(), change.path);
        for (mark, value) in [('-', before), ('+', after)] {
            if let Some(value) = value {
                let _ = writeln!(text, "        {mark} {value}");
            }
        }
    }
    if diff.more > 0 {
        let _ = writeln!(text, "and {} more", diff.more);
    }
    text.truncate(text.trim_end().len());
    (json!({ "changes": data, "more": diff.more }), text)
}

/// The same text with what is not seen as escapes of JSON: within JSON, its meaning is the same.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if !is_invisible(character) || matches!(character, '\n' | '\t') {
            escaped.push(character);
            continue;
        }
        // Bare, it stands between values, where it means nothing; on a terminal it would go back and write over.
        if character == '\r' {
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal_or_hides() {
        let document = "{\"name\":\"a\u{9b}31m\u{202e}b\u{e0041}\u{7f} Größe 名\"}\r\n";
        assert_eq!(escaped(document), "{\"name\":\"a\\u009b31m\\u202eb\\udb40\\udc41\\u007f Größe 名\"}\n");
    }

    proptest! {
        #[test]
        fn an_escaped_document_says_the_same(text in any::<String>()) {
            let document = json!({ "text": text }).to_string();
            let read: Value = serde_json::from_str(&escaped(&document)).expect("JSON");
            prop_assert_eq!(read["text"].as_str(), Some(text.as_str()));
        }
    }
}
