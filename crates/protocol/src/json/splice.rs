//! Edits against one document, collected first and applied in one pass. What no edit touches leaves as it
//! came, byte for byte; commas are kept right whatever goes.
//!
//! It does not check what it is given: the raw values put in must be JSON.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    Array, Document, Member, Object, Value,
    scan::{Elements, Members},
    write_str,
};

/// Edits against one [`Document`]. They take effect in the order in which they are made, as if each saw the
/// result of those before it; an edit inside a value that is replaced or removed is dropped with it.
///
/// # Panics
/// Every method that takes a value, object or array panics if that is not part of the document: applied to
/// another text, an edit would corrupt it.
#[derive(Debug)]
pub struct Splice<'d> {
    document: &'d Document,
    /// Values to be replaced, by their start: where they end, and what comes instead.
    replaced: BTreeMap<usize, (usize, Vec<u8>)>,
    /// Objects and arrays that lose or gain items, by their start.
    containers: BTreeMap<usize, Changes<'d>>,
}

/// What happens to the items of one container.
#[derive(Debug)]
struct Changes<'d> {
    container: Value<'d>,
    /// Where the removed items (members with their names) start.
    removed: BTreeSet<usize>,
    /// Members to come after the last one that stays: name and raw value.
    appended: Vec<(String, Vec<u8>)>,
}

/// One piece of text in the place of another, which may be empty.
struct Cut {
    start: usize,
    end: usize,
    text: Vec<u8>,
}

impl<'d> Splice<'d> {
    /// No edits yet.
    pub fn new(document: &'d Document) -> Self {
        Self { document, replaced: BTreeMap::new(), containers: BTreeMap::new() }
    }

    /// Puts `with`, which must be one JSON value, in the place of `value`. The last replacement counts.
    pub fn replace(&mut self, value: Value<'d>, with: impl Into<Vec<u8>>) {
        value.assert_in(self.document);
        self.replaced.insert(value.span().start, (value.span().end, with.into()));
    }

    /// Removes the member `name`, and says whether there was one.
    pub fn remove_member(&mut self, object: Object<'d>, name: &str) -> bool {
        let appended = self.unappend(object, name);
        self.retain_members(object, |member| member.name != name) > 0 || appended
    }

    /// Removes the members that `keep` refuses, and says how many. Members that an earlier edit removed or
    /// [`Self::set_member`] appended are not asked about.
    pub fn retain_members(&mut self, object: Object<'d>, mut keep: impl FnMut(&Member<'d>) -> bool) -> usize {
        let before = self.removed(object.value());
        let gone = object
            .members()
            .filter(|member| !before.contains(&member.span.start) && !keep(member))
            .map(|member| member.span.start)
            .collect();
        self.remove(object.value(), gone)
    }

    /// Removes the elements that `keep` refuses, and says how many. Elements that an earlier edit removed are
    /// not asked about.
    pub fn retain_elements(&mut self, array: Array<'d>, mut keep: impl FnMut(Value<'d>) -> bool) -> usize {
        let before = self.removed(array.value());
        let gone = array
            .iter()
            .filter(|value| !before.contains(&value.span().start) && !keep(*value))
            .map(|value| value.span().start)
            .collect();
        self.remove(array.value(), gone)
    }

    /// Gives the member `name` the value `raw`, which must be one JSON value. Without such a member, or when an
    /// earlier edit removed it, it becomes the last one.
    pub fn set_member(&mut self, object: Object<'d>, name: &str, raw: &[u8]) {
        let before = self.removed(object.value());
        let member = object.members().find(|member| member.name == name);
        if let Some(member) = member.filter(|member| !before.contains(&member.span.start)) {
            return self.replace(member.value, raw);
        }
        let appended = &mut self.changes(object.value()).appended;
        match appended.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = raw.to_vec(),
            None => appended.push((name.to_owned(), raw.to_vec())),
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.replaced.is_empty() && self.containers.values().all(Changes::is_empty)
    }

    /// The edited text; the very bytes of the document when there is nothing to do.
    pub fn finish(self) -> Bytes {
        if self.is_empty() {
            return self.document.bytes().clone();
        }
        let mut cuts: Vec<Cut> = self.containers.into_values().flat_map(Changes::into_cuts).collect();
        cuts.extend(self.replaced.into_iter().map(|(start, (end, text))| Cut { start, end, text }));
        // The outer one of two that begin together comes first and swallows the other.
        cuts.sort_by_key(|cut| (cut.start, std::cmp::Reverse(cut.end)));
        apply(self.document.bytes(), &cuts)
    }

    /// The changes noted for a container.
    fn changes(&mut self, container: Value<'d>) -> &mut Changes<'d> {
        container.assert_in(self.document);
        let empty = || Changes { container, removed: BTreeSet::new(), appended: Vec::new() };
        self.containers.entry(container.span().start).or_insert_with(empty)
    }

    /// What is already removed from a container.
    fn removed(&self, container: Value<'d>) -> BTreeSet<usize> {
        self.containers
            .get(&container.span().start)
            .map(|changes| changes.removed.clone())
            .unwrap_or_default()
    }

    /// Notes further removals. Returns how many there are.
    fn remove(&mut self, container: Value<'d>, mut gone: BTreeSet<usize>) -> usize {
        let count = gone.len();
        self.changes(container).removed.append(&mut gone);
        count
    }

    /// Takes back an appended member, and says whether there was one.
    fn unappend(&mut self, object: Object<'d>, name: &str) -> bool {
        let appended = &mut self.changes(object.value()).appended;
        let before = appended.len();
        appended.retain(|(known, _)| known != name);
        appended.len() < before
    }
}

impl Changes<'_> {
    fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.appended.is_empty()
    }

    /// The pieces of text to change. A removed item takes the comma before it along, or, where nothing before
    /// it stays, the comma after it.
    fn into_cuts(self) -> Vec<Cut> {
        if self.is_empty() {
            return Vec::new();
        }
        let span = self.container.span();
        let mut cuts: Vec<Cut> = Vec::new();
        // The end of the last item that stays, and the end of the items removed since.
        let (mut kept, mut gone) = (None, None);
        let mut first = span.start + 1;
        for (number, (start, end)) in items(self.container).into_iter().enumerate() {
            if number == 0 {
                first = start;
            }
            if self.removed.contains(&start) {
                gone = Some(end);
                continue;
            }
            if let Some(gone) = gone.take() {
                // Up to the next item when nothing before it stays, else from the end of what stays.
                let (start, end) = kept.map_or((first, start), |kept| (kept, gone));
                cuts.push(Cut { start, end, text: Vec::new() });
            }
            kept = Some(end);
        }
        let start = kept.unwrap_or(first);
        let end = gone.unwrap_or(start);
        let text = self.appended_text(kept.is_some());
        if start < end || !text.is_empty() {
            cuts.push(Cut { start, end, text });
        }
        cuts
    }

    /// The appended members as text, with the comma that separates them from what stays.
    fn appended_text(&self, after_kept: bool) -> Vec<u8> {
        let mut text = Vec::new();
        for (name, raw) in &self.appended {
            if after_kept || !text.is_empty() {
                text.push(b',');
            }
            write_str(&mut text, name);
            text.push(b':');
            text.extend_from_slice(raw);
        }
        text
    }
}

/// Start and end of every member or element.
fn items(container: Value<'_>) -> Vec<(usize, usize)> {
    let span = container.span();
    if container.as_object().is_some() {
        return Members::new(container.text(), &span).map(|(name, value)| (name.start, value.end)).collect();
    }
    Elements::new(container.text(), &span).map(|value| (value.start, value.end)).collect()
}

/// Writes the text with its cuts, which are sorted. A cut that begins inside an earlier one is dropped.
fn apply(text: &[u8], cuts: &[Cut]) -> Bytes {
    let added: usize = cuts.iter().map(|cut| cut.text.len()).sum();
    let mut out = Vec::with_capacity(text.len() + added);
    let mut at = 0;
    for cut in cuts {
        if cut.start < at {
            continue;
        }
        out.extend_from_slice(&text[at..cut.start]);
        out.extend_from_slice(&cut.text);
        at = cut.end;
    }
    out.extend_from_slice(&text[at..]);
    out.into()
}
