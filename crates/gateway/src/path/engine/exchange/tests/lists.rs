//! A filtered name never crosses, in whatever form a list brings it.

use std::{collections::BTreeSet, fmt::Write as _};

use doorward_protocol::sse::EventReader;
use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

/// Names that are easily mistaken for each other.
const NAMES: [&str; 10] = [
    "echo",
    "Echo",
    "echo ",
    "delete_everything",
    "x://a/{id}",
    "x://a/b",
    "quo\"te\\",
    "naïve-名前",
    "tools",
    "\u{1F600}",
];

/// List method, the member that holds the entries, the member that names one, the key in the configuration.
const LISTS: [(Method, &str, &str, &str); 4] = [
    (Method::ToolsList, "tools", "name", "tools"),
    (Method::PromptsList, "prompts", "name", "prompts"),
    (Method::ResourcesList, "resources", "uri", "resources"),
    (Method::ResourceTemplatesList, "resourceTemplates", "uriTemplate", "resource_templates"),
];

/// One entry of a list: its JSON text, and the name by which it may stay. Entries whose name cannot be told for
/// certain have none.
#[derive(Debug, Clone)]
struct Entry {
    text: String,
    name: Option<&'static str>,
}

/// What an entry looks like.
#[derive(Debug, Clone, Copy)]
enum Form {
    Plain,
    /// A member that only a reader who ignores case takes for the name, beside the name.
    Variant,
    /// Such a member alone.
    OnlyVariant,
    /// The name is a number, null, an object, half a surrogate pair, or an array.
    Nameless(u8),
    /// No object at all.
    NoObject(u8),
    /// An object that contains what looks like another entry.
    Nested,
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        6 => Just(Form::Plain),
        1 => Just(Form::Variant),
        1 => Just(Form::OnlyVariant),
        1 => any::<u8>().prop_map(Form::Nameless),
        1 => any::<u8>().prop_map(Form::NoObject),
        1 => Just(Form::Nested),
    ]
}

fn space(noise: &mut impl Iterator<Item = u8>) -> &'static str {
    ["", "", " ", "\n", "\t \r\n"][usize::from(noise.next().unwrap_or(0) % 5)]
}

/// A JSON string with some characters written as escapes.
fn string(text: &str, noise: &mut impl Iterator<Item = u8>) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match (character, noise.next().unwrap_or(0) % 4) {
            ('"' | '\\', _) => out.extend(['\\', character]),
            ('/', 1) => out.push_str("\\/"),
            (_, 0) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("writing to a string");
                }
            }
            _ => out.push(character),
        }
    }
    out + "\""
}

fn entry(key: &str, form: Form, (name, other): (&'static str, &str), noise: &[u8]) -> Entry {
    let noise = &mut noise.iter().copied().cycle();
    let named = string(name, noise);
    let key_text = string(key, noise);
    let variant = string(&format!("{}{}", key[..1].to_uppercase(), &key[1..]), noise);
    let extra = r#""x":[{"name":"delete_everything","uri":"x://a/b"}],"_meta":{"n":1.50e3}"#;
    let (body, stays) = match form {
        Form::Plain => (format!("{extra},{}{key_text}{}:{named}", space(noise), space(noise)), true),
        Form::Variant => (format!("{key_text}:{named},{variant}:{}", string(other, noise)), false),
        Form::OnlyVariant => (format!("{variant}:{named},{extra}"), false),
        Form::Nested => {
            (format!("\"tools\":[{{{key_text}:{}}}],{key_text}:{named}", string(other, noise)), true)
        }
        Form::Nameless(which) => {
            let value = ["1", "null", r#"{"name":"echo"}"#, r#""\ud800""#, "[]"][usize::from(which % 5)];
            (format!("{key_text}:{value},\"title\":{named}"), false)
        }
        Form::NoObject(which) => {
            let list = format!("[{{{key_text}:{named}}}]");
            let text = [named, list, "null".to_owned(), "17".to_owned()][usize::from(which % 4)].clone();
            return Entry { text, name: None };
        }
    };
    let text = format!("{{{}{body}{}}}", space(noise), space(noise));
    Entry { text, name: stays.then_some(name) }
}

/// A page of a list as an upstream might write it, and what a virtual server exposes.
#[derive(Debug, Clone)]
struct Page {
    list: usize,
    entries: Vec<Entry>,
    exposed: BTreeSet<String>,
    cursor: Option<String>,
    noise: Vec<u8>,
}

fn page() -> impl Strategy<Value = Page> {
    let name = || any::<Index>().prop_map(|index| *index.get(&NAMES));
    let entries = vec((form(), name(), name(), vec(any::<u8>(), 8)), 0..8);
    let cursor = proptest::option::of(prop_oneof![Just(String::new()), "[ -~]{1,12}"]);
    (0..LISTS.len(), entries, vec(name(), 0..5), cursor, vec(any::<u8>(), 16)).prop_map(
        |(list, entries, exposed, cursor, noise)| {
            let key = LISTS[list].2;
            let entries = entries
                .into_iter()
                .map(|(form, name, other, noise)| entry(key, form, (name, other), &noise))
                .collect();
            let exposed = exposed.into_iter().filter(|name| configurable(list, name));
            let exposed = exposed.map(str::to_owned).collect();
            Page { list, entries, exposed, cursor, noise }
        },
    )
}

/// Whether the configuration takes the name for that list: resources are URIs.
fn configurable(list: usize, name: &str) -> bool {
    match list {
        0 | 1 => true,
        2 => name == "x://a/b",
        _ => name.starts_with("x://"),
    }
}

/// A message in pieces: what is before the entries, the entries with what separates them, what is between them and
/// the value of `nextCursor` (or the end), and what is after that.
struct Pieces {
    head: String,
    entries: String,
    between: String,
    tail: String,
}

impl Page {
    fn pieces(&self, id: &str) -> Pieces {
        let noise = &mut self.noise.iter().copied().cycle();
        let before = r#""jsonrpc":"2.0","unknown":[{"name":"hidden"}],"id":"#;
        let member = string(LISTS[self.list].1, noise);
        let head = format!(
            "{}{{{before}{id},{}\"result\":{{\"a\":1e2,{}{member}:[",
            space(noise),
            space(noise),
            space(noise)
        );
        let mut entries = String::new();
        for (number, entry) in self.entries.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            entries.extend([comma, space(noise), &entry.text, space(noise)]);
        }
        let between = match self.cursor {
            Some(_) => format!("],{}\"nextCursor\":{}", space(noise), space(noise)),
            None => "]".to_owned(),
        };
        let tail = format!(",\"ttlMs\":0,\"z\":{{\"tools\":[\"hidden\"]}}}}{}}}\n", space(noise));
        Pieces { head, entries, between, tail }
    }

    /// The message as the upstream sends it.
    fn message(&self, id: &str) -> String {
        let Pieces { head, entries, between, tail } = self.pieces(id);
        let cursor = self.cursor.as_ref().map(|cursor| serde_json::to_string(cursor).expect("a string"));
        [head, entries, between, cursor.unwrap_or_default(), tail].concat()
    }

    fn door(&self, era: Era, client_id: &str) -> Door {
        let (method, _, _, kind) = LISTS[self.list];
        Door::answering(published(&only(kind, &self.exposed)), era, method, client_id)
    }

    fn stays(&self, entry: &Entry) -> bool {
        entry.name.is_some_and(|name| self.exposed.contains(name))
    }

    /// Whether `passed` is this page with the right entries taken out, the client's id, and the cursor sealed.
    fn check(&self, door: &Door, passed: &str, client_id: &str) -> Result<(), TestCaseError> {
        let Pieces { head, entries, between, tail } = self.pieces(client_id);
        let fail = |what: &str| TestCaseError::fail(format!("{what} in {passed}"));
        let mut rest = passed.strip_prefix(&head).ok_or_else(|| fail("the head changed"))?;
        if self.entries.iter().all(|entry| self.stays(entry)) {
            prop_assert!(rest.starts_with(&entries), "nothing is hidden, but bytes changed");
        }
        for entry in self.entries.iter().filter(|entry| self.stays(entry)) {
            let rest_of = rest.trim_start_matches([' ', '\n', '\t', '\r', ',']).strip_prefix(&entry.text);
            rest = rest_of.ok_or_else(|| fail(&format!("{} is missing or changed", entry.text)))?;
        }
        let rest_of = rest.trim_start_matches([' ', '\n', '\t', '\r']).strip_prefix(&between);
        rest = rest_of.ok_or_else(|| fail("more than the exposed entries"))?;
        if let Some(cursor) = &self.cursor {
            let sealed = serde_json::Deserializer::from_str(rest).into_iter::<String>().next();
            let sealed = sealed.and_then(Result::ok).ok_or_else(|| fail("no cursor"))?;
            let opened = door.sealers.open_cursor(&sealed, LISTS[self.list].0.name(), door.exchange.holder());
            prop_assert_eq!(opened.as_ref(), Some(cursor));
            rest = &rest[sealed.len() + 2..];
        }
        prop_assert_eq!(rest, tail);
        let whole: Result<serde::de::IgnoredAny, _> = serde_json::from_str(passed);
        prop_assert!(whole.is_ok(), "no JSON any more: {}", passed);
        Ok(())
    }
}

proptest! {
    #[test]
    fn exposed_entries_stay_byte_for_byte_and_all_others_go(page in page(), modern: bool) {
        let door = page.door(if modern { Era::Modern } else { Era::Legacy }, "\"mine\"");
        let message = page.message(&format!("\"{}\"", own("\"mine\"")));
        let verdict = door.examine(&message).map_err(|broken| TestCaseError::fail(broken.0))?;
        prop_assert!(verdict.is_answer);
        prop_assert_eq!(verdict.filtered, page.entries.iter().filter(|entry| !page.stays(entry)).count());
        let Fate::Replace(passed) = verdict.fate else { return Err(TestCaseError::fail("not replaced")) };
        page.check(&door, std::str::from_utf8(&passed).expect("UTF-8"), "\"mine\"")?;
    }

    #[test]
    fn the_same_holds_for_events_in_arbitrary_pieces(page in page(), size in 1_usize..40) {
        let door = page.door(Era::Modern, "7");
        let message = page.message(&format!("\"{}\"", own("7")));
        let mut stream = String::from(": comment\n\nid: 4\nevent: message\n");
        for line in message.trim().split(['\n', '\r']) {
            stream.extend(["data: ", line, "\n"]);
        }
        stream.push('\n');
        let mut reader = EventReader::new(1 << 20);
        let mut out = Vec::new();
        for chunk in stream.as_bytes().chunks(size) {
            reader.push(Bytes::copy_from_slice(chunk));
            while let Some(event) = reader.next_event().expect("small events") {
                let Some(data) = event.data() else {
                    out.extend_from_slice(event.raw());
                    continue;
                };
                match door.examine(&data).map_err(|broken| TestCaseError::fail(broken.0))?.fate {
                    Fate::Replace(data) => out.extend_from_slice(&event.with_data(&data)),
                    _ => return Err(TestCaseError::fail("not replaced")),
                }
            }
        }
        let out = String::from_utf8(out).expect("UTF-8");
        let rest = out.strip_prefix(": comment\n\nid: 4\nevent: message\n").expect("the fields stay");
        let (_, member, key, _) = LISTS[page.list];
        let wanted = page.entries.iter().filter(|entry| page.stays(entry)).filter_map(|entry| entry.name);
        prop_assert_eq!(names_in(rest, member, key), wanted.collect::<Vec<_>>());
    }
}

/// The names of the entries in an event's data, read with another reader.
fn names_in(event: &str, member: &str, key: &str) -> Vec<String> {
    let data: Vec<&str> = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let message = parsed(data.join("\n").as_bytes());
    let entries = message["result"][member].as_array().expect("entries");
    entries.iter().map(|entry| entry[key].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_list_whose_entries_cannot_be_told_is_not_an_answer() {
    let door = Door::answering(published("tools = [\"echo\"]"), Era::Legacy, Method::ToolsList, "1");
    let id = own("1");
    for result in [
        r"{}",
        r#"{"tools":{"name":"delete_everything"}}"#,
        r#"{"tools":"delete_everything"}"#,
        r#"{"tools":null}"#,
        r#"{"Tools":[{"name":"delete_everything"}]}"#,
        r#"{"tools":[],"TOOLS":[{"name":"delete_everything"}]}"#,
        r#"{"tools":[],"tool\u017f":[{"name":"delete_everything"}]}"#,
        r#"{"tools":[],"t\u006fols":[{"name":"delete_everything"}]}"#,
        r#"[{"name":"delete_everything"}]"#,
    ] {
        let message = format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{result}}}"#);
        assert!(door.examine(&message).is_err(), "{result}");
    }
}

#[test]
fn an_unfiltered_list_passes_whatever_it_holds() {
    let door = Door::answering(published(""), Era::Legacy, Method::ToolsList, "1");
    for result in [r#"{"tools":[1,{"Name":"x"}, {"name" : "a"} ]}"#, r#"{"x":1}"#, r#"{"tools":null}"#] {
        let message = |id: &str| format!(r#" {{"result":{result},"id":{id},"jsonrpc":"2.0"}}"#);
        let passed = door.passed(message(&format!("\"{}\"", own("1")))).expect("passed");
        assert_eq!(passed, message("1").as_bytes());
    }
}

#[test]
fn a_cursor_opens_only_unchanged_and_for_its_own_list() {
    let door = Door::answering(published(""), Era::Modern, Method::ToolsList, "1");
    let holder = door.exchange.holder();
    let sealed = door.sealers.cursor("page-2", Method::ToolsList.name(), holder);
    let open = |list: Method| door.sealers.open_cursor(&sealed, list.name(), holder);
    assert_eq!(open(Method::ToolsList).as_deref(), Some("page-2"));
    for other in [Method::PromptsList, Method::ResourcesList, Method::ResourceTemplatesList] {
        assert_eq!(open(other), None, "{other:?}");
    }
    for at in 0..sealed.len() {
        for other in ["A", "B", "-", "=", " ", ""] {
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, other);
            if changed != sealed {
                let opened = door.sealers.open_cursor(&changed, "tools/list", holder);
                assert_eq!(opened, None, "byte {at} as {other}");
            }
        }
    }
}
