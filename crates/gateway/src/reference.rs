//! Pages of `docs/reference` that are generated from the program: compared in every test run, written anew
//! with `cargo xtask reference`.

use std::{env, fs, path::Path};

use doorward_model::{BatchMessage, Decision, Fault, Record};

/// Compares a page with what the program says, or writes it when `UPDATE_REFERENCE` is set.
pub(crate) fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name);
    if env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&path, text).expect("the page can be written");
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(page == text, "docs/reference/{name} is out of date; run `cargo xtask reference`");
}

/// Field, when it is there, meaning.
const FIELDS: [(&str, &str, &str); 38] = [
    ("time", "always", "when the request arrived: RFC 3339, UTC, microseconds"),
    ("request_id", "always", "names the request here, in logs and in the `data` of errors: 32 hex digits"),
    ("trace_id", "always", "W3C trace id: the caller's, or one of Doorward's"),
    ("peer", "always", "the address that the request came from"),
    ("http_method", "always", "HTTP method; `COMMAND` for what a command of the program did"),
    (
        "path",
        "always",
        "HTTP path without query, at most 512 bytes; or the command, such as `doorward token issue`",
    ),
    ("issuer", "known caller", "the issuer that vouches for the caller"),
    ("subject", "known caller", "the caller's subject at that issuer"),
    ("client", "known client", "the caller's OAuth client"),
    ("server", "routed", "the virtual server"),
    ("agent", "routed", "the agent"),
    ("upstream", "upstream asked", "the upstream"),
    ("protocol_version", "named", "the MCP revision that the message names, or the version of A2A"),
    ("binding", "A2A", "how the caller speaks: `jsonrpc`, `http+json` or `grpc`"),
    ("upstream_interface", "agent asked", "how the agent was asked: binding and version, such as `grpc 1.0`"),
    (
        "method",
        "message read",
        "the JSON-RPC method, at most 512 bytes; of A2A the operation as 1.0 calls it, in every binding and version, or \
         `PushNotification` where an agent calls back",
    ),
    ("capability", "named", "the tool, prompt, resource or task that was asked for, at most 512 bytes"),
    ("task", "A2A", "the task that was asked about, or that the answer is about, at most 512 bytes"),
    ("context", "A2A", "the context of it, at most 512 bytes"),
    ("states", "A2A", "the states in which the task was seen, in their order, as 1.0 calls them"),
    (
        "batch",
        "batches",
        "for each message its `method`, `capability`, `reason`, `rpc_error`, `arguments` and `result`, each as here; the \
         record's own `reason`, `detail`, `fault` and `rpc_error` are those of the first message that failed",
    ),
    (
        "decision",
        "always",
        "`allowed`, `refused`, or `undecided` when the caller vanished or Doorward failed first",
    ),
    ("reason", "always", "`ok`, `unfinished`, or a code of [refusals](refusals.md)"),
    ("detail", "some refusals", "what only the operator may know"),
    ("fault", "failures", "`caller`, `gateway` or `upstream`"),
    ("status", "always", "HTTP status of the answer; 0 when none was sent"),
    ("rpc_error", "JSON-RPC errors", "the code of the answer's error, ours or the upstream's"),
    ("request_bytes", "always", "bytes of the request's body"),
    ("response_bytes", "always", "bytes of the answer's body, up to where the caller went away"),
    ("filtered", "filtered lists", "entries that the filter took out"),
    ("streamed", "always", "whether the answer was a stream of events"),
    ("aborted", "always", "whether the caller went away before the answer was complete"),
    ("gateway_us", "always", "microseconds in Doorward until the answer's head"),
    ("upstream_us", "always", "microseconds of waiting for the upstream until its answer's head"),
    ("first_event_us", "A2A streams", "microseconds until the first event of the stream"),
    ("total_us", "always", "microseconds until the last byte"),
    ("arguments", "`record` has it", "redacted `params`, when the virtual server's `record` asks for them"),
    ("result", "`record` has it", "redacted `result`, when the virtual server's `record` asks for them"),
];

fn page() -> String {
    let mut page = String::from(
        "# Audit records\n\nEvery request leaves exactly one record, refusals too, and so does every command that changes the store. A record is one JSON object, \
         in the store and, with `records.stdout`, as a line on standard output. Credentials are never in it; \
         arguments and results only where a virtual server asks for them, and then redacted.\n\n\
         | member | present | meaning |\n|---|---|---|\n",
    );
    for (name, present, meaning) in FIELDS {
        page.extend([format!("| `{name}` | {present} | {meaning} |\n")]);
    }
    page
}

/// A record in which everything is there. No member is left to a default: a new one has to be explained.
fn full() -> Record {
    let text = || Some(String::new());
    Record {
        time: String::new(),
        request_id: String::new(),
        trace_id: String::new(),
        peer: text(),
        http_method: String::new(),
        path: String::new(),
        issuer: text(),
        subject: text(),
        client: text(),
        server: text(),
        agent: text(),
        upstream: text(),
        protocol_version: text(),
        binding: text(),
        upstream_interface: text(),
        method: text(),
        capability: text(),
        task: text(),
        context: text(),
        states: vec![String::new()],
        batch: vec![BatchMessage::default()],
        decision: Decision::Allowed,
        reason: String::new(),
        detail: text(),
        fault: Some(Fault::Gateway),
        status: 0,
        rpc_error: Some(0),
        request_bytes: 0,
        response_bytes: 0,
        filtered: 1,
        streamed: false,
        aborted: false,
        gateway_us: 0,
        upstream_us: 0,
        first_event_us: Some(0),
        total_us: 0,
        arguments: text(),
        result: text(),
    }
}

#[test]
fn every_member_of_a_record_is_explained() {
    let json = serde_json::to_value(full()).expect("a record is JSON");
    let mut written: Vec<_> = json.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut explained: Vec<_> = FIELDS.iter().map(|(name, ..)| *name).collect();
    written.sort_unstable();
    explained.sort_unstable();
    assert_eq!(written, explained);
    compare("audit-record.md", &page());
}
