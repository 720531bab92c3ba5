//! The refusals as a page for operators: generated from the refusals themselves.

use std::{collections::BTreeSet, time::Duration};

use doorward_model::{Kind, Name};
use doorward_protocol::{
    a2a::{ErrorKind, Failure},
    mcp::{Era, modern::ModernError},
    rpc::code,
};

use http::StatusCode;

use super::{Reason, UpstreamFailure};
use crate::api::Problem;
use crate::connections::{Lack, NotConnected};

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
        (Reason::NotFound, "no such path, virtual server or agent"),
        (Reason::MethodNotAllowed(""), "the path exists, the HTTP method does not"),
        (
            Reason::NotAllowed,
            "the caller is known but `allow` of the virtual server or agent does not name it",
        ),
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
        (
            Reason::NotAPage(""),
            "a browser opened the address of a virtual server or an agent; a text says what it is",
        ),
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
        (
            Reason::TooManyStreams,
            "`limits.streams` are open at this virtual server or agent, or the caller has `quotas.streams` of the agent",
        ),
        (Reason::RateExceeded(Duration::ZERO), "the caller called more often than `rate` allows"),
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
        (
            upstream(UpstreamFailure::NoCredential),
            "`credential` refers to a secret that the store does not have; `doorward secret set` puts it there",
        ),
        (Reason::Internal, "Doorward's own fault"),
    ]
}

/// One of each refusal for want of a connection, with its meaning for an operator.
fn of_connections() -> Vec<(Reason, &'static str)> {
    let missing = |lack| {
        let place = doorward_model::Place::Upstream(Name::parse("u").expect("a name"));
        Reason::NotConnected(Box::new(NotConnected { place, link: String::new(), shared: false, lack }))
    };
    vec![
        (
            missing(Lack::Never),
            "the person, or for a shared connection an administrator, has not connected an account",
        ),
        (
            missing(Lack::Broken(String::new())),
            "the connection cannot be renewed any more; `detail` and the log say why",
        ),
        (missing(Lack::Scope), "the upstream asks for more than the connection allows"),
        (missing(Lack::Nobody), "only people have connections of their own, and the caller is none"),
    ]
}

/// One of each refusal that only agents have, with its meaning for an operator.
fn of_agents() -> Vec<(Reason, &'static str)> {
    let told = |kind| Reason::A2a(Box::new(Failure::new(kind, "")));
    let agent = |failure| Reason::Agent(failure, String::new());
    vec![
        (told(ErrorKind::TaskNotFound), "no such task, or somebody else's; so with contexts and webhooks"),
        (told(ErrorKind::TaskNotCancelable), "the task has ended"),
        (told(ErrorKind::UnsupportedOperation), "the task has ended, or the agent does not do this"),
        (told(ErrorKind::PushNotificationNotSupported), "no webhooks: `push` is off, or the agent has none"),
        (told(ErrorKind::ExtensionSupportRequired), "the agent requires an extension that is not activated"),
        (told(ErrorKind::VersionNotSupported), "`A2A-Version` is missing, or is not a version of this agent"),
        (told(ErrorKind::MethodNotFound), "no such operation in this binding and version"),
        (
            told(ErrorKind::InvalidParams),
            "a parameter is not what it must be, or has no words in the other version",
        ),
        (told(ErrorKind::Parse), "a message of gRPC that cannot be read"),
        (Reason::AgentNotNamed, "gRPC: neither tenant nor token says which of several agents is meant"),
        (Reason::NotGrpc, "the address of gRPC, asked by something else"),
        (Reason::DelegationLoop, "the request was at this agent before"),
        (Reason::DelegationTooDeep(0), "the request came through more agents than `delegation_depth`"),
        (
            Reason::TooManyTasks("", 0),
            "the caller has `quotas.tasks` that have not ended, or `quotas.input_required` that wait for it",
        ),
        (
            Reason::TooManyDeliveries,
            "a receiver of webhooks is so far behind that the agent is told to come again",
        ),
        (Reason::NotAnEvent, "an agent called back with something that is no push notification about a task"),
        (agent(UpstreamFailure::Unreachable), "no approved card, or no connection to the agent"),
        (
            agent(UpstreamFailure::Timeout),
            "the agent did not answer within `timeout`, or its stream fell silent",
        ),
        (agent(UpstreamFailure::Broken), "the agent broke off"),
        (agent(UpstreamFailure::TooLarge), "the agent sent more than `limits.response_body`"),
        (
            agent(UpstreamFailure::Invalid),
            "what the agent sent is no valid answer, or is about somebody else's task",
        ),
        (agent(UpstreamFailure::Unauthorized), "the agent refused `credential`, or there is none to be had"),
        (agent(UpstreamFailure::Redirect), "the agent redirects, which is never followed"),
        (agent(UpstreamFailure::Status(500)), "the agent answered with an unexpected HTTP status"),
        (
            agent(UpstreamFailure::NoCredential),
            "`credential` refers to a secret that the store does not have; `doorward secret set` puts it there",
        ),
    ]
}

/// The refusals that carry a challenge; their answers differ only in its `error`.
const CREDENTIALS: [(&str, u16, &str); 16] = [
    (
        "credential_missing",
        401,
        "no credential; the challenges name what is taken, that for tokens the metadata, and have no `error`",
    ),
    ("credential_in_query", 400, "a token in the URL"),
    ("credential_ambiguous", 400, "several credentials, or one header several times"),
    ("api_key_unknown", 401, "not one of the keys that are taken here"),
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

/// What is refused at the endpoints of the authorization server and on pages for people.
const AUTHORIZATION: [(&str, &str); 56] = [
    ("access_denied", "the person said no, or registration is switched off"),
    ("assertion_audience", "an assertion about a person that is for another authorization server"),
    ("assertion_client", "an assertion about a person that was given to another client"),
    ("administrators_only", "an account that serves everybody, which only administrators connect"),
    ("assertion_constraint", "an assertion about a person with a limit that Doorward does not know"),
    ("assertion_issuer", "an assertion about a person by somebody whom no `[[issuer]]` with `id_jag` names"),
    ("assertion_lifetime", "an assertion about a person that is good for longer than an hour"),
    ("assertion_resources", "an assertion about a person for several resources"),
    (
        "authorization_malformed",
        "an authorization request without a usable client or redirect URI; shown on a page",
    ),
    ("client_assertion", "a client's assertion that does not verify, or came a second time"),
    ("client_assertion_audience", "a client's assertion that is not for Doorward's issuer alone"),
    ("client_assertion_lifetime", "a client's assertion that is good for longer than five minutes"),
    ("client_method", "a client that proves who it is by another method than it is registered with"),
    ("client_secret", "a client's secret is wrong"),
    ("client_unknown", "no client has this id, or its document cannot be used"),
    (
        "code_replayed",
        "an authorization code came again after it was redeemed: the client grant was taken back",
    ),
    (
        "authorization_server_changed",
        "an upstream names another authorization server than the approved one; nothing was sent to it",
    ),
    ("connect_away", "an upstream, or its authorization server, does not answer"),
    ("connect_failed", "what somebody came back with from an authorization server was not taken there"),
    ("connect_mixed_up", "somebody came back from another authorization server than they were sent to"),
    (
        "connect_other_person",
        "somebody came back from an authorization server, and another person had gone there",
    ),
    ("connect_refused", "an authorization server, or the person there, did not allow the connection"),
    ("connect_unusable", "what an upstream or its authorization server says of itself cannot be used"),
    ("connection_unknown", "a connection that is gone, or somebody else's"),
    ("consent_required", "`prompt=none`, and the person would have to be asked"),
    ("first_link_unknown", "a link for the first administrator that was used, or is not the newest"),
    ("form_stale", "a form that was not given to this browser, was changed, or is older than ten minutes"),
    ("grant_unknown", "a client grant that is gone, or somebody else's"),
    ("interaction_required", "`prompt=none`, and the person would have to do something"),
    ("invalid_client", "a client did not prove who it is"),
    ("invalid_client_metadata", "a registration that cannot be understood"),
    (
        "invalid_grant",
        "a code, refresh token or assertion that is unknown, expired, used, or not this client's",
    ),
    ("invalid_redirect_uri", "a registration with a redirect URI that is not allowed"),
    ("invalid_request", "a request that is malformed, repeats a parameter, or lacks one; PKCE among them"),
    ("invalid_scope", "more scopes than were granted, or none that there are"),
    ("invalid_target", "no `resource`, several, or one that Doorward's tokens do not open"),
    ("login_required", "`prompt=none`, and nobody is signed in"),
    ("no_access", "the person is signed in, but `allow` of the virtual server does not name them"),
    ("place_unknown", "no account can be connected for this, or not by this person"),
    (
        "refresh_replayed",
        "a refresh token came again after its successor was used: the client grant was taken back",
    ),
    ("server_error", "Doorward's own fault"),
    ("sign_in_failed", "no such user, or not their password"),
    ("sign_in_not_allowed", "`allow` of the sign-in provider does not name this person"),
    ("sign_in_provider_away", "the sign-in provider does not answer"),
    ("sign_in_provider_refused", "the sign-in provider said no, or what it said does not hold"),
    ("sign_in_throttled", "too many failed attempts for this name, or from this address"),
    ("temporarily_unavailable", "too many failed attempts of a client, or too many clients"),
    ("too_often", "too many requests from this address"),
    ("unauthorized_client", "the client may not use this grant type"),
    ("unsupported_grant_type", "a grant type that Doorward does not have"),
    ("unsupported_response_type", "a response type other than `code`"),
    ("unsupported_token_type", "a type of token that cannot be revoked"),
    ("origin_not_allowed", "a form that a page of somebody else sent"),
    ("not_found", "no such sign-in provider, or no such file"),
    ("method_not_allowed", "an endpoint for programs was asked with another method than POST"),
    ("token_unknown", "at a virtual server: a token of Doorward's that expired or was taken back"),
];

/// `docs/reference/refusals.md`.
fn reference() -> String {
    let mut page = String::from(
        "# Refusals\n\nEvery request that is not served leaves a record with one of these codes in `reason`.\n\n\
         | reason | HTTP status | JSON-RPC code | whose fault | meaning |\n|---|---|---|---|---|\n",
    );
    for (reason, meaning) in samples().into_iter().chain(of_connections()) {
        let row = reason.row();
        let fault = format!("{:?}", row.fault).to_lowercase();
        let (status, code) = (row.status.as_u16(), row.code);
        page.extend([format!("| `{}` | {status} | {code} | {fault} | {meaning} |\n", row.reason)]);
    }
    page.push_str(
        "\n## Agents\n\nRefusals at agents are errors of A2A: `A2A` is the `reason` of their `ErrorInfo`, with which go the HTTP \
         status of HTTP+JSON, the code of JSON-RPC and the status of gRPC. Those above are told this way, too; where the \
         HTTP status above is not 200, it is that over JSON-RPC as well.\n\n\
         | reason | A2A | HTTP status | JSON-RPC code | gRPC | meaning |\n|---|---|---|---|---|---|\n",
    );
    for (reason, meaning) in of_agents() {
        let (row, kind) = (reason.row(), reason.kind());
        let status = if row.status == StatusCode::OK { kind.http() } else { row.status.as_u16() };
        let (word, rpc, grpc) = (kind.reason(), kind.json_rpc(), kind.grpc() as u32);
        page.extend([format!("| `{}` | `{word}` | {status} | {rpc} | {grpc} | {meaning} |\n", row.reason)]);
    }
    page.push_str(
        "\n## Credentials\n\nWith `WWW-Authenticate`, before anything about the request is read.\n\n",
    );
    page.push_str("| reason | HTTP status | meaning |\n|---|---|---|\n");
    for (reason, status, meaning) in CREDENTIALS {
        page.extend([format!("| `{reason}` | {status} | {meaning} |\n")]);
    }
    page.push_str(
        "\n## Authorization server and pages\n\nAt `/authorize`, `/token`, `/register`, `/revoke`, `/introspect` and on \
         pages for people.\n\n| reason | meaning |\n|---|---|\n",
    );
    let mut rows = AUTHORIZATION;
    rows.sort_unstable();
    for (reason, meaning) in rows {
        page.extend([format!("| `{reason}` | {meaning} |\n")]);
    }
    page.push_str(
        "\n## Admin API\n\nBelow `/api/v1`, as problems in JSON (RFC 9457) whose `reason` is this one.\n\n\
         | reason | HTTP status | meaning |\n|---|---|---|\n",
    );
    for (reason, status, meaning) in Problem::ALL.map(Problem::row) {
        page.extend([format!("| `{reason}` | {status} | {meaning} |\n")]);
    }
    page
}

/// Words in quotation marks on lines of this module, and of those below it, that note a reason.
fn reasons(module: &std::path::Path, found: &mut BTreeSet<String>) {
    if let Ok(directory) = module.read_dir() {
        directory.for_each(|entry| reasons(&entry.expect("an entry").path(), found));
    }
    let text = std::fs::read_to_string(module).unwrap_or_default();
    let notes = |line: &&str| line.contains("record") || line.contains("=> \"");
    let is_reason = |word: &&str| {
        word.contains('_') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    for line in text.lines().filter(notes) {
        found.extend(line.split('"').skip(1).step_by(2).filter(is_reason).map(str::to_owned));
    }
}

#[test]
fn no_reason_of_the_authorization_server_is_missing() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let core = source.join("../../auth/src/server");
    let mut found = BTreeSet::new();
    for module in [source.join("oauth"), source.join("people"), source.join("own_tokens.rs")] {
        reasons(&module, &mut found);
    }
    for module in ["assertion.rs", "client_auth.rs", "error.rs"] {
        reasons(&core.join(module), &mut found);
    }
    // Names of cookies look alike.
    found.retain(|word| !word.starts_with("doorward_"));
    assert!(found.len() > 30, "{found:?}");
    let known: BTreeSet<_> = AUTHORIZATION.iter().map(|(reason, _)| (*reason).to_owned()).collect();
    assert_eq!(known.len(), AUTHORIZATION.len());
    let missing: Vec<_> = found.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn no_reason_of_a_request_is_missing() {
    let refusal = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/path/refusal");
    let sources = ["row.rs", "connect.rs", "a2a.rs", "upstream.rs"].map(|file| refusal.join(file));
    let mut found = BTreeSet::new();
    for text in sources.map(|source| std::fs::read_to_string(source).expect("a source")) {
        let rows = text.lines().filter_map(|line| line.split_once("=> ")).map(|(_, row)| row);
        let words = rows.filter_map(|row| row.trim_start_matches('(').strip_prefix('"')?.split('"').next());
        let is_reason = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        found.extend(words.filter(is_reason).map(str::to_owned));
    }
    assert!(found.len() > 50, "{found:?}");
    let page = reference();
    found.retain(|reason| !page.contains(&format!("| `{reason}` |")));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn the_reference_page_is_current() {
    crate::reference::compare("refusals.md", &reference());
}
