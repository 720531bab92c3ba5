//! What is asked in 1.0, and answers that are not tasks, messages or events.

use super::data::{MESSAGE, TASK, TASK_STATE};
use crate::a2a::proto::schema::{BOOL, INT32, STRING, STRUCT, Schema, TIMESTAMP, field, message, names};

pub(super) static SEND_MESSAGE_CONFIGURATION: Schema = Schema::new(
    "SendMessageConfiguration",
    &[
        field(1, "accepted_output_modes", "acceptedOutputModes", STRING).repeated(),
        field(
            2,
            "task_push_notification_config",
            "taskPushNotificationConfig",
            message(&TASK_PUSH_NOTIFICATION_CONFIG),
        ),
        field(3, "history_length", "historyLength", INT32).optional(),
        field(4, "return_immediately", "returnImmediately", BOOL),
    ],
);

pub(super) static AUTHENTICATION_INFO: Schema = Schema::new(
    "AuthenticationInfo",
    &[field(1, "scheme", "scheme", STRING), field(2, "credentials", "credentials", STRING)],
);

pub(super) static TASK_PUSH_NOTIFICATION_CONFIG: Schema = Schema::new(
    "TaskPushNotificationConfig",
    &[
        field(1, "tenant", "tenant", STRING),
        field(2, "id", "id", STRING),
        field(3, "task_id", "taskId", STRING),
        field(4, "url", "url", STRING),
        field(5, "token", "token", STRING),
        field(6, "authentication", "authentication", message(&AUTHENTICATION_INFO)),
    ],
);

pub(super) static SEND_MESSAGE_REQUEST: Schema = Schema::new(
    "SendMessageRequest",
    &[
        field(1, "tenant", "tenant", STRING),
        field(2, "message", "message", message(&MESSAGE)),
        field(3, "configuration", "configuration", message(&SEND_MESSAGE_CONFIGURATION)),
        field(4, "metadata", "metadata", STRUCT),
    ],
);

pub(super) static GET_TASK_REQUEST: Schema = Schema::new(
    "GetTaskRequest",
    &[
        field(1, "tenant", "tenant", STRING),
        field(2, "id", "id", STRING),
        field(3, "history_length", "historyLength", INT32).optional(),
    ],
);

pub(super) static LIST_TASKS_REQUEST: Schema = Schema::new(
    "ListTasksRequest",
    &[
        field(1, "tenant", "tenant", STRING),
        field(2, "context_id", "contextId", STRING),
        field(3, "status", "status", names(&TASK_STATE)),
        field(4, "page_size", "pageSize", INT32).optional(),
        field(5, "page_token", "pageToken", STRING),
        field(6, "history_length", "historyLength", INT32).optional(),
        field(7, "status_timestamp_after", "statusTimestampAfter", TIMESTAMP),
        field(8, "include_artifacts", "includeArtifacts", BOOL).optional(),
    ],
);

pub(super) static LIST_TASKS_RESPONSE: Schema = Schema::new(
    "ListTasksResponse",
    &[
        field(1, "tasks", "tasks", message(&TASK)).repeated(),
        field(2, "next_page_token", "nextPageToken", STRING),
        field(3, "page_size", "pageSize", INT32),
        field(4, "total_size", "totalSize", INT32),
    ],
);

pub(super) static CANCEL_TASK_REQUEST: Schema = Schema::new(
    "CancelTaskRequest",
    &[
        field(1, "tenant", "tenant", STRING),
        field(2, "id", "id", STRING),
        field(3, "metadata", "metadata", STRUCT),
    ],
);

pub(super) static GET_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST: Schema = Schema::new(
    "GetTaskPushNotificationConfigRequest",
    &[
        field(1, "tenant", "tenant", STRING),
        field(2, "task_id", "taskId", STRING),
        field(3, "id", "id", STRING),
    ],
);

pub(super) static DELETE_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST: Schema = Schema::new(
    "DeleteTaskPushNotificationConfigRequest",
    &[
        field(1, "tenant", "tenant", STRING),
        field(2, "task_id", "taskId", STRING),
        field(3, "id", "id", STRING),
    ],
);

pub(super) static SUBSCRIBE_TO_TASK_REQUEST: Schema = Schema::new(
    "SubscribeToTaskRequest",
    &[field(1, "tenant", "tenant", STRING), field(2, "id", "id", STRING)],
);

pub(super) static LIST_TASK_PUSH_NOTIFICATION_CONFIGS_REQUEST: Schema = Schema::new(
    "ListTaskPushNotificationConfigsRequest",
    &[
        field(1, "task_id", "taskId", STRING),
        field(2, "page_size", "pageSize", INT32),
        field(3, "page_token", "pageToken", STRING),
        field(4, "tenant", "tenant", STRING),
    ],
);

pub(super) static GET_EXTENDED_AGENT_CARD_REQUEST: Schema =
    Schema::new("GetExtendedAgentCardRequest", &[field(1, "tenant", "tenant", STRING)]);

pub(super) static LIST_TASK_PUSH_NOTIFICATION_CONFIGS_RESPONSE: Schema = Schema::new(
    "ListTaskPushNotificationConfigsResponse",
    &[
        field(1, "configs", "configs", message(&TASK_PUSH_NOTIFICATION_CONFIG)).repeated(),
        field(2, "next_page_token", "nextPageToken", STRING),
    ],
);
