//! From a request to the parameters of its operation, in the dialect of its version: what the path says is put into what
//! the body says. What the body says otherwise stays as it was written.

use std::borrow::Cow;

use super::{Operation, RestError, RestRequest, Version, query::Typed};
use crate::a2a::{
    names::{self, could_mean},
    write::ObjectWriter,
};
use crate::json::{Document, Object, Splice, Value};

/// A member that the path decides.
type Fixed<'a> = (&'static str, Cow<'a, str>);

/// The parameters that a request stands for, as JSON text: [`Dialect::V1`](crate::a2a::Dialect::V1) for 1.0 and
/// [`Dialect::V03Proto`](crate::a2a::Dialect::V03Proto) for 0.3.
///
/// A missing body is as good as `{}` where the operation needs none, and so is `null`, which some clients of 0.3 send.
/// Operations that are got have no body; what is given for them is ignored.
///
/// # Errors
/// When there is no body where one is needed, when it is no object, and when it contradicts the path, in whichever
/// spelling: the path would win, and who reads the body only must not see anything else.
pub fn params<'d>(request: &RestRequest<'_>, body: Option<&'d Document>) -> Result<Cow<'d, [u8]>, RestError> {
    use Operation as O;
    let body = match request.operation {
        O::SendMessage | O::SendStreamingMessage | O::CreatePushConfig => Some(body.ok_or(RestError::Body)?),
        O::CancelTask | O::SubscribeToTask => body.filter(|body| !body.root().is_null()),
        _ => None,
    };
    let fixed = request.fixed();
    match body {
        Some(body) if request.version == Version::V0_3 && request.operation == O::CreatePushConfig => {
            request.webhook_0_3(body).map(Cow::Owned)
        }
        Some(body) => merge(body, &fixed),
        None => request.without_body(&fixed).map(Cow::Owned),
    }
}

impl RestRequest<'_> {
    /// What the path says, by the names that the parameters have.
    fn fixed(&self) -> Vec<Fixed<'_>> {
        use Operation as O;
        let task = self.task.as_deref().unwrap_or_default();
        let config = self.config.as_deref().unwrap_or_default();
        if self.version == Version::V0_3 {
            return match self.operation {
                O::GetTask | O::CancelTask | O::SubscribeToTask => vec![("name", names::task(task).into())],
                O::GetPushConfig | O::DeletePushConfig => vec![("name", names::config(task, config).into())],
                O::CreatePushConfig | O::ListPushConfigs => vec![("parent", names::task(task).into())],
                _ => Vec::new(),
            };
        }
        let mut fixed = match self.operation {
            O::GetTask | O::CancelTask | O::SubscribeToTask => vec![("id", task.into())],
            O::GetPushConfig | O::DeletePushConfig => vec![("taskId", task.into()), ("id", config.into())],
            O::CreatePushConfig | O::ListPushConfigs => vec![("taskId", task.into())],
            _ => Vec::new(),
        };
        if let Some(tenant) = &self.tenant {
            fixed.push(("tenant", Cow::Borrowed(&**tenant)));
        }
        fixed
    }

    /// The parameters of an operation without a body.
    fn without_body(&self, fixed: &[Fixed<'_>]) -> Result<Vec<u8>, RestError> {
        let mut out = Vec::new();
        let mut object = ObjectWriter::begin(&mut out);
        for (name, text) in fixed {
            object.string(name, text);
        }
        for (name, value) in &self.query {
            match fixed.iter().find(|(known, _)| known == name) {
                Some((_, text)) if matches!(value, Typed::Text(value) if value == text) => {}
                Some(_) => return Err(RestError::Conflict(name)),
                None => value.write(object.member(name)),
            }
        }
        object.end();
        Ok(out)
    }

    /// A webhook of 0.3: the body is the configuration, as its proto says, or the whole request, as the SDKs have it.
    fn webhook_0_3(&self, body: &Document) -> Result<Vec<u8>, RestError> {
        let parent = names::task(self.task.as_deref().unwrap_or_default());
        let whole = body.root().as_object().ok_or(RestError::Body)?;
        let config = whole.get("config");
        let name = config.map_or(Some(whole), Value::as_object).ok_or(RestError::Body)?.get("name");
        let name = name.and_then(Value::as_str).unwrap_or_default();
        let of_task = name.strip_prefix(&parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !name.is_empty() && !of_task {
            return Err(RestError::Conflict("config.name"));
        }
        let mut fixed = vec![("parent", parent.into())];
        if let Some((name, Typed::Text(id))) = self.query.first() {
            fixed.push((name, Cow::Borrowed(&**id)));
        }
        if config.is_some() {
            return merge(body, &fixed).map(Cow::into_owned);
        }
        let mut out = Vec::new();
        let mut object = ObjectWriter::begin(&mut out);
        for (name, text) in &fixed {
            object.string(name, text);
        }
        object.raw("config", whole.value().raw());
        object.end();
        Ok(out)
    }
}

/// The body with what the path decides. Members that a reader could take for one of those must say the same; only the
/// one that is spelt as it should be stays. Borrowed where that is all of the body, as it is.
fn merge<'d>(body: &'d Document, fixed: &[Fixed<'_>]) -> Result<Cow<'d, [u8]>, RestError> {
    let object = body.root().as_object().ok_or(RestError::Body)?;
    let mut splice = Splice::new(body);
    for (name, text) in fixed {
        for member in object.members().filter(|member| could_mean(&member.name, name)) {
            if !agrees(member.value, text) {
                return Err(RestError::Conflict(name));
            }
            if member.name != *name {
                splice.remove_member(object, &member.name);
            }
        }
        if !says(object, name, text) {
            splice.set_member(object, name, crate::json::quote(text).as_bytes());
        }
    }
    Ok(if splice.is_empty() { Cow::Borrowed(body.bytes()) } else { Cow::Owned(splice.finish().into()) })
}

/// Whether a member of the body does not contradict the path: it says the same, or nothing.
fn agrees(value: Value<'_>, text: &str) -> bool {
    value.is_null() || value.as_str().is_some_and(|value| value.is_empty() || value == text)
}

fn says(object: Object<'_>, name: &str, text: &str) -> bool {
    object.get(name).and_then(Value::as_str).is_some_and(|value| value == text)
}
