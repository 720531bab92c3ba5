//! Names that others give themselves, made fit to be shown to people.
//!
//! What is invisible or changes the direction of writing is left out, so that a name cannot look like another
//! text than it is. Look-alike letters stay: a name is a claim, and is shown as one. Escaping for HTML is not
//! done here.

use doorward_model::is_invisible;

/// The longest name that is shown, in characters.
pub(crate) const MAX_NAME: usize = 128;

/// The visible characters of a text, with single spaces between words; `None` when nothing is left.
pub(crate) fn visible(text: &str) -> Option<String> {
    let spaced: String = text
        .chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .filter(|character| !is_invisible(*character))
        .collect();
    let words: Vec<_> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_left_out() {
        for (text, shown) in [
            ("Claude Code", Some("Claude Code")),
            ("  a \t\n\u{2003}b ", Some("a b")),
            ("evil\u{202e}txt.exe", Some("eviltxt.exe")),
            ("a\u{200b}\u{2066}\u{feff}\0\u{1b}[31mb", Some("a[31mb")),
            ("\u{e0041}\u{ad}", None),
            (" \u{2029}", None),
            ("", None),
            ("<b>Größe</b> 名前", Some("<b>Größe</b> 名前")),
        ] {
            assert_eq!(visible(text).as_deref(), shown, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_shown_text_is_shown_as_it_is(text in any::<String>()) {
            if let Some(shown) = visible(&text) {
                prop_assert!(shown.chars().count() <= text.chars().count());
                prop_assert_eq!(visible(&shown), Some(shown));
            }
        }
    }
}
