//! The card that callers see: public, signed, one document per version (A2A 1.0 sections 8.2, 8.4, 8.6), and the extended
//! one, which is made anew for each caller.

use std::sync::Arc;

use doorward_guard::Permit;
use doorward_model::Timestamp;
use doorward_protocol::{
    a2a::{ErrorKind, Operation, Version, card as cards},
    json::Document,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    super::{Answer, Reason, Refusal, record::OpenRecord, refusal::UpstreamFailure},
    call::Call,
    send,
};
use crate::{
    App,
    agents::{self, Shown},
    path::hide_from_other_origins,
    routes::PublishedAgent,
};

/// How long others may keep a card, in seconds.
const MAX_AGE: &str = "public, max-age=60";

/// Answers with the public card.
pub(super) async fn public(
    app: &App,
    agent: &PublishedAgent,
    headers: &HeaderMap,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let Some(shown) = agent.shown(app).await else {
        let why = agent.known.trouble().unwrap_or_else(|| "its card was not fetched yet".to_owned());
        let name = agent.agent.name.to_string();
        return Err(Refusal::from(Reason::Agent(UpstreamFailure::Unreachable, name)).detail(why));
    };
    record.allow();
    let asked = headers.get("a2a-version").and_then(|value| value.to_str().ok());
    let (kind, body) = match asked.map(Version::parse) {
        // Who names no version may be of either.
        None => ("hybrid", &shown.documents.hybrid),
        Some(Ok(Version::V1_0)) => ("1.0", &shown.documents.v1),
        Some(Ok(Version::V0_3)) if agent.agent.versions.contains(&Version::V0_3) => {
            ("0.3", &shown.documents.v03)
        }
        Some(_) => {
            return Err(super::refused(
                ErrorKind::VersionNotSupported,
                "there is no card for this `A2A-Version`; without that header there is one",
            ));
        }
    };
    let etag = format!("W/\"{}-{kind}\"", shown.etag);
    let modified = http_date(shown.since);
    let mut answer = if is_known(headers, &etag, &shown) {
        Answer::empty(StatusCode::NOT_MODIFIED)
    } else {
        Answer::json(StatusCode::OK, body.clone())
    };
    for (name, value) in [
        (header::ETAG, etag.as_str()),
        (header::LAST_MODIFIED, modified.as_str()),
        (header::CACHE_CONTROL, MAX_AGE),
        (header::VARY, "A2A-Version"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers.insert(name, value);
        }
    }
    Ok(answer)
}

/// Whether the caller has this card already (RFC 9110 section 13.2.2).
fn is_known(headers: &HeaderMap, etag: &str, shown: &Shown) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(known) = text(header::IF_NONE_MATCH) {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        return known.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag));
    }
    text(header::IF_MODIFIED_SINCE).is_some_and(|since| since == http_date(shown.since))
}

/// RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_second(moment.as_secs()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Answers with the extended card: the agent's, rewritten and signed as the public one, for this caller alone.
pub(super) async fn extended(
    app: &Arc<App>,
    call: Box<Call>,
    permit: Permit,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let talk = send::begin(app, call, permit, record).await?;
    let response = talk.ask(app, Operation::GetExtendedAgentCard, &talk.call.params.clone(), record).await?;
    let document = match talk.hear(Operation::GetExtendedAgentCard, response).await? {
        super::source::Heard::Error(failure) => return Ok(talk.error(&failure, record)),
        super::source::Heard::Result(document, _) => document,
    };
    let text = bytes::Bytes::copy_from_slice(document.root().raw());
    let card = Document::parse(text, cards::MAX_DEPTH).map_err(|error| talk.invalid(error.to_string()))?;
    let card = cards::read(&card).map_err(|error| talk.invalid(error.to_string()))?;
    let documents = agents::extended(app, &card, &talk.call.agent.agent);
    let face = &talk.call.face;
    let text = match (face.version, face.binding) {
        (Version::V1_0, _) => &documents.v1,
        (Version::V0_3, doorward_model::Binding::JsonRpc | doorward_model::Binding::HttpJson) => {
            &documents.v03
        }
        (Version::V0_3, doorward_model::Binding::Grpc) => &documents.v03_proto,
    };
    let mut answer = face.unary(Operation::GetExtendedAgentCard, text)?;
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    hide_from_other_origins(&mut answer);
    Ok(answer)
}
