//! Texts of cards, made fit to be shown to people and read by models.
//!
//! What is invisible or changes the direction of writing is left out: it is how instructions are hidden from the person
//! who approves a card. Look-alike letters stay; comparing names across agents is another matter.

use std::borrow::Cow;

/// The longest text of one line, in characters.
pub(super) const MAX_LINE: usize = 256;
/// The longest text of several lines, in characters.
pub(super) const MAX_PROSE: usize = 8_192;
/// The longest identifier, in characters. Longer ones are left out: cut, they would be others.
pub(super) const MAX_IDENTIFIER: usize = 2_048;

/// Several lines: visible characters, line feeds and tabs, without white space at the ends.
pub(super) fn prose(text: &str) -> Cow<'_, str> {
    let is_dirty = |character: char| !matches!(character, '\n' | '\t') && is_invisible(character);
    if !text.contains(is_dirty) {
        return trimmed(Cow::Borrowed(text));
    }
    let lines = text.chars().map(|character| if is_separator(character) { '\n' } else { character });
    trimmed(Cow::Owned(lines.filter(|character| !is_dirty(*character)).collect()))
}

/// One line: visible characters, with a space in the place of every other white space.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    let odd_space = |character: char| character.is_whitespace() && character != ' ';
    if !text.contains(|character| odd_space(character) || is_invisible(character)) {
        return trimmed(Cow::Borrowed(text));
    }
    let spaced = text.chars().map(|character| if odd_space(character) { ' ' } else { character });
    trimmed(Cow::Owned(spaced.filter(|character| !is_invisible(*character)).collect()))
}

/// At most `limit` characters, the last of which says that there was more.
pub(super) fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit.saturating_sub(1)) {
        Some((at, last)) if at + last.len_utf8() < text.len() => {
            Cow::Owned(format!("{}…", text[..at].trim_end()))
        }
        _ => Cow::Borrowed(text),
    }
}

/// Whether there is anything in a text that is not seen.
pub(super) fn has_invisible(text: &str) -> bool {
    text.contains(is_invisible)
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Ends of lines and paragraphs that are no line feeds.
fn is_separator(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{85}')
}

/// What shows nothing, ends of lines and paragraphs included.
fn is_invisible(character: char) -> bool {
    is_separator(character) || doorward_model::is_invisible(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_left_out() {
        for (text, shown) in [
            ("one\r\n\ttwo ", "one\n\ttwo"),
            ("evil\u{202e}txt.exe", "eviltxt.exe"),
            ("a\u{200b}\u{2066}\u{feff}\0\u{1b}[31mb", "a[31mb"),
            // Letters of the block for tags: shown as nothing, read by models.
            ("good\u{e0049}\u{e0067}\u{e006e}", "good"),
            ("a\u{2028}b", "a\nb"),
            ("Größe 名前", "Größe 名前"),
        ] {
            assert_eq!(prose(text), shown, "{text:?}");
        }
        assert_eq!(line(" a\nb\u{a0}c\u{200d} "), "a b c");
    }

    #[test]
    fn what_is_too_long_says_so() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("a bcd", 3), "a…");
    }

    proptest! {
        #[test]
        fn what_was_cleaned_stays_as_it_is(text in any::<String>(), limit in 1_usize..20) {
            for clean in [prose, line] {
                let once = clean(&text).into_owned();
                prop_assert_eq!(&*clean(&once), &*once);
                let short = cut(&once, limit).into_owned();
                prop_assert!(short.chars().count() <= limit);
                prop_assert_eq!(&*cut(&short, limit), &*short);
                prop_assert_eq!(&*clean(&short), &*short);
            }
        }
    }
}
