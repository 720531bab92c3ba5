//! The protocol as a client and an upstream see it: both eras, the filter, handles, streams, and everything that
//! must pass untouched.

mod assertions;
mod batches;
mod credentials;
mod filter;
mod handles;
mod headers;
mod hidden;
mod legacy;
mod lossless;
mod modern;
mod sessions;
mod streams;
mod templates;
mod transports;
mod upstream;

use doorward_testkit::recorder::Recorder;
use serde_json::Value;

use crate::harness::Answer;

/// A virtual server that shows one of each: `few`.
const FEW: &str = r#"
    [[server]]
    name = "few"
    upstreams = ["notes"]
    access = "open"
    tools = ["echo"]
    prompts = ["greeting"]
    resources = ["note:///first"]
    resource_templates = ["note:///shelf/{name}"]
"#;

/// A virtual server that shows nothing: `none`.
const NONE: &str = r#"
    [[server]]
    name = "none"
    upstreams = ["notes"]
    access = "open"
    tools = []
    prompts = []
    resources = []
    resource_templates = []
"#;

/// Methods of everything that the upstream was asked, oldest first.
fn asked(recorder: &Recorder) -> Vec<String> {
    recorder.requests().iter().map(doorward_testkit::recorder::Recorded::method_name).collect()
}

/// Status, JSON-RPC error code and id of an answer.
fn refusal(answer: &Answer) -> (u16, i64, Value) {
    (answer.status, answer.error_code(), answer.json()["id"].clone())
}
