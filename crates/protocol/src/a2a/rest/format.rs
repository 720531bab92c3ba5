//! From the parameters of an operation to the request that carries them.

use super::{Operation, RestError, VERBS, Version, percent, query};
use crate::a2a::names::{self, is_id};
use crate::json::{Document, Object, Splice, Value};

/// A request to an agent, without its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestOutbound {
    /// The method. [`Operation::SubscribeToTask`] of 1.0 is posted; peers that answer 404 or 405 want it got.
    pub method: &'static str,
    /// What comes behind the URL of the interface, from its slash on.
    pub path_and_query: String,
    /// The body, which is JSON.
    pub body: Option<Vec<u8>>,
}

/// The request for an operation: `params` are in the dialect of `version`, spelt as that one spells them.
///
/// `tenant` is that of the interface; a tenant in the parameters of 1.0 is left out. What the path says is not said again
/// in the query; a body keeps `taskId`, which some servers want there.
///
/// # Errors
/// When an id is missing, or is one that cannot be carried by a path without meaning something else there.
pub fn format(
    version: Version,
    operation: Operation,
    tenant: Option<&str>,
    params: &Document,
) -> Result<RestOutbound, RestError> {
    let object = params.root().as_object().ok_or(RestError::Missing("params"))?;
    let mut path = path(version, operation, tenant, object)?;
    let body = body(version, operation, params, object);
    if body.is_none() {
        write_query(&mut path, version, operation, object)?;
    }
    Ok(RestOutbound { method: method(version, operation), path_and_query: path, body })
}

/// The request of 0.3 that creates a webhook, with the bare webhook as its body: so the `google.api.http` rule of its
/// proto has it, and some SDKs read nothing else. [`format()`] sends the whole request, which is what the others read.
///
/// # Errors
/// As [`format()`], and when there is no webhook in `params`.
pub fn format_bare_webhook(tenant: Option<&str>, params: &Document) -> Result<RestOutbound, RestError> {
    let (version, operation) = (Version::V0_3, Operation::CreatePushConfig);
    let object = params.root().as_object().ok_or(RestError::Missing("params"))?;
    let config = object.get("config").and_then(Value::as_object).ok_or(RestError::Missing("config"))?;
    let mut path = path(version, operation, tenant, object)?;
    write_query(&mut path, version, operation, object)?;
    let body = Some(config.value().raw().to_vec());
    Ok(RestOutbound { method: method(version, operation), path_and_query: path, body })
}

fn path(
    version: Version,
    operation: Operation,
    tenant: Option<&str>,
    params: Object<'_>,
) -> Result<String, RestError> {
    let mut path = String::new();
    if let Some(tenant) = tenant {
        segment(&mut path, tenant, "tenant")?;
    }
    if version == Version::V0_3 {
        path.push_str("/v1");
    }
    write_path(&mut path, version, operation, params)?;
    Ok(path)
}

const fn method(version: Version, operation: Operation) -> &'static str {
    use Operation as O;
    match (operation, version) {
        (O::DeletePushConfig, _) => "DELETE",
        // Servers of 0.3 follow their proto, which gets it.
        (O::SubscribeToTask, Version::V0_3) => "GET",
        (
            O::SendMessage
            | O::SendStreamingMessage
            | O::CancelTask
            | O::SubscribeToTask
            | O::CreatePushConfig,
            _,
        ) => "POST",
        _ => "GET",
    }
}

fn write_path(
    path: &mut String,
    version: Version,
    operation: Operation,
    params: Object<'_>,
) -> Result<(), RestError> {
    use Operation as O;
    match operation {
        O::SendMessage => path.push_str("/message:send"),
        O::SendStreamingMessage => path.push_str("/message:stream"),
        O::ListTasks if version == Version::V0_3 => return Err(RestError::Unknown),
        O::ListTasks => path.push_str("/tasks"),
        O::GetExtendedAgentCard if version == Version::V0_3 => path.push_str("/card"),
        O::GetExtendedAgentCard => path.push_str("/extendedAgentCard"),
        O::GetTask => write_task(path, version, "id", "name", params)?,
        O::CancelTask | O::SubscribeToTask => {
            write_task(path, version, "id", "name", params)?;
            for (verb, _) in VERBS.iter().filter(|(_, verb)| *verb == operation) {
                path.push(':');
                path.push_str(verb);
            }
        }
        O::CreatePushConfig | O::ListPushConfigs => {
            write_task(path, version, "taskId", "parent", params)?;
            path.push_str("/pushNotificationConfigs");
        }
        O::GetPushConfig | O::DeletePushConfig => write_config(path, version, params)?,
    }
    Ok(())
}

/// `/tasks/{id}`, from a member with the id, or in 0.3 one with the resource name.
fn write_task(
    path: &mut String,
    version: Version,
    id: &'static str,
    name: &'static str,
    params: Object<'_>,
) -> Result<(), RestError> {
    path.push_str("/tasks");
    if version == Version::V1_0 {
        return segment(path, &text(params, id)?, id);
    }
    let value = text(params, name)?;
    segment(path, names::parse_task(&value).ok_or(RestError::Id(name))?, name)
}

fn write_config(path: &mut String, version: Version, params: Object<'_>) -> Result<(), RestError> {
    path.push_str("/tasks");
    if version == Version::V1_0 {
        segment(path, &text(params, "taskId")?, "taskId")?;
        path.push_str("/pushNotificationConfigs");
        return segment(path, &text(params, "id")?, "id");
    }
    let name = text(params, "name")?;
    let (task, config) = names::parse_config(&name).ok_or(RestError::Id("name"))?;
    segment(path, task, "name")?;
    path.push_str("/pushNotificationConfigs");
    segment(path, config, "name")
}

fn text<'a>(params: Object<'a>, name: &'static str) -> Result<std::borrow::Cow<'a, str>, RestError> {
    params.get(name).and_then(Value::as_str).ok_or(RestError::Missing(name))
}

/// One segment. Servers that decode a path before they look at it would take an id that ends like a verb for that verb.
fn segment(path: &mut String, text: &str, field: &'static str) -> Result<(), RestError> {
    let verb = text.rsplit_once(':').is_some_and(|(_, verb)| VERBS.iter().any(|(name, _)| *name == verb));
    if !is_id(text) || verb {
        return Err(RestError::Id(field));
    }
    path.push('/');
    percent::encode_into(path, text);
    Ok(())
}

/// The body, for operations that have one: the parameters without what the path says.
fn body(version: Version, operation: Operation, params: &Document, object: Object<'_>) -> Option<Vec<u8>> {
    use Operation as O;
    let said: &[&str] = match (operation, version) {
        (O::SendMessage | O::SendStreamingMessage | O::CreatePushConfig, Version::V1_0) => &["tenant"],
        (O::CancelTask, Version::V1_0) => &["tenant", "id"],
        (O::CancelTask, Version::V0_3) => &["name"],
        (O::SendMessage | O::SendStreamingMessage | O::CreatePushConfig, Version::V0_3) => &[],
        _ => return None,
    };
    let mut splice = Splice::new(params);
    for name in said {
        splice.remove_member(object, name);
    }
    Some(splice.finish().into())
}

fn write_query(
    path: &mut String,
    version: Version,
    operation: Operation,
    params: Object<'_>,
) -> Result<(), RestError> {
    let mut separator = '?';
    for (name, kind) in query::parameters(version, operation).iter().filter(|(name, _)| *name != "tenant") {
        let Some(value) = params.get(name).filter(|value| !value.is_null()) else { continue };
        let text = query::text(*kind, value).ok_or(RestError::Missing(name))?;
        if text.is_empty() {
            continue;
        }
        path.push(std::mem::replace(&mut separator, '&'));
        path.push_str(name);
        path.push('=');
        percent::encode_into(path, &text);
    }
    Ok(())
}
