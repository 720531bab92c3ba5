//! What is asked in 0.3, and answers that are not tasks, messages or events.

use super::data::MESSAGE;
use crate::a2a::proto::schema::{BOOL, INT32, STRING, STRUCT, Schema, field, message};

pub(super) static SEND_MESSAGE_CONFIGURATION: Schema = Schema::new(
    "SendMessageConfiguration",
    &[
        field(1, "accepted_output_modes", "acceptedOutputModes", STRING).repeated(),
        field(2, "push_notification", "pushNotification", message(&PUSH_NOTIFICATION_CONFIG)),
        field(3, "history_length", "historyLength", INT32),
        field(4, "blocking", "blocking", BOOL),
    ],
);

pub(super) static PUSH_NOTIFICATION_CONFIG: Schema = Schema::new(
    "PushNotificationConfig",
    &[
        field(1, "id", "id", STRING),
        field(2, "url", "url", STRING),
        field(3, "token", "token", STRING),
        field(4, "authentication", "authentication", message(&AUTHENTICATION_INFO)),
    ],
);

pub(super) static AUTHENTICATION_INFO: Schema = Schema::new(
    "AuthenticationInfo",
    &[field(1, "schemes", "schemes", STRING).repeated(), field(2, "credentials", "credentials", STRING)],
);

pub(super) static TASK_PUSH_NOTIFICATION_CONFIG: Schema = Schema::new(
    "TaskPushNotificationConfig",
    &[
        field(1, "name", "name", STRING),
        field(2, "push_notification_config", "pushNotificationConfig", message(&PUSH_NOTIFICATION_CONFIG)),
    ],
);

pub(super) static SEND_MESSAGE_REQUEST: Schema = Schema::new(
    "SendMessageRequest",
    &[
        field(1, "request", "message", message(&MESSAGE)),
        field(2, "configuration", "configuration", message(&SEND_MESSAGE_CONFIGURATION)),
        field(3, "metadata", "metadata", STRUCT),
    ],
);

pub(super) static GET_TASK_REQUEST: Schema = Schema::new(
    "GetTaskRequest",
    &[field(1, "name", "name", STRING), field(2, "history_length", "historyLength", INT32)],
);

pub(super) static CANCEL_TASK_REQUEST: Schema =
    Schema::new("CancelTaskRequest", &[field(1, "name", "name", STRING)]);

pub(super) static GET_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST: Schema =
    Schema::new("GetTaskPushNotificationConfigRequest", &[field(1, "name", "name", STRING)]);

pub(super) static DELETE_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST: Schema =
    Schema::new("DeleteTaskPushNotificationConfigRequest", &[field(1, "name", "name", STRING)]);

pub(super) static CREATE_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST: Schema = Schema::new(
    "CreateTaskPushNotificationConfigRequest",
    &[
        field(1, "parent", "parent", STRING),
        field(2, "config_id", "configId", STRING),
        field(3, "config", "config", message(&TASK_PUSH_NOTIFICATION_CONFIG)),
    ],
);

pub(super) static TASK_SUBSCRIPTION_REQUEST: Schema =
    Schema::new("TaskSubscriptionRequest", &[field(1, "name", "name", STRING)]);

pub(super) static LIST_TASK_PUSH_NOTIFICATION_CONFIG_REQUEST: Schema = Schema::new(
    "ListTaskPushNotificationConfigRequest",
    &[
        field(1, "parent", "parent", STRING),
        field(2, "page_size", "pageSize", INT32),
        field(3, "page_token", "pageToken", STRING),
    ],
);

pub(super) static GET_AGENT_CARD_REQUEST: Schema = Schema::new("GetAgentCardRequest", &[]);

pub(super) static LIST_TASK_PUSH_NOTIFICATION_CONFIG_RESPONSE: Schema = Schema::new(
    "ListTaskPushNotificationConfigResponse",
    &[
        field(1, "configs", "configs", message(&TASK_PUSH_NOTIFICATION_CONFIG)).repeated(),
        field(2, "next_page_token", "nextPageToken", STRING),
    ],
);
