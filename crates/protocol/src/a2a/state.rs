//! The states of a task (A2A 1.0 section 4.1.3), and their names in both versions.

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// Not said, or not known.
    Unspecified,
    /// Accepted, not begun.
    Submitted,
    /// Under way.
    Working,
    /// Done.
    Completed,
    /// Ended in an error.
    Failed,
    /// Ended because somebody asked.
    Canceled,
    /// Waiting for a message.
    InputRequired,
    /// Never taken on.
    Rejected,
    /// Waiting for a credential.
    AuthRequired,
}

impl TaskState {
    /// All of them, in the order of their numbers in the proto of 1.0.
    pub const ALL: [Self; 9] = [
        Self::Unspecified,
        Self::Submitted,
        Self::Working,
        Self::Completed,
        Self::Failed,
        Self::Canceled,
        Self::InputRequired,
        Self::Rejected,
        Self::AuthRequired,
    ];

    /// The name in ProtoJSON of 1.0.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "TASK_STATE_UNSPECIFIED",
            Self::Submitted => "TASK_STATE_SUBMITTED",
            Self::Working => "TASK_STATE_WORKING",
            Self::Completed => "TASK_STATE_COMPLETED",
            Self::Failed => "TASK_STATE_FAILED",
            Self::Canceled => "TASK_STATE_CANCELED",
            Self::InputRequired => "TASK_STATE_INPUT_REQUIRED",
            Self::Rejected => "TASK_STATE_REJECTED",
            Self::AuthRequired => "TASK_STATE_AUTH_REQUIRED",
        }
    }

    /// The name in JSON-RPC of 0.3.
    pub const fn name_0_3(self) -> &'static str {
        match self {
            Self::Unspecified => "unknown",
            Self::Submitted => "submitted",
            Self::Working => "working",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::InputRequired => "input-required",
            Self::Rejected => "rejected",
            Self::AuthRequired => "auth-required",
        }
    }

    /// The state of that name, as 1.0 or as JSON-RPC of 0.3 has it, or of 0.3's proto with its other spelling.
    pub fn parse(name: &str) -> Option<Self> {
        if name == "TASK_STATE_CANCELLED" {
            return Some(Self::Canceled);
        }
        Self::ALL.into_iter().find(|state| state.name() == name || state.name_0_3() == name)
    }

    /// Whether nothing follows (section 3.1.1: task immutability).
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled | Self::Rejected)
    }

    /// Whether it waits for somebody.
    pub const fn is_interrupted(self) -> bool {
        matches!(self, Self::InputRequired | Self::AuthRequired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for state in TaskState::ALL {
            assert_eq!(TaskState::parse(state.name()), Some(state));
            assert_eq!(TaskState::parse(state.name_0_3()), Some(state));
        }
        assert_eq!(TaskState::parse("TASK_STATE_CANCELLED"), Some(TaskState::Canceled));
        assert_eq!(TaskState::parse("COMPLETED"), None);
    }
}
