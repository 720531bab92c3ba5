//! The objects of the protocol, and what each dialect calls their members.
//!
//! The proto of 1.0 is the measure (`lf.a2a.v1`), beside the JSON schema and the proto of 0.3 (`a2a.v1`). To the latter
//! belong `Part.metadata` and `FilePart.name`, which came after its release and which every SDK writes that reads them.

use super::super::Dialect;

/// An object.
pub(super) struct Shape {
    /// The discriminator that JSON-RPC of 0.3 writes.
    pub(super) kind: Option<&'static str>,
    pub(super) fields: &'static [Field],
}

/// A member.
pub(super) struct Field {
    /// What it is called in 1.0, on JSON-RPC of 0.3 and in the proto of 0.3. Empty where it does not exist.
    names: [&'static str; 3],
    /// What a proto file calls it, where that is not the name with underscores.
    pub(super) alias: &'static str,
    pub(super) kind: Kind,
    pub(super) need: Need,
}

/// What happens when a member is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Optional,
    /// Its default is written: a proto leaves out what has it.
    Default,
    /// There is no translation.
    Required,
}

/// What a member holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A string. An empty one is as good as none where it is optional.
    Text,
    /// Strings. None of them is as good as no member.
    Texts,
    /// An object of somebody else's.
    Struct,
    Flag,
    Integer,
    /// `historyLength`
    History,
    State,
    Role,
    Time,
    /// An id that is a resource name in the proto of 0.3.
    Task,
    Object(&'static Shape),
    List(&'static Shape),
    Parts,
    Authentication,
    /// Read and written by a function of its own.
    Special,
}

impl Field {
    const fn new(v1: &'static str, rpc: &'static str, proto: &'static str, kind: Kind) -> Self {
        Self { names: [v1, rpc, proto], alias: "", kind, need: Need::Optional }
    }

    const fn same(name: &'static str, kind: Kind) -> Self {
        Self::new(name, name, name, kind)
    }

    const fn v1(name: &'static str, kind: Kind) -> Self {
        Self::new(name, "", "", kind)
    }

    const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = alias;
        self
    }

    const fn required(mut self) -> Self {
        self.need = Need::Required;
        self
    }

    const fn or_default(mut self) -> Self {
        self.need = Need::Default;
        self
    }

    /// What a dialect calls it.
    pub(super) const fn name(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::V1 => self.names[0],
            Dialect::V03Rpc => self.names[1],
            Dialect::V03Proto => self.names[2],
        }
    }

    /// Everything that it is called somewhere.
    pub(super) fn every_name(&self) -> impl Iterator<Item = &'static str> {
        self.names.into_iter().chain([self.alias]).filter(|name| !name.is_empty())
    }
}

const fn shape(kind: &'static str, fields: &'static [Field]) -> Shape {
    Shape { kind: Some(kind), fields }
}

const fn plain(fields: &'static [Field]) -> Shape {
    Shape { kind: None, fields }
}

const METADATA: Field = Field::same("metadata", Kind::Struct);
const EXTENSIONS: Field = Field::same("extensions", Kind::Texts);
const TENANT: Field = Field::v1("tenant", Kind::Text);
const PAGE_SIZE: Field = Field::new("pageSize", "", "pageSize", Kind::Integer);
const PAGE_TOKEN: Field = Field::new("pageToken", "", "pageToken", Kind::Text);
const TASK_ID: Field = Field::same("taskId", Kind::Text).required();
const CONTEXT_ID: Field = Field::same("contextId", Kind::Text).or_default();
const HISTORY_LENGTH: Field = Field::same("historyLength", Kind::History);
const TASK_NAME: Field = Field::new("id", "id", "name", Kind::Task).required();

pub(super) const MESSAGE: Shape = shape(
    "message",
    &[
        Field::same("messageId", Kind::Text).required(),
        Field::same("contextId", Kind::Text),
        Field::same("taskId", Kind::Text),
        Field::same("role", Kind::Role).or_default(),
        Field::new("parts", "parts", "content", Kind::Parts).or_default(),
        METADATA,
        EXTENSIONS,
        Field::new("referenceTaskIds", "referenceTaskIds", "", Kind::Texts),
    ],
);

const ARTIFACT: Shape = plain(&[
    Field::same("artifactId", Kind::Text).required(),
    Field::same("name", Kind::Text),
    Field::same("description", Kind::Text),
    Field::same("parts", Kind::Parts).or_default(),
    METADATA,
    EXTENSIONS,
]);

pub(super) const STATUS: Shape = plain(&[
    Field::same("state", Kind::State).or_default(),
    Field::same("message", Kind::Object(&MESSAGE)).alias("update"),
    Field::same("timestamp", Kind::Time),
]);

pub(super) const TASK: Shape = shape(
    "task",
    &[
        Field::same("id", Kind::Text).required(),
        CONTEXT_ID,
        Field::same("status", Kind::Object(&STATUS)).or_default(),
        Field::same("artifacts", Kind::List(&ARTIFACT)),
        Field::same("history", Kind::List(&MESSAGE)),
        METADATA,
    ],
);

pub(super) const STATUS_UPDATE: Shape = shape(
    "status-update",
    &[
        TASK_ID,
        CONTEXT_ID,
        Field::same("status", Kind::Object(&STATUS)).or_default(),
        Field::new("", "final", "final", Kind::Special),
        METADATA,
    ],
);

pub(super) const ARTIFACT_UPDATE: Shape = shape(
    "artifact-update",
    &[
        TASK_ID,
        CONTEXT_ID,
        Field::same("artifact", Kind::Object(&ARTIFACT)).required(),
        Field::same("append", Kind::Flag),
        Field::same("lastChunk", Kind::Flag),
        METADATA,
    ],
);

/// The members of a part, of its file and of its data; read and written by functions of their own.
pub(super) const PART: Shape = plain(&[
    Field::same("text", Kind::Special),
    Field::v1("raw", Kind::Special),
    Field::v1("url", Kind::Special),
    Field::new("", "file", "file", Kind::Special),
    Field::same("data", Kind::Special),
    Field::v1("mediaType", Kind::Special),
    Field::v1("filename", Kind::Special),
    Field::same("metadata", Kind::Special),
]);

pub(super) const FILE: Shape = plain(&[
    Field::new("", "bytes", "fileWithBytes", Kind::Special),
    Field::new("", "uri", "fileWithUri", Kind::Special),
    Field::new("", "mimeType", "mimeType", Kind::Special),
    Field::new("", "name", "name", Kind::Special),
]);

pub(super) const DATA: Shape = plain(&[Field::new("", "", "data", Kind::Special)]);

pub(super) const SEND: Shape = plain(&[
    TENANT,
    Field::same("message", Kind::Object(&MESSAGE)).alias("request").required(),
    Field::same("configuration", Kind::Special),
    METADATA,
]);

pub(super) const CONFIGURATION: Shape = plain(&[
    Field::same("acceptedOutputModes", Kind::Texts),
    Field::new(
        "taskPushNotificationConfig",
        "pushNotificationConfig",
        "pushNotification",
        Kind::Object(&PUSH_OF_MESSAGE),
    ),
    HISTORY_LENGTH,
    Field::new("returnImmediately", "blocking", "blocking", Kind::Special),
]);

pub(super) const GET_TASK: Shape =
    plain(&[TENANT, TASK_NAME, HISTORY_LENGTH, Field::new("", "metadata", "", Kind::Struct)]);

pub(super) const CANCEL_TASK: Shape =
    plain(&[TENANT, TASK_NAME, Field::new("metadata", "metadata", "", Kind::Struct)]);

pub(super) const SUBSCRIBE: Shape = plain(&[TENANT, TASK_NAME, Field::new("", "metadata", "", Kind::Struct)]);

pub(super) const LIST_TASKS: Shape = plain(&[
    TENANT,
    Field::v1("contextId", Kind::Text),
    Field::v1("status", Kind::State),
    PAGE_SIZE,
    PAGE_TOKEN,
    Field::v1("historyLength", Kind::History),
    Field::v1("statusTimestampAfter", Kind::Time),
    Field::v1("includeArtifacts", Kind::Flag),
]);

pub(super) const TASKS: Shape = plain(&[
    Field::v1("tasks", Kind::List(&TASK)).or_default(),
    Field::v1("nextPageToken", Kind::Text).or_default(),
    Field::v1("pageSize", Kind::Integer),
    Field::v1("totalSize", Kind::Integer),
]);

pub(super) const LIST_PUSH: Shape = plain(&[
    TENANT,
    Field::new("taskId", "id", "parent", Kind::Task).required(),
    PAGE_SIZE,
    PAGE_TOKEN,
    Field::new("", "metadata", "", Kind::Struct),
]);

pub(super) const CARD: Shape = plain(&[TENANT]);

/// A webhook that comes with a message: 1.0 has a task's webhook here, without the task.
const PUSH_OF_MESSAGE: Shape = plain(&[
    TENANT,
    Field::same("id", Kind::Text),
    Field::v1("taskId", Kind::Text),
    Field::same("url", Kind::Text).required(),
    Field::same("token", Kind::Text),
    Field::same("authentication", Kind::Authentication),
]);

/// A task's webhook: flat in 1.0. In 0.3 this is what lies inside, and the ids are outside too.
pub(super) const PUSH: Shape = plain(&[
    Field::v1("tenant", Kind::Special),
    Field::same("id", Kind::Special),
    Field::v1("taskId", Kind::Special),
    Field::same("url", Kind::Text).required(),
    Field::same("token", Kind::Text),
    Field::same("authentication", Kind::Authentication),
]);

/// What lies around a task's webhook in 0.3.
pub(super) const PUSH_AROUND: Shape = plain(&[
    Field::new("", "taskId", "", Kind::Special),
    Field::new("", "", "name", Kind::Special),
    Field::new("", "pushNotificationConfig", "pushNotificationConfig", Kind::Special),
]);

/// What lies around that in the request of the proto of 0.3 that creates it.
pub(super) const PUSH_CREATE: Shape = plain(&[
    Field::new("", "", "parent", Kind::Special),
    Field::new("", "", "configId", Kind::Special),
    Field::new("", "", "config", Kind::Special),
]);

pub(super) const PUSH_IDS: Shape = plain(&[
    Field::v1("tenant", Kind::Special),
    Field::new("taskId", "id", "", Kind::Special),
    Field::new("id", "pushNotificationConfigId", "", Kind::Special),
    Field::new("", "", "name", Kind::Special),
    Field::new("", "metadata", "", Kind::Special),
]);

pub(super) const PUSHES: Shape = plain(&[
    Field::new("configs", "", "configs", Kind::Special),
    Field::new("nextPageToken", "", "nextPageToken", Kind::Special),
]);

pub(super) const AUTHENTICATION: Shape = plain(&[
    Field::new("", "schemes", "schemes", Kind::Special),
    Field::v1("scheme", Kind::Special),
    Field::same("credentials", Kind::Special),
]);

/// What a call that sends is answered with, and what a stream consists of; JSON-RPC of 0.3 has them bare.
pub(super) const PAYLOAD: Shape = plain(&[
    Field::new("task", "", "task", Kind::Special),
    Field::new("message", "", "message", Kind::Special).alias("msg"),
    Field::new("statusUpdate", "", "statusUpdate", Kind::Special),
    Field::new("artifactUpdate", "", "artifactUpdate", Kind::Special),
]);
