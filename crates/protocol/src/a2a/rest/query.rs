//! Parameters in the query: which ones an operation has, and of which type. Those it does not have are ignored.

use std::borrow::Cow;

use super::{Operation, RestError, Version, percent};
use crate::a2a::{TaskState, names::snake};
use crate::json::{Value, write_str};

/// The type of a parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    /// 32 bits, with a sign.
    Integer,
    Bool,
    /// One of [`TaskState`].
    State,
}

/// A parameter's value, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed<'a> {
    Text(Cow<'a, str>),
    Integer(i32),
    Bool(bool),
    State(TaskState),
}

/// What a query says.
pub(super) struct Query<'a> {
    /// `A2A-Version`.
    pub(super) version: Option<Cow<'a, str>>,
    /// The operation's own parameters, by the names they have in the parameters of the request.
    pub(super) known: Vec<(&'static str, Typed<'a>)>,
}

/// The parameters of an operation that travel in the query.
pub(super) const fn parameters(version: Version, operation: Operation) -> &'static [(&'static str, Type)] {
    use Operation as O;
    use Type as T;
    match (version, operation) {
        (Version::V1_0, O::GetTask) => &[("tenant", T::Text), ("historyLength", T::Integer)],
        (Version::V0_3, O::GetTask) => &[("historyLength", T::Integer)],
        (_, O::ListTasks) => &[
            ("tenant", T::Text),
            ("contextId", T::Text),
            ("status", T::State),
            ("pageSize", T::Integer),
            ("pageToken", T::Text),
            ("historyLength", T::Integer),
            ("statusTimestampAfter", T::Text),
            ("includeArtifacts", T::Bool),
        ],
        (Version::V1_0, O::ListPushConfigs) => {
            &[("tenant", T::Text), ("pageSize", T::Integer), ("pageToken", T::Text)]
        }
        (Version::V0_3, O::ListPushConfigs) => &[("pageSize", T::Integer), ("pageToken", T::Text)],
        (Version::V0_3, O::CreatePushConfig) => &[("configId", T::Text)],
        (
            Version::V1_0,
            O::GetPushConfig | O::DeletePushConfig | O::GetExtendedAgentCard | O::SubscribeToTask,
        ) => &[("tenant", T::Text)],
        _ => &[],
    }
}

/// Reads a query. A parameter without a value is as good as none.
pub(super) fn read(query: &str, version: Version, operation: Operation) -> Result<Query<'_>, RestError> {
    let mut read = Query { version: None, known: Vec::new() };
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(name) = percent::decode_form(name).filter(|_| !value.is_empty()) else { continue };
        if name.eq_ignore_ascii_case("a2a-version") {
            let value = percent::decode_form(value).filter(|_| read.version.is_none());
            read.version = Some(value.ok_or(RestError::Query("A2A-Version"))?);
            continue;
        }
        let known =
            parameters(version, operation).iter().find(|(known, _)| *known == name || snake(known) == name);
        let Some((known, kind)) = known else { continue };
        let typed = percent::decode_form(value).and_then(|value| Typed::read(*kind, value));
        let typed = typed.filter(|_| read.known.iter().all(|(name, _)| name != known));
        read.known.push((known, typed.ok_or(RestError::Query(known))?));
    }
    Ok(read)
}

impl<'a> Typed<'a> {
    fn read(kind: Type, text: Cow<'a, str>) -> Option<Self> {
        match kind {
            Type::Text => Some(Self::Text(text)),
            Type::Integer => text.parse().ok().map(Self::Integer),
            Type::Bool if text.eq_ignore_ascii_case("true") => Some(Self::Bool(true)),
            Type::Bool if text.eq_ignore_ascii_case("false") => Some(Self::Bool(false)),
            Type::Bool => None,
            Type::State => state(&text).map(Self::State),
        }
    }

    /// As JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_str(out, text),
            Self::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::State(state) => write_str(out, state.name()),
        }
    }
}

/// A state by its name of 1.0, or by the number that `ProtoJSON` takes for it.
fn state(text: &str) -> Option<TaskState> {
    let by_number = || TaskState::ALL.get(text.parse::<usize>().ok()?).copied();
    TaskState::parse(text).or_else(by_number)
}

/// A parameter as a query carries it. `None` when its value is not of the type.
pub(super) fn text(kind: Type, value: Value<'_>) -> Option<Cow<'_, str>> {
    match kind {
        Type::Text | Type::State => value.as_str(),
        Type::Integer => i32::try_from(value.as_i64()?).ok().map(|number| Cow::Owned(number.to_string())),
        Type::Bool => value.as_bool().map(|yes| Cow::Borrowed(if yes { "true" } else { "false" })),
    }
}
