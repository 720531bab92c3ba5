//! Webhooks: flat in 1.0, nested in 0.3, and named by resource names in its proto.
//!
//! A webhook that is asked for without an id is the one whose id is the task's: so agents of 0.3, and the SDKs of 1.0,
//! store one that was set without.

use std::borrow::Cow;

use super::super::{Dialect, Operation, names, write::ObjectWriter};
use super::error::{Reason, Untranslatable};
use super::fields::Fields;
use super::shapes;
use super::walk::{Done, Walk, array, elements, text};
use crate::json::{Value, write_str};

/// A task's webhook, in no dialect.
struct Push<'v> {
    /// As 1.0 has it.
    tenant: Option<Value<'v>>,
    task: Cow<'v, str>,
    id: Option<Cow<'v, str>>,
    /// What 0.3 has inside.
    inner: Fields<'v>,
}

/// Whether it is a webhook as it is kept, or the request that creates it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    Resource,
    Request,
}

impl Walk {
    /// A task's webhook, as a result.
    pub(super) fn push(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        self.write_push(&self.read_push(value, As::Resource)?, As::Resource, out)
    }

    /// The parameters that create one.
    pub(super) fn create_push(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        self.write_push(&self.read_push(value, As::Request)?, As::Request, out)
    }

    /// All webhooks of a task: an array on JSON-RPC of 0.3, where nothing says that there are more.
    pub(super) fn pushes(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let one = |value: Value<'_>, out: &mut Vec<u8>| self.push(value, out);
        let (configs, token) = if self.from == Dialect::V03Rpc {
            (Some(value), None)
        } else {
            let fields = Fields::read(self, &shapes::PUSHES, value)?;
            (fields.get(self.from, "configs"), fields.get(self.from, "nextPageToken"))
        };
        let within = |error: Untranslatable| {
            if self.from == Dialect::V03Rpc { error } else { error.within("configs") }
        };
        let list = |out: &mut Vec<u8>| {
            let Some(configs) = configs else {
                out.extend_from_slice(b"[]");
                return Ok(());
            };
            array(configs, out, one).map_err(within)
        };
        if self.to == Dialect::V03Rpc {
            return list(out);
        }
        let mut object = ObjectWriter::begin(out);
        list(object.member("configs"))?;
        if let Some(token) = token {
            object.raw("nextPageToken", text(token).map_err(|error| error.within("nextPageToken"))?);
        }
        object.end();
        Ok(())
    }

    /// The parameters that name one webhook.
    pub(super) fn push_ids(&self, operation: Operation, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let fields = Fields::read(self, &shapes::PUSH_IDS, value)?;
        let (task, id) = match self.from {
            Dialect::V1 => (need(&fields, self.from, "taskId")?, maybe(&fields, self.from, "id")?),
            Dialect::V03Rpc => {
                (need(&fields, self.from, "id")?, maybe(&fields, self.from, "pushNotificationConfigId")?)
            }
            Dialect::V03Proto => {
                let name = need(&fields, self.from, "name")?;
                let ids = names::parse_config(&name).ok_or(Reason::Must(NAME).at("name"))?;
                (ids.0.to_owned().into(), Some(ids.1.to_owned().into()))
            }
        };
        if id.is_none() && operation == Operation::DeletePushConfig {
            let name = if self.from == Dialect::V1 { "id" } else { "pushNotificationConfigId" };
            return Err(Reason::Missing.at(name));
        }
        let mut object = ObjectWriter::begin(out);
        match self.to {
            Dialect::V1 => {
                if let Some(tenant) = fields.get(self.from, "tenant").filter(|_| self.same()) {
                    object.raw("tenant", text(tenant).map_err(|error| error.within("tenant"))?);
                }
                object.string("taskId", &task);
                object.string("id", id.as_deref().unwrap_or(&task));
            }
            Dialect::V03Rpc => {
                object.string("id", &task);
                if let Some(id) = id {
                    object.string("pushNotificationConfigId", &id);
                }
            }
            Dialect::V03Proto => {
                write_name(&task, id.as_deref().unwrap_or(&task), object.member("name"))?;
            }
        }
        self.finish(&fields, object);
        Ok(())
    }

    fn read_push<'v>(&self, value: Value<'v>, read_as: As) -> Result<Push<'v>, Untranslatable> {
        match (self.from, read_as) {
            (Dialect::V1, _) => {
                let inner = Fields::read(self, &shapes::PUSH, value)?;
                let task = need(&inner, self.from, "taskId")?;
                let id = maybe(&inner, self.from, "id")?;
                Ok(Push { tenant: inner.get(self.from, "tenant"), task, id, inner })
            }
            (Dialect::V03Rpc, _) => {
                let around = Fields::read(self, &shapes::PUSH_AROUND, value)?;
                let task = need(&around, self.from, "taskId")?;
                let (inner, id) = self.inner(&around)?;
                Ok(Push { tenant: None, task, id, inner })
            }
            (Dialect::V03Proto, As::Resource) => {
                let around = Fields::read(self, &shapes::PUSH_AROUND, value)?;
                let name = need(&around, self.from, "name")?;
                let (task, named) = names::parse_config(&name).ok_or(Reason::Must(NAME).at("name"))?;
                let (inner, id) = self.inner(&around)?;
                let id = id.unwrap_or_else(|| named.to_owned().into());
                Ok(Push { tenant: None, task: task.to_owned().into(), id: Some(id), inner })
            }
            (Dialect::V03Proto, As::Request) => self.read_request(value),
        }
    }

    /// The request of the proto of 0.3. The name in it is the agent's to give: it only must not be another task's.
    fn read_request<'v>(&self, value: Value<'v>) -> Result<Push<'v>, Untranslatable> {
        let request = Fields::read(self, &shapes::PUSH_CREATE, value)?;
        let parent = need(&request, self.from, "parent")?;
        let task = names::parse_task(&parent).ok_or(Reason::Must("`tasks/` and an id").at("parent"))?;
        let config = request.get(self.from, "config").ok_or(Reason::Missing.at("config"))?;
        let within = |error: Untranslatable| error.within("config");
        let around = Fields::read(self, &shapes::PUSH_AROUND, config).map_err(within)?;
        let name = maybe(&around, self.from, "name").map_err(within)?.unwrap_or_default();
        let rest = name.strip_prefix(&*parent);
        if !name.is_empty() && !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Err(Reason::Contradicts.at("config.name"));
        }
        let (inner, inside) = self.inner(&around).map_err(within)?;
        let id = match (maybe(&request, self.from, "configId")?, inside) {
            (Some(id), Some(inside)) if id != inside => return Err(Reason::Contradicts.at("configId")),
            (id, inside) => id.or(inside),
        };
        Ok(Push { tenant: None, task: task.to_owned().into(), id, inner })
    }

    /// What lies inside a webhook of 0.3, and its id.
    fn inner<'v>(&self, around: &Fields<'v>) -> Result<(Fields<'v>, Option<Cow<'v, str>>), Untranslatable> {
        let name = "pushNotificationConfig";
        let value = around.get(self.from, name).ok_or(Reason::Missing.at(name))?;
        let inner = Fields::read(self, &shapes::PUSH, value).map_err(|error| error.within(name))?;
        let id = maybe(&inner, self.from, "id").map_err(|error| error.within(name))?;
        Ok((inner, id))
    }

    fn write_push(&self, push: &Push<'_>, write_as: As, out: &mut Vec<u8>) -> Done {
        let mut object = ObjectWriter::begin(out);
        match (self.to, write_as) {
            (Dialect::V1, _) => {
                if let Some(tenant) = push.tenant {
                    object.raw("tenant", text(tenant).map_err(|error| error.within("tenant"))?);
                }
                object.string("taskId", &push.task);
                return self.write_inner(push, push.id.as_deref(), object);
            }
            (Dialect::V03Rpc, _) => {
                object.string("taskId", &push.task);
                let inner = ObjectWriter::begin(object.member("pushNotificationConfig"));
                self.write_inner(push, push.id.as_deref(), inner)?;
            }
            (Dialect::V03Proto, As::Resource) => self.write_resource(push, &mut object)?,
            (Dialect::V03Proto, As::Request) => {
                if !names::is_id(&push.task) {
                    return Err(Reason::Must(ID).at("taskId"));
                }
                object.string("parent", &names::task(&push.task));
                object.string("configId", push.id.as_deref().unwrap_or(&push.task));
                let mut config = ObjectWriter::begin(object.member("config"));
                self.write_resource(push, &mut config)?;
                config.end();
            }
        }
        object.end();
        Ok(())
    }

    fn write_resource(&self, push: &Push<'_>, object: &mut ObjectWriter<'_>) -> Done {
        let id = push.id.as_deref().unwrap_or(&push.task);
        write_name(&push.task, id, object.member("name"))?;
        self.write_inner(push, Some(id), ObjectWriter::begin(object.member("pushNotificationConfig")))
    }

    fn write_inner(&self, push: &Push<'_>, id: Option<&str>, mut object: ObjectWriter<'_>) -> Done {
        if let Some(id) = id {
            object.string("id", id);
        }
        let within = |error: Untranslatable| match self.from {
            Dialect::V1 => error,
            Dialect::V03Rpc | Dialect::V03Proto => error.within("pushNotificationConfig"),
        };
        self.members(&push.inner, &mut object).map_err(within)?;
        self.finish(&push.inner, object);
        Ok(())
    }

    /// One scheme in 1.0, several in 0.3, of which 1.0 gets the first.
    pub(super) fn authentication(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let fields = Fields::read(self, &shapes::AUTHENTICATION, value)?;
        let mut object = ObjectWriter::begin(out);
        let within = |name: &'static str| move |error: Untranslatable| error.within(name);
        let schemes = match (self.from, fields.get(self.from, "schemes")) {
            (Dialect::V1, _) | (_, None) => None,
            (_, Some(schemes)) => Some(schemes),
        };
        let first = match (self.from, schemes) {
            (Dialect::V1, _) => fields.get(self.from, "scheme"),
            (_, Some(schemes)) => elements(schemes).map_err(within("schemes"))?.next(),
            (_, None) => None,
        };
        let first = first.map(text).transpose().map_err(within("scheme"))?.unwrap_or(b"\"\"");
        match (self.to, schemes) {
            (Dialect::V1, _) => object.raw("scheme", first),
            (_, Some(schemes)) => {
                for scheme in elements(schemes).map_err(within("schemes"))? {
                    text(scheme).map_err(within("schemes"))?;
                }
                object.raw("schemes", schemes.raw());
            }
            (_, None) if first == b"\"\"" => object.raw("schemes", b"[]"),
            (_, None) => object.raw("schemes", &[b"[", first, b"]"].concat()),
        }
        if let Some(credentials) = fields.get(self.from, "credentials") {
            let credentials = text(credentials).map_err(within("credentials"))?;
            if credentials != b"\"\"" {
                object.raw("credentials", credentials);
            }
        }
        self.finish(&fields, object);
        Ok(())
    }
}

const NAME: &str = "`tasks/`, an id, `/pushNotificationConfigs/` and an id";
const ID: &str = "an id that a resource name can carry";

/// The text of a member that must be there.
fn need<'v>(fields: &Fields<'v>, dialect: Dialect, name: &str) -> Result<Cow<'v, str>, Untranslatable> {
    maybe(fields, dialect, name)?.ok_or_else(|| Reason::Missing.at(name))
}

/// The text of a member. An empty one is as good as none.
fn maybe<'v>(
    fields: &Fields<'v>,
    dialect: Dialect,
    name: &str,
) -> Result<Option<Cow<'v, str>>, Untranslatable> {
    let Some(value) = fields.get(dialect, name) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| Reason::Must("a string").at(name))?;
    Ok((!text.is_empty()).then_some(text))
}

fn write_name(task: &str, id: &str, out: &mut Vec<u8>) -> Done {
    if !names::is_id(task) {
        return Err(Reason::Must(ID).at("taskId"));
    }
    if !names::is_id(id) {
        return Err(Reason::Must(ID).at("id"));
    }
    write_str(out, &names::config(task, id));
    Ok(())
}
