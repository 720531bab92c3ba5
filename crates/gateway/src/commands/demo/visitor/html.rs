//! Reads Doorward's own pages: their markup is strict, values are escaped and attributes are quoted. For HTML of other
//! people this would not do.

/// A form and the button that was looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it is sent.
    pub(super) action: String,
    /// Its fields as they stand, the button's own included.
    pub(super) fields: Vec<(String, String)>,
}

/// What begins a new line for a reader.
const BLOCKS: [&str; 10] = ["caption", "div", "dl", "h1", "h2", "p", "section", "table", "tr", "ul"];

/// The first form that has a button with these words.
pub(super) fn form(body: &str, button: &str) -> Option<Form> {
    let forms = body.split("<form ").skip(1).filter_map(|rest| rest.split_once("</form>"));
    forms.map(|(form, _)| form).find_map(|form| {
        let tags = || form.split('<').filter_map(|piece| piece.split_once('>'));
        let (pressed, _) = tags().find(|(tag, text)| is(tag, "button") && unescape(text) == button)?;
        let inputs =
            tags().map(|(tag, _)| tag).filter(|tag| is(tag, "input")).filter(|tag| !is_unchecked(tag));
        let fields = inputs
            .chain([pressed])
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())));
        let (opening, _) = form.split_once('>')?;
        Some(Form { action: attribute(&format!("form {opening}"), "action")?, fields: fields.collect() })
    })
}

/// The text of the first `h1`.
pub(super) fn heading(body: &str) -> String {
    let heading = between(body, "<h1>", "</h1>").unwrap_or_default();
    lines(heading).join(" ")
}

/// The visible text of the main part, from its heading to its first form or its footer, a line for a block.
pub(super) fn text(body: &str) -> String {
    let main =
        between(body, "<main", "</main>").and_then(|main| main.split_once('>')).map_or("", |(_, main)| main);
    let end =
        ["<form ", "<footer "].into_iter().filter_map(|mark| main.find(mark)).min().unwrap_or(main.len());
    lines(&main[..end]).join("\n")
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
}

/// Text without its tags: terms stand before what they mean, the names of a list and the cells of a table side by side.
fn lines(markup: &str) -> Vec<String> {
    let (mut text, mut pieces) = (String::new(), markup.split('<'));
    text.push_str(&flat(pieces.next().unwrap_or_default()));
    for piece in pieces {
        let Some((tag, after)) = piece.split_once('>') else { continue };
        match tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap_or_default() {
            "dt" if tag.starts_with('/') => text.push_str(": "),
            name if BLOCKS.contains(&name) => text.push('\n'),
            "li" | "td" | "th" if !tag.starts_with('/') => text.push_str("  "),
            _ => {}
        }
        text.push_str(&flat(after));
    }
    unescape(&text).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Line breaks in markup are spaces, and mean nothing between tags.
fn flat(text: &str) -> String {
    if text.trim().is_empty() && text.contains('\n') { String::new() } else { text.replace('\n', " ") }
}

fn is(tag: &str, name: &str) -> bool {
    tag.split(' ').next() == Some(name)
}

/// A box that nobody ticked is not sent.
fn is_unchecked(tag: &str) -> bool {
    attribute(tag, "type").as_deref() == Some("checkbox")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    between(tag, &format!(" {name}=\""), "\"").map(unescape)
}

/// The references that templates write; others stay as they are.
fn unescape(text: &str) -> String {
    let mut plain = text.to_owned();
    // The ampersand last, or an escaped reference would be read as one.
    for (reference, character) in
        [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
    {
        plain = plain.replace(reference, character);
    }
    plain
}
