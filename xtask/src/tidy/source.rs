//! Rules about one file of source: its length, the length of its functions, its name.
//!
//! This is a counter of braces, not a parser: comments and literals are blanked out first, and what is left is
//! regular enough.

use std::path::Path;

const LONGEST_FILE: usize = 600;
const LONGEST_FILE_WITHOUT_TESTS: usize = 400;
const LONGEST_FUNCTION: usize = 60;

/// What is wrong with this file.
pub(super) fn problems(path: &Path, text: &str) -> Vec<String> {
    let shown = path.display();
    let mut problems = Vec::new();
    if path.file_name().is_some_and(|name| name == "mod.rs") {
        problems.push(format!("{shown}: name it after its directory, beside it (`foo.rs` + `foo/`)"));
    }
    if !text.trim_start().starts_with("//!") && !is_test(path) {
        problems.push(format!("{shown}: begin with a `//!` paragraph: what it is for, and what not"));
    }
    let code = blank(text);
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        problems.push(format!("{shown}: {lines} lines, more than {LONGEST_FILE}"));
    }
    let of_tests = if is_test(path) { lines } else { test_modules(&code) };
    if lines - of_tests > LONGEST_FILE_WITHOUT_TESTS {
        let rest = lines - of_tests;
        problems.push(format!("{shown}: {rest} lines without tests, more than {LONGEST_FILE_WITHOUT_TESTS}"));
    }
    // A test's function is often one long table of cases.
    for (line, name, length) in functions(&code) {
        if length > LONGEST_FUNCTION && !is_test(path) {
            problems
                .push(format!("{shown}:{line}: fn {name} has {length} lines, more than {LONGEST_FUNCTION}"));
        }
    }
    problems
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

/// How many lines are inside `mod tests { … }`.
fn test_modules(code: &str) -> usize {
    code.match_indices("mod tests {")
        .map(|(at, _)| block(code, at).map_or(0, |block| block.lines().count()))
        .sum()
}

/// Line, name and number of lines of every function that has a body.
fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        let name: String = code[at + 3..]
            .chars()
            .take_while(|character| character.is_alphanumeric() || *character == '_')
            .collect();
        if let (false, Some(body)) = (name.is_empty(), block(code, at)) {
            let line = code[..at].matches('\n').count() + 1;
            found.push((line, name, body.lines().count()));
        }
    }
    found
}

/// From `at` to the end of the block that begins there; none when a `;` comes first.
fn block(code: &str, at: usize) -> Option<&str> {
    let mut depth = 0_i32;
    let mut brackets = 0_i32;
    for (offset, character) in code[at..].char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if depth == 0 && brackets == 0 => return None,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(&code[at..=at + offset]);
                }
            }
            _ => {}
        }
    }
    None
}

/// The same text with comments, strings and characters blanked out; lines stay where they are.
pub(super) fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = token(rest);
        if length == 0 {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            out.extend(rest[..length].chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    out
}

/// The length in bytes of the comment or literal that `rest` begins with, else 0.
fn token(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    if let Some(length) = raw_string(rest) {
        return length;
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    // A quote is a character only when it closes again; else it is a lifetime or a label.
    let mut characters = rest.chars();
    match (characters.next(), characters.next(), characters.next()) {
        (Some('\''), Some('\\'), _) => quoted(rest, '\''),
        (Some('\''), Some(inner), Some('\'')) => inner.len_utf8() + 2,
        _ => 0,
    }
}

/// The length of `r"…"` or `r#"…"#`, with any number of hashes.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?;
    let text = hashes.trim_start_matches('#');
    let count = hashes.len() - text.len();
    let inner = text.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(count));
    let end = inner.find(&close).map_or(inner.len(), |end| end + close.len());
    Some(1 + count + 1 + end)
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (offset, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return offset + 1,
            _ => {}
        }
    }
    rest.len()
}
