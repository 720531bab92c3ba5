//! The refusals as a page for operators: generated from the refusals themselves.

use doorward_model::Kind;
use doorward_protocol::mcp::{Era, modern::ModernError};
use doorward_protocol::rpc::code;

use super::{Reason, UpstreamFailure};

/// One of each refusal that needs no virtual server, with its meaning for an operator.
fn samples() -> Vec<(Reason, &'static str)> {
    let modern = |code| Reason::Modern(ModernError { code, message: String::new(), data: None });
    let upstream = |failure| Reason::Upstream(failure, String::new());
    vec![
        (Reason::HostNotAllowed, "the Host header names neither `public_url` nor a loopback address"),
        (
            Reason::OriginNotAllowed,
            "the Origin header names no page that may call; see `listen.allowed_origins`",
        ),
        (Reason::NotFound, "no such path or virtual server"),
        (Reason::MethodNotAllowed(""), "the path exists, the HTTP method does not"),
        (Reason::NotAllowed, "the caller is known but `allow` of the virtual server does not name it"),
        (Reason::NotAcceptable, "the Accept header rules out JSON or event streams"),
        (Reason::UnsupportedMediaType, "the body is not `application/json`"),
        (Reason::BodyTooLarge, "the body is larger than `limits.request_body`"),
        (Reason::BodyTimeout, "the body took longer than `limits.request_time`"),
        (Reason::BodyBroken, "the client broke off"),
        (Reason::MalformedJson, "the body is not JSON"),
        (Reason::TooDeep, "the JSON is nested deeper than `limits.depth`"),
        (
            Reason::DuplicateKey,
            "an object has two members of one name: gateway and upstream could read different messages",
        ),
        (
            Reason::NotJsonRpc(String::new()),
            "the JSON is not a JSON-RPC message that this revision knows; batches are known to 2025-03-26 only",
        ),
        (Reason::BatchTooLong(0), "a batch of more than `limits.batch` messages"),
        (Reason::NotAPage, "a browser opened the address of a virtual server; a text says what it is"),
        (modern(code::INVALID_PARAMS), "a 2026-07-28 request without the required `_meta`"),
        (modern(code::HEADER_MISMATCH), "a header is missing or differs from the body"),
        (modern(code::MISSING_CAPABILITY), "the method needs a capability that the client did not declare"),
        (modern(code::UNSUPPORTED_VERSION), "the protocol version is not spoken here"),
        (Reason::UnknownMethod(Era::Modern), "a method that the revision does not have (2026-07-28)"),
        (
            Reason::UnknownMethod(Era::Legacy),
            "a method that the revision does not have (2025-11-25 and before)",
        ),
        (Reason::UnknownNotification, "a notification that the revision does not have; it is dropped"),
        (Reason::HiddenName(Kind::Tool), "a tool or prompt that is not exposed, whether it exists or not"),
        (
            Reason::HiddenUri(Era::Modern, String::new()),
            "a resource that is not exposed, whether it exists or not (2026-07-28)",
        ),
        (
            Reason::HiddenUri(Era::Legacy, String::new()),
            "a resource that is not exposed, whether it exists or not (2025-11-25 and before)",
        ),
        (Reason::InvalidParams(String::new()), "the parameters do not name what the method needs"),
        (
            Reason::HandleInvalid(""),
            "a cursor, request state or task id that was not given to this caller here, or has expired",
        ),
        (
            Reason::SessionUnknown,
            "a session that was not given to this caller here, has ended, or has expired",
        ),
        (Reason::SessionMissing, "an upstream that is reached over stdio or HTTP+SSE needs a session"),
        (Reason::TooManySessions, "`limits.sessions` are held at the upstream"),
        (Reason::TooManyStreams, "`limits.streams` are open at this virtual server"),
        (
            Reason::OtherEra(String::new()),
            "the upstream takes no messages of this revision; clients that know an older one fall back",
        ),
        (upstream(UpstreamFailure::Unreachable), "no connection to the upstream"),
        (upstream(UpstreamFailure::Timeout), "the upstream did not begin its answer within `timeout`"),
        (upstream(UpstreamFailure::Broken), "the upstream broke off"),
        (upstream(UpstreamFailure::TooLarge), "the upstream sent more than `limits.response_body`"),
        (upstream(UpstreamFailure::Invalid), "the upstream sent something that is not a valid MCP answer"),
        (upstream(UpstreamFailure::Unauthorized), "the upstream refused the configured credential"),
        (upstream(UpstreamFailure::Redirect), "the upstream redirects; correct its `url`"),
        (upstream(UpstreamFailure::Status(500)), "the upstream answered with an unexpected HTTP status"),
        (Reason::Internal, "Doorward's own fault"),
    ]
}

/// The refusals that carry a challenge; their answers differ only in its `error`.
const CREDENTIALS: [(&str, u16, &str); 15] = [
    ("credential_missing", 401, "no credential; the challenge names the metadata and has no `error`"),
    ("credential_in_query", 400, "a token in the URL"),
    ("credential_ambiguous", 400, "several Authorization headers"),
    ("scope_missing", 403, "the token lacks a scope; the challenge names all that the operation needs"),
    ("token_malformed", 401, "not a bearer token, or not one that this virtual server could accept"),
    ("token_algorithm", 401, "an algorithm that the issuer's list does not have, `none` and HS* among them"),
    ("token_critical", 401, "the header demands an extension that Doorward does not have"),
    ("token_not_yet", 401, "not valid yet, or issued in the future"),
    ("token_type", 401, "a JWT of another type, such as an ID-JAG or a DPoP proof"),
    ("token_issuer", 401, "an issuer that this virtual server does not trust"),
    ("token_key_unknown", 401, "no key of the issuer fits, also after fetching its keys again"),
    ("token_signature", 401, "the signature does not verify"),
    ("token_expired", 401, "expired"),
    ("token_audience", 401, "a token for another resource"),
    ("token_claims", 401, "a claim is missing or malformed"),
];

/// `docs/reference/refusals.md`.
fn reference() -> String {
    let mut page = String::from(
        "# Refusals\n\nEvery request that is not served leaves a record with one of these codes in `reason`.\n\n\
         | reason | HTTP status | JSON-RPC code | whose fault | meaning |\n|---|---|---|---|---|\n",
    );
    for (reason, meaning) in samples() {
        let row = reason.row();
        let fault = format!("{:?}", row.fault).to_lowercase();
        let (status, code) = (row.status.as_u16(), row.code);
        page.extend([format!("| `{}` | {status} | {code} | {fault} | {meaning} |\n", row.reason)]);
    }
    page.push_str(
        "\n## Credentials\n\nWith `WWW-Authenticate`, before anything about the request is read.\n\n",
    );
    page.push_str("| reason | HTTP status | meaning |\n|---|---|---|\n");
    for (reason, status, meaning) in CREDENTIALS {
        page.extend([format!("| `{reason}` | {status} | {meaning} |\n")]);
    }
    page
}

#[test]
fn the_reference_page_is_current() {
    crate::reference::compare("refusals.md", &reference());
}
