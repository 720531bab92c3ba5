//! Requests of 2026-07-28: what is let through means the same to every reader.

use bytes::Bytes;
use doorward_protocol::json::{Document, Object};
use doorward_protocol::mcp::{
    Era, Method, header,
    modern::{self, HeaderText, Mirror},
    target::Target,
};
use doorward_protocol::rpc::Message;
use serde_json::Value;

use super::{DEPTH, first_line};

/// The first three lines are `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name`; an empty one was not sent, one that is no
/// visible ASCII is malformed. The rest is the body. Nothing that passes the checks has a member that differs from one of the
/// protocol in case only, or headers that say something else.
///
/// # Panics
/// If that does not hold.
pub fn modern_request(data: &[u8]) {
    let (mirror, body) = split(data);
    modern::is_modern(&mirror.version, None);
    let Ok(document) = Document::parse(Bytes::copy_from_slice(body), DEPTH) else { return };
    let Ok(message) = Message::read(&document) else { return };
    let Some(root) = document.root().as_object() else { panic!("a message that is no object") };
    unambiguous(root, &["jsonrpc", "id", "method", "params", "result", "error"]);
    // Half of a surrogate pair has no text, so that reader refuses it.
    let theirs: Option<Value> = serde_json::from_slice(body).ok();
    envelope(&message, theirs.as_ref());
    request(&mirror, &message, theirs.as_ref());
}

/// The mirrored headers and the body.
fn split(data: &[u8]) -> (Mirror, &[u8]) {
    let (version, rest) = first_line(data);
    let (method, rest) = first_line(rest);
    let (name, body) = first_line(rest);
    (Mirror { version: header_text(version), method: header_text(method), name: header_text(name) }, body)
}

/// Whether an input is a modern request that every check lets through.
#[cfg(test)]
pub(super) fn passes(data: &[u8]) -> bool {
    let (mirror, body) = split(data);
    let Ok(document) = Document::parse(Bytes::copy_from_slice(body), DEPTH) else { return false };
    let Ok(message) = Message::read(&document) else { return false };
    let Some(name) = message.method() else { return false };
    let Some(method) = Method::parse(&name, Era::Modern) else { return false };
    let Ok(target) = Target::read(method, message.params()) else { return false };
    modern::check_version(&mirror, message.params()).is_ok()
        && modern::check_method(&mirror, &name).is_ok()
        && modern::check_tasks(method, message.params()).is_ok()
        && modern::check_name(&mirror, method, &target).is_ok()
}

/// As the gateway reads a header: absent, visible ASCII, or malformed.
fn header_text(line: &[u8]) -> HeaderText {
    match std::str::from_utf8(line) {
        Ok("") => HeaderText::Absent,
        Ok(text) if text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) => {
            HeaderText::Text(text.to_owned())
        }
        _ => HeaderText::Malformed,
    }
}

/// Another reader sees the same message.
fn envelope(message: &Message<'_>, theirs: Option<&Value>) {
    assert_eq!(message.method().is_some(), !matches!(message, Message::Response { .. }));
    let Some(theirs) = theirs else { return };
    assert_eq!(theirs["jsonrpc"], "2.0");
    assert_eq!(theirs.get("method").and_then(Value::as_str), message.method().as_deref());
    assert_eq!(theirs.get("params").is_some() && message.method().is_some(), message.params().is_some());
    match message {
        Message::Request { .. } => assert!(theirs["id"].is_string() || theirs["id"].is_number()),
        Message::Notification { .. } => assert!(theirs.get("id").is_none()),
        Message::Response { .. } => {
            let (result, error) = (theirs.get("result"), theirs.get("error"));
            assert!(result.is_some() != error.is_some(), "a response is one of the two");
        }
    }
}

/// The checks of a modern request, each against what it promises.
fn request(mirror: &Mirror, message: &Message<'_>, theirs: Option<&Value>) {
    let Some(name) = message.method() else { return };
    let params = message.params();
    let modern_message = modern::is_modern(&mirror.version, Some(message));
    if let Ok(version) = modern::check_version(mirror, params) {
        assert!(modern_message, "a modern version, and not modern");
        assert_eq!(mirror.version.text(), Some(version));
        let Some(meta) = params.and_then(modern::meta) else { panic!("a version without `_meta`") };
        unambiguous(meta, &[modern::META_VERSION, modern::META_CAPABILITIES]);
        if let Some(theirs) = theirs {
            assert_eq!(theirs["params"]["_meta"][modern::META_VERSION], version);
        }
    }
    if modern::check_method(mirror, &name).is_ok() {
        assert_eq!(mirror.method.text(), Some(&*name));
    }
    for era in [Era::Legacy, Era::Modern] {
        let Some(method) = Method::parse(&name, era) else { continue };
        assert_eq!(method.name(), name, "a method has one name");
        target(mirror, method, params, theirs);
    }
}

fn target(mirror: &Mirror, method: Method, params: Option<Object<'_>>, theirs: Option<&Value>) {
    if method.is_task() && modern::check_tasks(method, params).is_ok() {
        let meta = theirs.map(|theirs| &theirs["params"]["_meta"]);
        let extensions = meta.map(|meta| &meta[modern::META_CAPABILITIES]["extensions"]);
        assert!(extensions.is_none_or(|extensions| extensions.get(modern::TASKS_EXTENSION).is_some()));
    }
    let Ok(target) = Target::read(method, params) else { return };
    if let Some(params) = params {
        unambiguous(params, &["name", "uri", "taskId", "ref", "requestState", "inputResponses", "_meta"]);
    }
    let text = target.text();
    if let Some(theirs) = theirs {
        let params = &theirs["params"];
        let told = match method {
            Method::ToolsCall | Method::PromptsGet => params["name"].as_str(),
            Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
                params["uri"].as_str()
            }
            Method::TasksGet | Method::TasksUpdate | Method::TasksCancel => params["taskId"].as_str(),
            Method::CompletionComplete if params["ref"]["type"] == "ref/prompt" => {
                params["ref"]["name"].as_str()
            }
            Method::CompletionComplete => params["ref"]["uri"].as_str(),
            _ => None,
        };
        assert_eq!(text, told, "another reader sees another target");
    }
    assert_eq!(target.clone().into_owned().text(), text);
    let mirrored = matches!(method, Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead);
    if mirrored && modern::check_name(mirror, method, &target).is_ok() {
        let decoded = mirror.name.text().and_then(header::decode);
        assert_eq!(decoded.as_deref(), text, "`Mcp-Name` says something else");
    }
}

/// No member is one of `names` to a reader that ignores case, and none of them to one that does not.
fn unambiguous(object: Object<'_>, names: &[&str]) {
    // What Go folds to ASCII besides ASCII.
    let folded = |text: &str| text.replace('\u{17F}', "s").replace('\u{212A}', "k").to_ascii_lowercase();
    for member in object.members() {
        for name in names {
            assert!(member.name == *name || folded(&member.name) != folded(name), "a case variant of {name}");
        }
    }
}
