//! What is asked, and where.

use serde_json::{Value, json};

/// One kind of request.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// Whether it is a request of 2026-07-28, or of a session of 2025-11-25.
    pub(super) modern: bool,
    pub(super) asks: Asks,
    /// What must be in the answer of each target.
    pub(super) marker: &'static str,
}

/// What a request is for.
#[derive(Clone, Copy)]
pub(super) enum Asks {
    /// A tool of the upstream, by its name.
    Tool(&'static str),
    /// The list of tools.
    Tools,
    /// A stream on which nothing happens.
    Stream,
}

/// The usual call, on which most aims are.
pub(super) const CALL: &Scenario = &Scenario {
    name: "tools/call 2026-07-28",
    modern: true,
    asks: Asks::Tool("tool-000"),
    marker: "dull boy",
};
/// The list that is filtered.
pub(super) const LIST: &Scenario =
    &Scenario { name: "tools/list 200 to 20", modern: true, asks: Asks::Tools, marker: "tool-019" };
/// A subscription.
pub(super) const STREAM: &Scenario =
    &Scenario { name: "idle stream", modern: true, asks: Asks::Stream, marker: "acknowledged" };
/// The answer that is an event stream.
pub(super) const EVENTS: &Scenario =
    &Scenario { name: "tools/call, SSE", modern: true, asks: Asks::Tool("tool-002"), marker: "dull boy" };

/// What is asked under load.
pub(super) const SCENARIOS: [&Scenario; 5] = [
    CALL,
    &Scenario {
        name: "tools/call 2025-11-25",
        modern: false,
        asks: Asks::Tool("tool-000"),
        marker: "dull boy",
    },
    &Scenario { name: "tools/call, 100 KB", modern: true, asks: Asks::Tool("tool-001"), marker: "dull boy" },
    EVENTS,
    LIST,
];

impl Scenario {
    /// The JSON-RPC method.
    pub(super) fn method(&self) -> &'static str {
        match self.asks {
            Asks::Tool(_) => "tools/call",
            Asks::Tools => "tools/list",
            Asks::Stream => "subscriptions/listen",
        }
    }

    /// The parameters.
    pub(super) fn params(&self) -> Value {
        let mut params = match self.asks {
            Asks::Tool(name) => {
                json!({"name": name, "arguments": {"query": "a modest question", "limit": 3}})
            }
            Asks::Tools => json!({}),
            Asks::Stream => json!({"notifications": {"toolsListChanged": true}}),
        };
        if self.modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            });
        }
        if matches!(self.asks, Asks::Tool("tool-002")) {
            params["_meta"]["progressToken"] = json!(7);
        }
        params
    }

    /// The headers, without a credential.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let mut headers =
            vec![("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
        if self.modern {
            headers.extend([("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", self.method())]);
        }
        if let (true, Asks::Tool(name)) = (self.modern, self.asks) {
            headers.push(("Mcp-Name", name));
        }
        headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Where requests go.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) port: u16,
    pub(super) path: &'static str,
    /// The process that is measured.
    pub(super) pid: u32,
    pub(super) token: Option<String>,
}
