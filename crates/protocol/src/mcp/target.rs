//! What a request is about: the tool, prompt, resource or task that its parameters name.

use std::borrow::Cow;

use doorward_model::Kind;

use super::Method;
use crate::json::{Object, Value};

/// What a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<'a> {
    /// Nothing in particular.
    Nothing,
    /// A tool or prompt.
    Named(Kind, Cow<'a, str>),
    /// A resource.
    Uri(Cow<'a, str>),
    /// A resource template, or a resource (completion references).
    TemplateOrUri(Cow<'a, str>),
    /// A task of the tasks extension: the handle that Doorward gave out.
    Task(Cow<'a, str>),
}

/// The parameters do not name what the method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A member is missing or not a string.
    #[error("`params.{0}` must be a string")]
    Missing(&'static str),
    /// The completion reference has no known type.
    #[error("`params.ref.type` must be `ref/prompt` or `ref/resource`")]
    Reference,
    /// A member differs only in case from one that decides.
    #[error("a member of `params` differs only in case from a member of the protocol")]
    CaseVariant,
}

/// Members of `params` that Doorward decides on.
const DECIDING: [&str; 13] = [
    "name",
    "uri",
    "cursor",
    "taskId",
    "taskIds",
    "ref",
    "notifications",
    "requestState",
    "inputResponses",
    "requestId",
    "protocolVersion",
    "capabilities",
    "_meta",
];

impl<'a> Target<'a> {
    /// Reads what a request of `method` names.
    pub fn read(method: Method, params: Option<Object<'a>>) -> Result<Self, TargetError> {
        if params.is_some_and(|params| has_case_variant(params, &DECIDING)) {
            return Err(TargetError::CaseVariant);
        }
        let text = |name: &'static str| string(params, name).ok_or(TargetError::Missing(name));
        Ok(match method {
            Method::ToolsCall => Self::Named(Kind::Tool, text("name")?),
            Method::PromptsGet => Self::Named(Kind::Prompt, text("name")?),
            Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
                Self::Uri(text("uri")?)
            }
            Method::TasksGet | Method::TasksUpdate | Method::TasksCancel => Self::Task(text("taskId")?),
            Method::CompletionComplete => Self::reference(params)?,
            _ => Self::Nothing,
        })
    }

    fn reference(params: Option<Object<'a>>) -> Result<Self, TargetError> {
        let reference = params.and_then(|params| params.get("ref")).and_then(Value::as_object);
        let reference = reference.ok_or(TargetError::Reference)?;
        if has_case_variant(reference, &["type", "name", "uri"]) {
            return Err(TargetError::CaseVariant);
        }
        match string(Some(reference), "type").as_deref() {
            Some("ref/prompt") => {
                let name = string(Some(reference), "name").ok_or(TargetError::Missing("ref.name"))?;
                Ok(Self::Named(Kind::Prompt, name))
            }
            Some("ref/resource") => {
                string(Some(reference), "uri").map(Self::TemplateOrUri).ok_or(TargetError::Missing("ref.uri"))
            }
            _ => Err(TargetError::Reference),
        }
    }

    /// The same, independent of the message.
    pub fn into_owned(self) -> Target<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Nothing => Target::Nothing,
            Self::Named(kind, text) => Target::Named(kind, own(text)),
            Self::Uri(text) => Target::Uri(own(text)),
            Self::TemplateOrUri(text) => Target::TemplateOrUri(own(text)),
            Self::Task(text) => Target::Task(own(text)),
        }
    }

    /// The name, URI or handle.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::Named(_, text) | Self::Uri(text) | Self::TemplateOrUri(text) | Self::Task(text) => {
                Some(text)
            }
        }
    }
}

fn string<'a>(object: Option<Object<'a>>, name: &str) -> Option<Cow<'a, str>> {
    object?.get(name)?.as_str()
}

/// Whether a member differs only in case from one of `names`: another reader could take it for that one.
fn has_case_variant(object: Object<'_>, names: &[&str]) -> bool {
    object
        .members()
        .any(|member| names.iter().any(|name| crate::json::differs_only_in_case(&member.name, name)))
}
