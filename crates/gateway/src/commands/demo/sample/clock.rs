//! The clock server: another MCP server, so that there is another door to try a token at.

use doorward_model::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::protocol::Contents;

/// Tells the time.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Clock;

impl Contents for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn tools(&self) -> Value {
        json!([{
            "name": "now", "description": "The present moment, in UTC",
            "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true },
        }])
    }

    fn call(&mut self, tool: &str, _arguments: &Value) -> Option<Result<String, String>> {
        (tool == "now").then(|| Ok(SystemClock.now().to_rfc3339()))
    }
}
