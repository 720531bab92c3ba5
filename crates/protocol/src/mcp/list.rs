//! Filtering one page of a list: removed entries go, every other byte stays.

use doorward_model::Kind;

use super::Method;
use crate::json::{Object, Splice, Value, differs_only_in_case};

/// Which member of a list result holds the entries, and which member of an entry names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListShape {
    /// `tools`, `prompts`, `resources` or `resourceTemplates`.
    pub entries: &'static str,
    /// `name`, `uri` or `uriTemplate`.
    pub key: &'static str,
    /// The kind of capability.
    pub kind: Kind,
}

/// An upstream's list is not what its revision says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list result has no `{0}` array, or a second one in another case")]
pub struct ListError(&'static str);

impl ListShape {
    /// The shape of a list method's result.
    pub fn of(method: Method) -> Option<Self> {
        let (entries, key, kind) = match method {
            Method::ToolsList => ("tools", "name", Kind::Tool),
            Method::PromptsList => ("prompts", "name", Kind::Prompt),
            Method::ResourcesList => ("resources", "uri", Kind::Resource),
            Method::ResourceTemplatesList => ("resourceTemplates", "uriTemplate", Kind::ResourceTemplate),
            _ => return None,
        };
        Some(Self { entries, key, kind })
    }

    /// The methods that answer with lists.
    pub const METHODS: [Method; 4] =
        [Method::ToolsList, Method::PromptsList, Method::ResourcesList, Method::ResourceTemplatesList];

    /// The list methods whose results this could be, told by its entries alone: for answers that arrive on a
    /// resumed stream, where the request is not at hand.
    pub fn candidates(result: Object<'_>) -> impl Iterator<Item = Method> {
        Self::METHODS.into_iter().filter(move |method| {
            Self::of(*method).is_some_and(|shape| {
                result.get(shape.entries).is_some() || result.has_case_variant(shape.entries)
            })
        })
    }

    /// Removes the entries that `shows` does not want, and any whose name cannot be told for certain.
    ///
    /// Returns how many went. A result without the array is an error: it cannot be shown to be filtered.
    pub fn retain<'d>(
        self,
        result: Object<'d>,
        splice: &mut Splice<'d>,
        shows: impl Fn(&str) -> bool,
    ) -> Result<usize, ListError> {
        if result.has_case_variant(self.entries) {
            return Err(ListError(self.entries));
        }
        let entries = result.get(self.entries).and_then(Value::as_array).ok_or(ListError(self.entries))?;
        Ok(splice.retain_elements(entries, |entry| self.name(entry).is_some_and(|name| shows(&name))))
    }

    /// The name of an entry; none when a reader that ignores case could see another one.
    fn name(self, entry: Value<'_>) -> Option<std::borrow::Cow<'_, str>> {
        let mut name = None;
        for member in entry.as_object()?.members() {
            if member.name == self.key {
                name = Some(member.value);
            } else if differs_only_in_case(&member.name, self.key) {
                return None;
            }
        }
        name?.as_str()
    }
}
