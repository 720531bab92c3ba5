//! Tasks, messages, artifacts and events of 0.3.

use crate::a2a::proto::schema::{
    BOOL, BYTES, Names, STRING, STRUCT, Schema, TIMESTAMP, field, message, names,
};

pub(super) static TASK_STATE: Names = Names(&[
    "TASK_STATE_UNSPECIFIED",
    "TASK_STATE_SUBMITTED",
    "TASK_STATE_WORKING",
    "TASK_STATE_COMPLETED",
    "TASK_STATE_FAILED",
    "TASK_STATE_CANCELLED",
    "TASK_STATE_INPUT_REQUIRED",
    "TASK_STATE_REJECTED",
    "TASK_STATE_AUTH_REQUIRED",
]);

pub(super) static ROLE: Names = Names(&["ROLE_UNSPECIFIED", "ROLE_USER", "ROLE_AGENT"]);

pub(super) static TASK: Schema = Schema::new(
    "Task",
    &[
        field(1, "id", "id", STRING),
        field(2, "context_id", "contextId", STRING),
        field(3, "status", "status", message(&TASK_STATUS)),
        field(4, "artifacts", "artifacts", message(&ARTIFACT)).repeated(),
        field(5, "history", "history", message(&MESSAGE)).repeated(),
        field(6, "metadata", "metadata", STRUCT),
    ],
);

pub(super) static TASK_STATUS: Schema = Schema::new(
    "TaskStatus",
    &[
        field(1, "state", "state", names(&TASK_STATE)),
        field(2, "update", "message", message(&MESSAGE)),
        field(3, "timestamp", "timestamp", TIMESTAMP),
    ],
);

pub(super) static MESSAGE: Schema = Schema::new(
    "Message",
    &[
        field(1, "message_id", "messageId", STRING),
        field(2, "context_id", "contextId", STRING),
        field(3, "task_id", "taskId", STRING),
        field(4, "role", "role", names(&ROLE)),
        field(5, "content", "content", message(&PART)).repeated(),
        field(6, "metadata", "metadata", STRUCT),
        field(7, "extensions", "extensions", STRING).repeated(),
    ],
);

pub(super) static PART: Schema = Schema::new(
    "Part",
    &[
        field(1, "text", "text", STRING).one_of(),
        field(2, "file", "file", message(&FILE_PART)).one_of(),
        field(3, "data", "data", message(&DATA_PART)).one_of(),
        // After the release, as in every SDK.
        field(4, "metadata", "metadata", STRUCT),
    ],
);

pub(super) static FILE_PART: Schema = Schema::new(
    "FilePart",
    &[
        field(1, "file_with_uri", "fileWithUri", STRING).one_of(),
        field(2, "file_with_bytes", "fileWithBytes", BYTES).one_of(),
        field(3, "mime_type", "mimeType", STRING),
        // After the release, as in every SDK.
        field(4, "name", "name", STRING),
    ],
);

pub(super) static DATA_PART: Schema = Schema::new("DataPart", &[field(1, "data", "data", STRUCT)]);

pub(super) static ARTIFACT: Schema = Schema::new(
    "Artifact",
    &[
        field(1, "artifact_id", "artifactId", STRING),
        field(3, "name", "name", STRING),
        field(4, "description", "description", STRING),
        field(5, "parts", "parts", message(&PART)).repeated(),
        field(6, "metadata", "metadata", STRUCT),
        field(7, "extensions", "extensions", STRING).repeated(),
    ],
);

pub(super) static SEND_MESSAGE_RESPONSE: Schema = Schema::new(
    "SendMessageResponse",
    &[
        field(1, "task", "task", message(&TASK)).one_of(),
        field(2, "msg", "message", message(&MESSAGE)).one_of(),
    ],
);

pub(super) static STREAM_RESPONSE: Schema = Schema::new(
    "StreamResponse",
    &[
        field(1, "task", "task", message(&TASK)).one_of(),
        field(2, "msg", "message", message(&MESSAGE)).one_of(),
        field(3, "status_update", "statusUpdate", message(&TASK_STATUS_UPDATE_EVENT)).one_of(),
        field(4, "artifact_update", "artifactUpdate", message(&TASK_ARTIFACT_UPDATE_EVENT)).one_of(),
    ],
);

pub(super) static TASK_STATUS_UPDATE_EVENT: Schema = Schema::new(
    "TaskStatusUpdateEvent",
    &[
        field(1, "task_id", "taskId", STRING),
        field(2, "context_id", "contextId", STRING),
        field(3, "status", "status", message(&TASK_STATUS)),
        field(4, "final", "final", BOOL),
        field(5, "metadata", "metadata", STRUCT),
    ],
);

pub(super) static TASK_ARTIFACT_UPDATE_EVENT: Schema = Schema::new(
    "TaskArtifactUpdateEvent",
    &[
        field(1, "task_id", "taskId", STRING),
        field(2, "context_id", "contextId", STRING),
        field(3, "artifact", "artifact", message(&ARTIFACT)),
        field(4, "append", "append", BOOL),
        field(5, "last_chunk", "lastChunk", BOOL),
        field(6, "metadata", "metadata", STRUCT),
    ],
);
