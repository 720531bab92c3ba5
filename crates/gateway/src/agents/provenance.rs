//! Where a card comes from: what the store keeps beside its normal form, for whoever approves it.

use doorward_auth::card::Standing;
use doorward_protocol::a2a::card::Form;
use serde_json::{Value, json};

/// Where a card comes from, and who vouches for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// The address that it was fetched from.
    pub(crate) from: String,
    /// The form that a good signature covers; none was looked for, or there was none.
    pub(crate) form: Option<String>,
    /// The id of the key that made it.
    pub(crate) key: Option<String>,
    /// The agent's own document, as it was fetched.
    pub(crate) original: String,
}

impl Provenance {
    /// Of a card that was just fetched and judged.
    pub(super) fn of(from: &str, standing: &Standing, original: &[u8]) -> Self {
        let (key, form) = match standing {
            Standing::Verified(verified) => {
                (verified.kid.clone(), Some(Form::word(verified.form).to_owned()))
            }
            Standing::Unchecked | Standing::Unsigned => (None, None),
        };
        let original = String::from_utf8_lossy(original).into_owned();
        Self { from: from.to_owned(), form, key, original }
    }

    /// As the store keeps it.
    pub(super) fn to_text(&self) -> String {
        json!({ "from": self.from, "key": self.key, "form": self.form, "original": self.original })
            .to_string()
    }

    /// Reads what the store keeps; what is not there is empty.
    pub(crate) fn read(text: &str) -> Self {
        let kept: Value = serde_json::from_str(text).unwrap_or_default();
        let text = |member: &str| kept[member].as_str().map(str::to_owned);
        Self {
            from: text("from").unwrap_or_default(),
            form: text("form"),
            key: text("key"),
            original: text("original").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let provenance = Provenance {
            from: "https://agent.example/card.json".into(),
            form: Some("sdk".into()),
            key: None,
            original: "{\"name\":\"\u{1b}[31m\"}".into(),
        };
        assert_eq!(Provenance::read(&provenance.to_text()), provenance);
        assert_eq!(Provenance::read("not JSON"), Provenance::default());
    }
}
