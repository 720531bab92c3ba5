//! Names that others give themselves, made fit to be shown to people.
//!
//! What is invisible or changes the direction of writing is left out, so that a name cannot look like another
//! text than it is. Look-alike letters stay: a name is a claim, and is shown as one. Escaping for HTML is not
//! done here.

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

/// Controls and the format characters of Unicode (general categories Cc and Cf), and what else has no width.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}'
                | '\u{34F}'
                | '\u{600}'..='\u{605}'
                | '\u{61C}'
                | '\u{6DD}'
                | '\u{70F}'
                | '\u{890}'..='\u{891}'
                | '\u{8E2}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFB}'
                | '\u{110BD}'
                | '\u{110CD}'
                | '\u{13430}'..='\u{1343F}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E0FFF}'
        )
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
