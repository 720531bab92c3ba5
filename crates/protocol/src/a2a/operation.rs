//! The closed table of operations, and what each binding and version calls them.

use super::Version;

/// What can be asked of an agent (A2A 1.0 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A message, answered by a task or a message.
    SendMessage,
    /// A message, answered by a stream.
    SendStreamingMessage,
    /// One task.
    GetTask,
    /// The caller's tasks. Not known to 0.3.
    ListTasks,
    /// The end of a task.
    CancelTask,
    /// The stream of a task under way.
    SubscribeToTask,
    /// A webhook for a task.
    CreatePushConfig,
    /// One webhook of a task.
    GetPushConfig,
    /// All webhooks of a task.
    ListPushConfigs,
    /// A webhook less.
    DeletePushConfig,
    /// The card for those who are known.
    GetExtendedAgentCard,
}

/// One operation's names: 1.0 on JSON-RPC and gRPC, 0.3 on JSON-RPC, 0.3 on gRPC.
type Names = (&'static str, Option<&'static str>, Option<&'static str>);

impl Operation {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::SendMessage,
        Self::SendStreamingMessage,
        Self::GetTask,
        Self::ListTasks,
        Self::CancelTask,
        Self::SubscribeToTask,
        Self::CreatePushConfig,
        Self::GetPushConfig,
        Self::ListPushConfigs,
        Self::DeletePushConfig,
        Self::GetExtendedAgentCard,
    ];

    const fn names(self) -> Names {
        match self {
            Self::SendMessage => ("SendMessage", Some("message/send"), Some("SendMessage")),
            Self::SendStreamingMessage => {
                ("SendStreamingMessage", Some("message/stream"), Some("SendStreamingMessage"))
            }
            Self::GetTask => ("GetTask", Some("tasks/get"), Some("GetTask")),
            // The proto of 0.3 has it, its JSON-RPC does not; nothing of 0.3 can be relied upon to answer it.
            Self::ListTasks => ("ListTasks", None, None),
            Self::CancelTask => ("CancelTask", Some("tasks/cancel"), Some("CancelTask")),
            Self::SubscribeToTask => ("SubscribeToTask", Some("tasks/resubscribe"), Some("TaskSubscription")),
            Self::CreatePushConfig => (
                "CreateTaskPushNotificationConfig",
                Some("tasks/pushNotificationConfig/set"),
                Some("CreateTaskPushNotificationConfig"),
            ),
            Self::GetPushConfig => (
                "GetTaskPushNotificationConfig",
                Some("tasks/pushNotificationConfig/get"),
                Some("GetTaskPushNotificationConfig"),
            ),
            Self::ListPushConfigs => (
                "ListTaskPushNotificationConfigs",
                Some("tasks/pushNotificationConfig/list"),
                Some("ListTaskPushNotificationConfig"),
            ),
            Self::DeletePushConfig => (
                "DeleteTaskPushNotificationConfig",
                Some("tasks/pushNotificationConfig/delete"),
                Some("DeleteTaskPushNotificationConfig"),
            ),
            Self::GetExtendedAgentCard => {
                ("GetExtendedAgentCard", Some("agent/getAuthenticatedExtendedCard"), Some("GetAgentCard"))
            }
        }
    }

    /// What records and errors call it: its name of 1.0.
    pub const fn name(self) -> &'static str {
        self.names().0
    }

    /// Its method on JSON-RPC, where the version has it.
    pub const fn json_rpc(self, version: Version) -> Option<&'static str> {
        match version {
            Version::V1_0 => Some(self.names().0),
            Version::V0_3 => self.names().1,
        }
    }

    /// Its method on gRPC, where the version has it.
    pub const fn grpc(self, version: Version) -> Option<&'static str> {
        match version {
            Version::V1_0 => Some(self.names().0),
            Version::V0_3 => self.names().2,
        }
    }

    /// The operation that a JSON-RPC method names, and the version that calls it so.
    pub fn of_json_rpc(method: &str) -> Option<(Self, Version)> {
        Self::find(|operation, version| operation.json_rpc(version) == Some(method))
    }

    /// The operation that a method of a version's gRPC service names.
    pub fn of_grpc(method: &str, version: Version) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.grpc(version) == Some(method))
    }

    fn find(is: impl Fn(Self, Version) -> bool) -> Option<(Self, Version)> {
        let pairs =
            Version::ALL.into_iter().flat_map(|version| Self::ALL.map(|operation| (operation, version)));
        pairs.into_iter().find(|(operation, version)| is(*operation, *version))
    }

    /// Whether the answer is a stream.
    pub const fn streams(self) -> bool {
        matches!(self, Self::SendStreamingMessage | Self::SubscribeToTask)
    }

    /// Whether it sends a message.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendMessage | Self::SendStreamingMessage)
    }

    /// Whether it is about webhooks.
    pub const fn is_push(self) -> bool {
        matches!(
            self,
            Self::CreatePushConfig | Self::GetPushConfig | Self::ListPushConfigs | Self::DeletePushConfig
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back() {
        for operation in Operation::ALL {
            for version in Version::ALL {
                if let Some(name) = operation.json_rpc(version) {
                    assert_eq!(Operation::of_json_rpc(name), Some((operation, version)), "{name}");
                }
                if let Some(name) = operation.grpc(version) {
                    assert_eq!(Operation::of_grpc(name, version), Some(operation), "{name}");
                }
            }
        }
        for unknown in ["", "sendMessage", "message/Send", "tasks/list", "SendMessage "] {
            assert_eq!(Operation::of_json_rpc(unknown), None, "{unknown}");
        }
    }
}
