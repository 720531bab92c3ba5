//! Text from outside as people may see it: bounded, and without what cannot be seen or turns the rest around.
//!
//! Escaping is not done here: the templates escape everything.

use doorward_model::{Person, Timestamp};

/// The longest name of a client or a person, in characters.
pub(super) const NAME: usize = 80;
/// The longest user name that a form repeats, in characters: as long as names of users can be.
pub(super) const USER: usize = 63;
/// The longest explanation, in characters.
pub(super) const SENTENCES: usize = 600;
/// The longest name of a capability, in characters.
pub(super) const CAPABILITY: usize = 128;
/// Long enough for every redirect URI and every host: these are never cut, for their end says who they are.
pub(super) const ADDRESS: usize = 2_048;

const MARKS_IN_A_ROW: usize = 2;

/// A text for people: what is invisible goes, white space becomes one space, and after `longest` characters
/// comes an ellipsis.
pub(super) fn shown(text: &str, longest: usize) -> String {
    let mut shown = String::new();
    let (mut length, mut marks) = (0, 0);
    let mut gap = false;
    for character in text.chars() {
        if character.is_whitespace() || matches!(character, '\u{2028}' | '\u{2029}') {
            gap = !shown.is_empty();
            continue;
        }
        if is_invisible(character) {
            continue;
        }
        marks = if is_mark(character) { marks + 1 } else { 0 };
        if marks > MARKS_IN_A_ROW {
            continue;
        }
        if length + usize::from(gap) >= longest {
            shown.push('…');
            break;
        }
        if gap {
            shown.push(' ');
            length += 1;
            gap = false;
        }
        shown.push(character);
        length += 1;
    }
    shown
}

/// How a page calls somebody who signed in: their name, and their subject where it says more.
pub(super) fn person(person: &Person) -> String {
    let name = shown(&person.name, NAME);
    let subject = shown(&person.subject, NAME);
    if name.is_empty() || name == subject { subject } else { format!("{name} ({subject})") }
}

/// A day in words: `21 November 2026` (UTC).
pub(super) fn day(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_microsecond(moment.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.strftime("%-d %B %Y").to_string()
}

/// Control characters, what turns the direction of text, what has no width, and what has no meaning outside a font.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// Marks that pile up on the character before them, over the lines above and below.
fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests;
