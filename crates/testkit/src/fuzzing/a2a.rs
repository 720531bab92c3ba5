//! A2A: paths of HTTP+JSON, and payloads of both versions.

use bytes::Bytes;
use doorward_protocol::a2a::translate::{self, AtInput};
use doorward_protocol::a2a::{Dialect, Operation, rest};
use doorward_protocol::json::{Document, Value};

use super::{DEPTH, first_line};

/// The first line is a method and a path, the rest a body. Ids are single segments that mean no other place, the
/// parameters are an object that says what the path says, and what they are sent as is read as the same again.
///
/// # Panics
/// If that does not hold.
pub fn a2a_rest(data: &[u8]) {
    let (line, body) = first_line(data);
    let Ok(line) = std::str::from_utf8(line) else { return };
    let Some((method, path)) = line.split_once(' ') else { return };
    let Ok(request) = rest::parse(method, path) else { return };
    for id in [&request.tenant, &request.task, &request.config].into_iter().flatten() {
        assert!(!id.is_empty() && !id.contains(['/', '\0']) && *id != "." && *id != "..", "no id: {id:?}");
    }
    let body = document(body);
    let Ok(params) = rest::params(&request, body.as_ref()) else { return };
    let params = document(&params).expect("parameters that are JSON");
    let object = params.root().as_object().expect("parameters that are an object");
    let whole = |name: &str| object.get(name).and_then(Value::as_str).map(std::borrow::Cow::into_owned);
    if let Some(task) = &request.task {
        let name = format!("tasks/{task}");
        let names = [whole("id"), whole("taskId"), whole("name"), whole("parent")];
        let says = |text: &String| **text == **task || *text == name || text.starts_with(&format!("{name}/"));
        assert!(names.iter().flatten().any(says), "the task of the path is lost");
    }
    let tenant = request.tenant.as_deref();
    let Ok(sent) = rest::format(request.version, request.operation, tenant, &params) else { return };
    let again = rest::parse(sent.method, &sent.path_and_query).expect("a path that is understood");
    assert_eq!(again.operation, request.operation);
    assert_eq!(again.version, request.version);
    assert_eq!(
        (&again.tenant, &again.task, &again.config),
        (&request.tenant, &request.task, &request.config)
    );
}

/// The first line says what the rest is: a digit for the operation, and whether it is parameters, a result or an event.
/// Every translation is JSON without duplicate names, and what has been to the other version and back stays as it is.
///
/// # Panics
/// If that does not hold.
pub fn a2a_payload(data: &[u8]) {
    let (line, text) = first_line(data);
    let [operation, what] = *line else { return };
    let Some(document) = document(text) else { return };
    let Some(operation) = Operation::ALL.get(usize::from(operation.wrapping_sub(b'a'))).copied() else {
        return;
    };
    let step = |from, to, value: &Document| {
        let value = value.root();
        let written = match what {
            b'p' => translate::params(from, to, operation, value),
            b'r' => translate::result(from, to, operation, value),
            b'e' => translate::event(from, to, value, AtInput::GoesOn),
            _ => return None,
        };
        let written = written.ok()?;
        Some(self::document(&written).expect("a translation that is JSON"))
    };
    for dialect in [Dialect::V1, Dialect::V03Rpc, Dialect::V03Proto] {
        if let (b'p', Ok(plain)) = (what, translate::plain(dialect, operation, document.root())) {
            let plain = self::document(&plain).expect("plain parameters that are JSON");
            let again = translate::plain(dialect, operation, plain.root()).expect("plain parameters");
            assert_eq!(&*again, plain.root().raw(), "plain parameters are not plain");
        }
    }
    for old in [Dialect::V03Rpc, Dialect::V03Proto] {
        let _ = step(old, Dialect::V1, &document);
        let Some(there) = step(Dialect::V1, old, &document) else { continue };
        let back = step(old, Dialect::V1, &there).expect("a translation that can be translated back");
        // The one webhook of a task is asked for by its id from then on.
        if operation != Operation::GetPushConfig || what != b'p' {
            let again = step(Dialect::V1, old, &back).expect("the same once more");
            assert_eq!(again.bytes(), there.bytes(), "it changes on every way");
        }
    }
}

fn document(text: &[u8]) -> Option<Document> {
    Document::parse(Bytes::copy_from_slice(text), DEPTH).ok()
}
