//! What is asked: one operation with its parameters, whichever binding it came by.

use std::borrow::Cow;

use doorward_model::Binding;
use doorward_protocol::{
    a2a::{
        Asked, Dialect, ErrorKind, Failure, Operation, Version, proto,
        rest::{self, RestError},
        translate,
    },
    grpc::FrameReader,
    json::Document,
    rpc::{MAX_ID, Message},
};
use http::{HeaderMap, header};

use super::{
    super::{Reason, Refusal, authenticate::Authenticated, read, record::OpenRecord},
    Face,
    call::{Call, Named, Params, parse},
    delegation::Chain,
    refused,
    visit::{Found, Way},
};

/// The service parameter that names the version (A2A 1.0 section 3.2.6).
const VERSION: &str = "a2a-version";
/// The service parameter that activates extensions, and its name in 0.3.
const EXTENSIONS: [&str; 2] = ["a2a-extensions", "x-a2a-extensions"];
/// Most extensions of one request.
const MAX_EXTENSIONS: usize = 32;

/// An operation and its parameters.
struct Said {
    operation: Operation,
    params: Params,
}

/// Reads what a known caller asks.
pub(super) async fn call(
    found: Found,
    caller: Authenticated,
    face: &mut Face,
    record: &mut OpenRecord,
) -> Result<Box<Call>, Refusal> {
    let Found { agent, way, method, headers, content, .. } = found;
    record.binding(face.binding);
    let limits = &agent.entrance.limits;
    let body = read::body(content, limits).await?;
    record.received(body.len());
    let said = match &way {
        Way::JsonRpc => json_rpc(&headers, body, limits.depth, face)?,
        Way::HttpJson(path) => http_json((method.as_str(), path), &headers, body, limits.depth, face)?,
        Way::Grpc(version, method) => grpc((*version, method), &headers, body, limits.request_body)?,
        Way::Card | Way::Callback(_) => return Err(Reason::NotFound.into()),
    };
    if !agent.agent.versions.contains(&face.version) {
        return Err(unsupported("this agent is published in another version"));
    }
    let params = said.params.v1().root().as_object();
    let params = params.ok_or_else(|| super::invalid("params", "must be an object"))?;
    let asked = Asked::read(said.operation, params).map(Named::of);
    let asked = asked?;
    record.asked(Some(face.version.name()), Some(said.operation.name()), None);
    record.about(asked.task.as_deref(), asked.context.as_deref());
    if asked.tenant.as_deref().is_some_and(|tenant| tenant != agent.agent.name.as_str()) {
        return Err(Reason::NotFound.into());
    }
    Ok(Box::new(Call {
        owner: Call::owner_of(&caller),
        face: face.clone(),
        operation: said.operation,
        params: said.params,
        asked,
        extensions: extensions(&headers),
        chain: Chain::of(&headers),
        agent,
        caller,
    }))
}

/// JSON-RPC: the method's name says the version, and the header must say the same.
fn json_rpc(headers: &HeaderMap, body: bytes::Bytes, depth: usize, face: &mut Face) -> Result<Said, Refusal> {
    check_media(headers)?;
    let document = read::parse(body, depth)?;
    let envelope = |text: String| Refusal::from(Reason::NotJsonRpc(text));
    // An id that can be read is answered to, whatever else is wrong.
    let id = document.root().as_object().and_then(|object| object.get("id"));
    let id = id.filter(|id| id.raw().len() <= MAX_ID && (id.as_i64().is_some() || id.as_str().is_some()));
    face.id = id.map(|id| bytes::Bytes::copy_from_slice(id.raw()));
    let message = Message::read(&document).map_err(|error| envelope(error.to_string()))?;
    // There is nothing in A2A that wants no answer: without an id it is answered under `null`.
    let (Message::Request { params, .. } | Message::Notification { params, .. }) = message else {
        return Err(envelope("a request is expected".to_owned()));
    };
    let method = message.method().unwrap_or_default();
    let asked = version(headers, None)?;
    let (operation, version) = Operation::of_json_rpc(&method)
        .ok_or_else(|| refused(ErrorKind::MethodNotFound, "Method not found"))?;
    check_version(version, asked)?;
    face.asked(operation, version);
    let params = match params {
        Some(params) => params.value().to_document(&document),
        None => parse(b"{}".to_vec())?,
    };
    let dialect = Dialect::of(version, Binding::JsonRpc);
    let message = face.id.as_ref().map(|_| document.bytes().clone());
    said(operation, dialect, params, message)
}

/// HTTP+JSON: the path says the version, and the header or the query must say the same.
fn http_json(
    (method, path): (&str, &str),
    headers: &HeaderMap,
    body: bytes::Bytes,
    depth: usize,
    face: &mut Face,
) -> Result<Said, Refusal> {
    let request = rest::parse(method, path).map_err(of_path)?;
    face.version = request.version;
    check_version(request.version, version(headers, request.version_in_query.as_deref())?)?;
    let body = if body.is_empty() {
        None
    } else {
        check_media(headers)?;
        Some(read::parse(body, depth)?)
    };
    let merged = match rest::params(&request, body.as_ref()).map_err(of_path)? {
        Cow::Owned(text) => Some(parse(text)?),
        Cow::Borrowed(_) => None,
    };
    let params = merged.or(body).ok_or(Reason::Internal)?;
    said(request.operation, Dialect::of(request.version, Binding::HttpJson), params, None)
}

/// gRPC: the service says the version; where the metadata says one too, it must be the same.
fn grpc(
    (version, method): (Version, &str),
    headers: &HeaderMap,
    body: bytes::Bytes,
    limit: usize,
) -> Result<Said, Refusal> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !matches!(content_type.trim(), "application/grpc" | "application/grpc+proto") {
        return Err(Reason::UnsupportedMediaType.into());
    }
    if headers.contains_key(VERSION) {
        check_version(version, self::version(headers, None)?)?;
    }
    let unknown = || refused(ErrorKind::MethodNotFound, "the service has no such method");
    let operation = Operation::of_grpc(method, version).ok_or_else(unknown)?;
    let schema = proto::request(version, operation).ok_or_else(unknown)?;
    let limits = proto::Limits::of_message(limit);
    let text = proto::decode(schema, &message(body, limit)?, limits)
        .map_err(|error| refused(ErrorKind::Parse, &format!("the message cannot be read: {error}")))?;
    said(operation, Dialect::of(version, Binding::Grpc), parse(text)?, None)
}

/// The one message of a unary or server-streaming call.
fn message(body: bytes::Bytes, limit: usize) -> Result<bytes::Bytes, Refusal> {
    let mut frames = FrameReader::new(limit);
    frames.push(body);
    let broken = |detail: String| Refusal::from(Reason::BodyBroken).detail(detail);
    let message = frames.next_message().map_err(|error| broken(error.to_string()))?;
    let message = message.ok_or_else(|| broken("no message".to_owned()))?;
    if frames.is_clean_end() { Ok(message) } else { Err(broken("more than one message".to_owned())) }
}

/// Members that readers of ProtoJSON would take for others are spelled out first, so that what is judged is what the
/// agent will read.
fn said(
    operation: Operation,
    dialect: Dialect,
    params: Document,
    message: Option<bytes::Bytes>,
) -> Result<Said, Refusal> {
    let plain = translate::plain(dialect, operation, params.root());
    let plain = plain.map_err(super::untranslatable)?;
    let rewritten = match plain {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(parse(text)?),
    };
    let (params, message) = match rewritten {
        Some(rewritten) => (rewritten, None),
        None => (params, message),
    };
    Ok(Said { operation, params: Params::written(operation, dialect, params, message)? })
}

/// The version that the caller asks for, by header or query; without either it is 0.3 (section 3.6.2).
fn version(headers: &HeaderMap, query: Option<&str>) -> Result<Option<Version>, Refusal> {
    let mut values = headers.get_all(VERSION).iter();
    let header = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => Some(value.to_str().map_err(|_| unsupported("it is not a version"))?),
        _ => return Err(unsupported("it is there twice")),
    };
    let text = header.or(query).unwrap_or_default();
    if text.trim().is_empty() {
        return Ok(None);
    }
    Version::parse(text).map(Some).map_err(|_| unsupported("it is not supported here"))
}

/// Whether what is said in one version is meant in it.
fn check_version(said: Version, asked: Option<Version>) -> Result<(), Refusal> {
    match asked {
        None if said == Version::V0_3 => Ok(()),
        None => Err(unsupported("it is missing, which means 0.3, and this is of 1.0")),
        Some(asked) if asked == said => Ok(()),
        Some(Version::V0_3) => Err(unsupported("it says 0.3, and this is of 1.0")),
        Some(_) => Err(refused(ErrorKind::MethodNotFound, "this is of 0.3, and `A2A-Version` says 1.0")),
    }
}

fn unsupported(why: &str) -> Refusal {
    let mut failure = Failure::new(
        ErrorKind::VersionNotSupported,
        format!("the header `A2A-Version` must be 1.0 or 0.3: {why}"),
    );
    failure.metadata = Some(r#"{"supportedVersions":"1.0, 0.3"}"#.to_owned());
    failure.into()
}

/// `application/json`, and what 1.0 calls its own.
fn check_media(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = value.split(';').next().unwrap_or_default().trim();
    if ["application/json", "application/a2a+json"].iter().any(|known| media.eq_ignore_ascii_case(known)) {
        Ok(())
    } else {
        Err(Reason::UnsupportedMediaType.into())
    }
}

fn of_path(error: RestError) -> Refusal {
    match error {
        RestError::MethodNotAllowed(allow) => Reason::MethodNotAllowed(allow).into(),
        error => match error.field() {
            Some(field) => super::invalid(field, &error.to_string()),
            None => refused(error.kind(), &error.to_string()),
        },
    }
}

fn extensions(headers: &HeaderMap) -> Vec<String> {
    let mut extensions: Vec<String> = Vec::new();
    let values =
        EXTENSIONS.iter().flat_map(|name| headers.get_all(*name)).filter_map(|value| value.to_str().ok());
    for uri in values.flat_map(|value| value.split(',')).map(str::trim).filter(|uri| !uri.is_empty()) {
        if extensions.len() < MAX_EXTENSIONS && !extensions.iter().any(|known| known == uri) {
            extensions.push(uri.to_owned());
        }
    }
    extensions
}
