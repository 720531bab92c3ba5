//! From a method and a path to an operation. Segments are split as they are written and decoded once afterwards, so that
//! an escaped slash or colon never makes a segment or a verb.

use std::borrow::Cow;

use super::{Operation, RestError, RestRequest, VERBS, Version, percent, query};
use crate::a2a::names::is_id;

/// What a path names, before the method is looked at. The texts are as written.
#[derive(Clone, Copy)]
enum Resource<'a> {
    /// `message:send`, `message:stream`
    Messages(Operation),
    /// `tasks`
    Tasks,
    /// `tasks/{id}`
    Task(&'a str),
    /// `tasks/{id}:cancel`, `tasks/{id}:subscribe`
    Verb(&'a str, Operation),
    /// `tasks/{id}/pushNotificationConfigs`
    Configs(&'a str),
    /// `tasks/{id}/pushNotificationConfigs/{id}`
    Config(&'a str, &'a str),
    /// `extendedAgentCard`; in 0.3 `card`
    Card,
}

/// Reads what a method and a path with its query stand for. The path begins with `/` and lies below the interface.
///
/// # Errors
/// When there is nothing at the path, when it does not take the method, when a segment is no id or when a parameter in
/// the query is not of its type. Parameters that the operation does not have are ignored.
pub fn parse<'a>(method: &str, path_and_query: &'a str) -> Result<RestRequest<'a>, RestError> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let segments: Vec<&str> = path.strip_prefix('/').ok_or(RestError::NotFound)?.split('/').collect();
    let (version, tenant, resource) = locate(&segments).ok_or(RestError::NotFound)?;
    let operation = resource.operation(method)?;
    let (task, config) = resource.ids();
    let id = |text: Option<&'a str>, field| text.map(|text| decode_id(text, field)).transpose();
    let query = query::read(query, version, operation)?;
    Ok(RestRequest {
        operation,
        version,
        tenant: id(tenant, "tenant")?,
        task: id(task, "task id")?,
        config: id(config, "push notification config id")?,
        version_in_query: query.version,
        query: query.known,
    })
}

/// The version, tenant and resource of a path. Paths without a tenant come first: `tasks` names none.
fn locate<'a>(segments: &[&'a str]) -> Option<(Version, Option<&'a str>, Resource<'a>)> {
    let old = |segments: &[&'a str]| match segments.split_first() {
        Some((&"v1", rest)) => Resource::of(Version::V0_3, rest),
        _ => None,
    };
    let (first, rest) = segments.split_first()?;
    if *first == "v1" {
        return old(segments).map(|resource| (Version::V0_3, None, resource));
    }
    if let Some(resource) = Resource::of(Version::V1_0, segments) {
        return Some((Version::V1_0, None, resource));
    }
    if let Some(resource) = old(rest) {
        return Some((Version::V0_3, Some(first), resource));
    }
    Resource::of(Version::V1_0, rest).map(|resource| (Version::V1_0, Some(*first), resource))
}

fn decode_id<'a>(text: &'a str, field: &'static str) -> Result<Cow<'a, str>, RestError> {
    percent::decode(text).filter(|id| is_id(id)).ok_or(RestError::Id(field))
}

impl<'a> Resource<'a> {
    fn of(version: Version, segments: &[&'a str]) -> Option<Self> {
        Some(match *segments {
            ["message:send"] => Self::Messages(Operation::SendMessage),
            ["message:stream"] => Self::Messages(Operation::SendStreamingMessage),
            ["extendedAgentCard"] if version == Version::V1_0 => Self::Card,
            ["card"] if version == Version::V0_3 => Self::Card,
            // 0.3 cannot be relied upon to list tasks.
            ["tasks"] if version == Version::V1_0 => Self::Tasks,
            ["tasks", task] => Self::task(task),
            ["tasks", task, "pushNotificationConfigs"] => Self::Configs(task),
            // So it stands in the proto of 0.3, where nobody else writes it without the s.
            ["task", task, "pushNotificationConfigs"] if version == Version::V0_3 => Self::Configs(task),
            ["tasks", task, "pushNotificationConfigs", config] => Self::Config(task, config),
            _ => return None,
        })
    }

    /// Only what stands behind the last colon is a verb, and only if there is such a one: ids may have colons.
    fn task(segment: &'a str) -> Self {
        let verb = segment.rsplit_once(':').and_then(|(task, verb)| {
            VERBS.iter().find(|(name, _)| *name == verb).map(|(_, operation)| (task, *operation))
        });
        verb.map_or(Self::Task(segment), |(task, operation)| Self::Verb(task, operation))
    }

    fn operation(self, method: &str) -> Result<Operation, RestError> {
        let [get, post, delete] = self.methods();
        let allow = match (get, post, delete) {
            (None, _, _) => "POST",
            (_, Some(_), _) => "GET, POST",
            (_, _, Some(_)) => "GET, DELETE",
            _ => "GET",
        };
        let operation = match method {
            "GET" => get,
            "POST" => post,
            "DELETE" => delete,
            _ => None,
        };
        operation.ok_or(RestError::MethodNotAllowed(allow))
    }

    /// What it is to get, to post to, and to delete it.
    const fn methods(self) -> [Option<Operation>; 3] {
        use Operation as O;
        match self {
            Self::Messages(operation) => [None, Some(operation), None],
            Self::Tasks => [Some(O::ListTasks), None, None],
            Self::Task(_) => [Some(O::GetTask), None, None],
            Self::Verb(_, O::CancelTask) => [None, Some(O::CancelTask), None],
            // The proto gets it, section 11.3.2 posts to it.
            Self::Verb(_, operation) => [Some(operation), Some(operation), None],
            Self::Configs(_) => [Some(O::ListPushConfigs), Some(O::CreatePushConfig), None],
            Self::Config(..) => [Some(O::GetPushConfig), None, Some(O::DeletePushConfig)],
            Self::Card => [Some(O::GetExtendedAgentCard), None, None],
        }
    }

    const fn ids(self) -> (Option<&'a str>, Option<&'a str>) {
        match self {
            Self::Messages(_) | Self::Tasks | Self::Card => (None, None),
            Self::Task(task) | Self::Verb(task, _) | Self::Configs(task) => (Some(task), None),
            Self::Config(task, config) => (Some(task), Some(config)),
        }
    }
}
