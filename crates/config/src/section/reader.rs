//! The typed reading of keys. A mistake of type is recorded and reads as absent.

use std::time::Duration;

use doorward_model::Name;

use super::{Kind, Spec};
use crate::{
    context::{Context, shown},
    mistake::Complaint,
    quantity,
    suggest::did_you_mean,
    tree::{At, Node, Place, Table, Value},
};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) at: At,
}

/// One table of the file while it is read.
pub(crate) struct Section<'a> {
    pub(crate) context: &'a Context<'a>,
    /// Where the table starts.
    pub(crate) at: At,
    spec: &'static Spec,
    table: Option<&'a Table>,
}

impl<'a> Section<'a> {
    /// The root of the file; the names of sections are no unknown keys there.
    pub(crate) fn root(spec: &'static Spec, root: &'a Table, context: &'a Context<'a>) -> Self {
        let at = At { place: Place::Text(0), key: String::new() };
        Self { context, at, spec, table: Some(root) }
    }

    /// The section of that name, empty when the file has none.
    pub(crate) fn single(spec: &'static Spec, root: &'a Table, context: &'a Context<'a>) -> Self {
        if let Some(entry) = root.get(spec.name) {
            return Self::open(spec, spec.name.to_owned(), &entry.node, context);
        }
        let at = At { place: Place::Text(0), key: spec.name.to_owned() };
        Self { context, at, spec, table: None }
    }

    /// All sections of a `[[name]]`.
    pub(crate) fn list(spec: &'static Spec, root: &'a Table, context: &'a Context<'a>) -> Vec<Self> {
        let Some(entry) = root.get(spec.name) else { return Vec::new() };
        let Value::List(items) = &entry.node.value else {
            let at = At { place: entry.key_place.clone(), key: spec.name.to_owned() };
            context.mistake(&at, format!("expected a list of tables: write [[{}]]", spec.name));
            return Vec::new();
        };
        let open = |(index, item)| Self::open(spec, format!("{}[{index}]", spec.name), item, context);
        items.iter().enumerate().map(open).collect()
    }

    fn open(spec: &'static Spec, key: String, node: &'a Node, context: &'a Context<'a>) -> Self {
        let at = At { place: node.place.clone(), key };
        let table = if let Value::Table(table) = &node.value {
            Some(table)
        } else {
            context.mistake(&at, format!("expected a table, found {}", node.type_words()));
            None
        };
        let section = Self { context, at, spec, table };
        section.refuse_unknown(&[]);
        section
    }

    /// Reports keys that the section does not have.
    pub(crate) fn refuse_unknown(&self, also_known: &[&'static str]) {
        for (name, entry) in self.table.into_iter().flatten() {
            if self.spec.key(name).is_some() || also_known.contains(&name.as_str()) {
                continue;
            }
            let at = At { place: entry.key_place.clone(), key: self.dotted(&shown(name)) };
            let known = || self.spec.names().chain(also_known.iter().copied());
            let list = format!("known here: {}", known().collect::<Vec<_>>().join(", "));
            let hint = did_you_mean(name, known()).unwrap_or(list);
            self.context.mistake(&at, Complaint::new("unknown key").hint(hint));
        }
    }

    /// Where the key stands, or where it would have to stand.
    pub(crate) fn at(&self, name: &str) -> At {
        let place =
            self.table.and_then(|table| table.get(name)).map_or(&self.at.place, |entry| &entry.key_place);
        At { place: place.clone(), key: self.dotted(name) }
    }

    /// Whether the table may have that key.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.spec.key(name).is_some()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(name))
    }

    /// Whether there is nothing to read, because what stands here is no table.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_none()
    }

    /// The keys as they are written, for a table whose keys the operator names: a [`Spec`] without keys.
    pub(crate) fn written_keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.table.into_iter().flat_map(Table::keys).map(String::as_str)
    }

    pub(crate) fn is_table(&self, name: &str) -> bool {
        self.get(name).is_some_and(|found| matches!(found.value.value, Value::Table(_)))
    }

    /// Whether a list is empty as it is written, or not there.
    pub(crate) fn lists_nothing(&self, name: &str) -> bool {
        self.get(name)
            .is_none_or(|found| matches!(&found.value.value, Value::List(items) if items.is_empty()))
    }

    /// The text under a key, without complaint when it is something else.
    pub(crate) fn peek_text(&self, name: &str) -> Option<&'a str> {
        match &self.get(name)?.value.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The name as it is written, good or not.
    pub(crate) fn written_name(&self) -> Option<String> {
        self.peek_text("name").map(str::to_owned)
    }

    pub(crate) fn mistake(&self, name: &str, complaint: impl Into<Complaint>) {
        self.context.mistake(&self.at(name), complaint);
    }

    pub(crate) fn warn(&self, name: &str, complaint: impl Into<Complaint>) {
        self.context.warn(&self.at(name), complaint);
    }

    /// The name of the declared thing: [`Name`]'s grammar.
    pub(crate) fn name(&self) -> Option<Found<Name>> {
        let text = self.required_text("name")?;
        let lower = text.value.trim().to_lowercase().replace([' ', '/'], "-");
        let result = Name::parse(text.value).map_err(|error| {
            let better = Name::parse(&lower).ok();
            Complaint::new(error.to_string()).hint_if(better.map(|name| format!("such as \"{name}\"")))
        });
        self.context.accept(&text.at, result).map(|value| Found { value, at: text.at })
    }

    pub(crate) fn text(&self, name: &str) -> Option<Found<&'a str>> {
        let found = self.get(name)?;
        match &found.value.value {
            Value::Text(text) => Some(Found { value: text, at: found.at }),
            _ => self.wrong_type(&found, "text"),
        }
    }

    /// The text, or a mistake that it is missing.
    pub(crate) fn required_text(&self, name: &str) -> Option<Found<&'a str>> {
        self.require(name);
        self.text(name)
    }

    /// Reports the key when it is missing.
    pub(crate) fn require(&self, name: &str) {
        // Of something that is no table, nothing is missing.
        if self.table.is_some() && !self.has(name) {
            self.mistake(name, "is missing");
        }
    }

    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        let found = self.get(name)?;
        match &found.value.value {
            Value::Boolean(boolean) => Some(*boolean),
            _ => self.wrong_type(&found, "true or false"),
        }
    }

    /// A count or a size, within the bounds of its key.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        let found = self.get(name)?;
        let (least, most, is_size) = match self.spec.key(name)?.kind {
            Kind::Count(least, most) => (least, most, false),
            Kind::Size(least, most) => (least, most, true),
            _ => return None,
        };
        let number = match &found.value.value {
            Value::Integer(integer) => u64::try_from(*integer).unwrap_or(u64::MAX),
            Value::Text(text) if is_size => self.context.accept(&found.at, quantity::size(text))?,
            _ if is_size => return self.wrong_type(&found, "an integer or a text such as \"4MiB\""),
            _ => return self.wrong_type(&found, "an integer"),
        };
        let show = |number| if is_size { quantity::show_size(number) } else { number.to_string() };
        self.bounded(&found.at, number, least..=most, show).and_then(|number| usize::try_from(number).ok())
    }

    /// A duration within the bounds of its key.
    pub(crate) fn duration(&self, name: &str) -> Option<Duration> {
        let found = self.get(name)?;
        let Kind::Time(least, most) = self.spec.key(name)?.kind else { return None };
        let Value::Text(text) = &found.value.value else {
            return self.wrong_type(&found, "a text such as \"30s\"");
        };
        let duration = self.context.accept(&found.at, quantity::duration(text))?;
        self.bounded(&found.at, duration, least..=most, quantity::show_duration)
    }

    fn bounded<T: PartialOrd + Copy>(
        &self,
        at: &At,
        value: T,
        bounds: std::ops::RangeInclusive<T>,
        show: impl Fn(T) -> String,
    ) -> Option<T> {
        if bounds.contains(&value) {
            return Some(value);
        }
        let (least, most) = (show(*bounds.start()), show(*bounds.end()));
        self.context.mistake(at, format!("must be between {least} and {most}"));
        None
    }

    /// A list of texts, each with its place. Items of another type are reported and left out.
    pub(crate) fn texts(&self, name: &str) -> Option<Vec<Found<&'a str>>> {
        let found = self.get(name)?;
        match &found.value.value {
            Value::List(items) => Some(self.items(name, items)),
            _ => self.wrong_type(&found, "a list of texts"),
        }
    }

    /// A text or a list of texts, as a list.
    pub(crate) fn text_or_texts(&self, name: &str) -> Option<Vec<Found<&'a str>>> {
        let found = self.get(name)?;
        match &found.value.value {
            Value::List(items) => Some(self.items(name, items)),
            Value::Text(text) => Some(vec![Found { value: text, at: found.at }]),
            _ => self.wrong_type(&found, "text or a list of texts"),
        }
    }

    fn items(&self, name: &str, items: &'a [Node]) -> Vec<Found<&'a str>> {
        let text = |(index, item): (usize, &'a Node)| {
            let at = At { place: item.place.clone(), key: self.dotted(&format!("{name}[{index}]")) };
            match &item.value {
                Value::Text(text) => Some(Found { value: text.as_str(), at }),
                _ => self.wrong_type(&Found { value: item, at }, "text"),
            }
        };
        items.iter().enumerate().filter_map(text).collect()
    }

    /// A list of texts, each read by `read`.
    pub(crate) fn texts_as<T>(&self, name: &str, read: fn(&str) -> Result<T, Complaint>) -> Vec<Found<T>> {
        let texts = self.texts(name).unwrap_or_default();
        let read = |text: Found<&str>| {
            self.context.accept(&text.at, read(text.value)).map(|value| Found { value, at: text.at })
        };
        texts.into_iter().filter_map(read).collect()
    }

    /// The table under a key, whatever its keys: for tables whose keys depend on one of them.
    pub(crate) fn table(&self, name: &str, spec: &'static Spec) -> Option<Section<'a>> {
        let found = self.get(name)?;
        match &found.value.value {
            Value::Table(table) => Some(self.inner(found.at, spec, table)),
            _ => self.wrong_type(&found, "a table"),
        }
    }

    /// A table inside this one.
    pub(super) fn inner(&self, at: At, spec: &'static Spec, table: &'a Table) -> Self {
        Self { context: self.context, at, spec, table: Some(table) }
    }

    pub(super) fn get(&self, name: &str) -> Option<Found<&'a Node>> {
        debug_assert!(
            self.spec.key(name).is_some() || self.spec.keys.is_empty(),
            "`{name}` is read but not declared in `{}`",
            self.spec.name
        );
        let entry = self.table?.get(name)?;
        // A variable or an option is its own place; in the file the value is nearer than the key.
        Some(Found { value: &entry.node, at: At { place: entry.node.place.clone(), key: self.dotted(name) } })
    }

    pub(super) fn wrong_type<T>(&self, found: &Found<&Node>, expected: &str) -> Option<T> {
        self.context.mistake(&found.at, format!("expected {expected}, found {}", found.value.type_words()));
        None
    }

    pub(super) fn dotted(&self, name: &str) -> String {
        if self.at.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at.key) }
    }
}
