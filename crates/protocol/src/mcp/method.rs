//! The closed table of methods: what a caller may ask for, in which era.
//!
//! A method that is not here does not cross. To add one, follow the checklist in `CONTRIBUTING.md`.

use super::Era;

/// A request or notification that a caller may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the method that `name` gives")]
pub enum Method {
    Initialize,
    Ping,
    LoggingSetLevel,
    ResourcesSubscribe,
    ResourcesUnsubscribe,
    ServerDiscover,
    SubscriptionsListen,
    ToolsList,
    ToolsCall,
    PromptsList,
    PromptsGet,
    ResourcesList,
    ResourceTemplatesList,
    ResourcesRead,
    CompletionComplete,
    TasksGet,
    TasksUpdate,
    TasksCancel,
    Initialized,
    Cancelled,
    Progress,
    RootsListChanged,
}

/// Which eras know a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Legacy,
    Modern,
    Both,
}

/// Method, its name on the wire, the eras that know it.
const TABLE: [(Method, &str, Known); 22] = [
    (Method::Initialize, "initialize", Known::Legacy),
    (Method::Ping, "ping", Known::Legacy),
    (Method::LoggingSetLevel, "logging/setLevel", Known::Legacy),
    (Method::ResourcesSubscribe, "resources/subscribe", Known::Legacy),
    (Method::ResourcesUnsubscribe, "resources/unsubscribe", Known::Legacy),
    (Method::ServerDiscover, "server/discover", Known::Modern),
    (Method::SubscriptionsListen, "subscriptions/listen", Known::Modern),
    (Method::ToolsList, "tools/list", Known::Both),
    (Method::ToolsCall, "tools/call", Known::Both),
    (Method::PromptsList, "prompts/list", Known::Both),
    (Method::PromptsGet, "prompts/get", Known::Both),
    (Method::ResourcesList, "resources/list", Known::Both),
    (Method::ResourceTemplatesList, "resources/templates/list", Known::Both),
    (Method::ResourcesRead, "resources/read", Known::Both),
    (Method::CompletionComplete, "completion/complete", Known::Both),
    // The tasks extension of 2026-07-28; the experimental tasks of 2025-11-25 are not declared.
    (Method::TasksGet, "tasks/get", Known::Modern),
    (Method::TasksUpdate, "tasks/update", Known::Modern),
    (Method::TasksCancel, "tasks/cancel", Known::Modern),
    (Method::Initialized, "notifications/initialized", Known::Legacy),
    (Method::Cancelled, "notifications/cancelled", Known::Legacy),
    (Method::Progress, "notifications/progress", Known::Legacy),
    (Method::RootsListChanged, "notifications/roots/list_changed", Known::Legacy),
];

impl Method {
    /// The method of that name, if the era knows it.
    pub fn parse(name: &str, era: Era) -> Option<Self> {
        TABLE.iter().find(|(_, text, known)| *text == name && known.by(era)).map(|(method, ..)| *method)
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        TABLE.iter().find(|(method, ..)| *method == self).map_or("", |(_, name, _)| name)
    }

    /// Whether it is a notification: it has no id and gets no answer.
    pub fn is_notification(self) -> bool {
        matches!(self, Self::Initialized | Self::Cancelled | Self::Progress | Self::RootsListChanged)
    }

    /// Whether its result is one page of a list.
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::ToolsList | Self::PromptsList | Self::ResourcesList | Self::ResourceTemplatesList
        )
    }

    /// Whether it makes a tool do something, or follows and steers what a tool does.
    pub fn acts(self) -> bool {
        self == Self::ToolsCall || self.is_task()
    }

    /// Whether it reads what a server has: lists, resources, prompts, and news of them.
    pub fn reads(self) -> bool {
        self.is_list()
            || matches!(
                self,
                Self::PromptsGet
                    | Self::ResourcesRead
                    | Self::CompletionComplete
                    | Self::ResourcesSubscribe
                    | Self::ResourcesUnsubscribe
                    | Self::SubscriptionsListen
            )
    }

    /// Whether it may be answered with `input_required` and retried (2026-07-28, multi round-trip requests).
    pub fn may_require_input(self) -> bool {
        matches!(self, Self::ToolsCall | Self::PromptsGet | Self::ResourcesRead)
    }

    /// Whether it names a task of the tasks extension.
    pub fn is_task(self) -> bool {
        matches!(self, Self::TasksGet | Self::TasksUpdate | Self::TasksCancel)
    }

    /// The scopes that a token of Doorward needs for it: the decision of product.md, in one place.
    pub fn scope(self) -> &'static str {
        match self {
            Self::ToolsCall | Self::TasksUpdate | Self::TasksCancel => "mcp:call",
            _ => "mcp:read",
        }
    }
}

impl Known {
    fn by(self, era: Era) -> bool {
        match self {
            Self::Both => true,
            Self::Legacy => era == Era::Legacy,
            Self::Modern => era == Era::Modern,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_by_its_name() {
        for (method, name, known) in TABLE {
            let era = if known == Known::Modern { Era::Modern } else { Era::Legacy };
            assert_eq!(Method::parse(name, era), Some(method));
            assert_eq!(method.name(), name);
        }
    }

    #[test]
    fn removed_methods_are_unknown_to_modern_requests() {
        for name in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]
        {
            assert_eq!(Method::parse(name, Era::Modern), None, "{name}");
        }
        for name in ["server/discover", "tasks/get", "tasks/list", "tasks/result", "vendor/x", ""] {
            assert_eq!(Method::parse(name, Era::Legacy), None, "{name}");
        }
    }
}
