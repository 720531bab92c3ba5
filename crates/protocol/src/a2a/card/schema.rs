//! The messages of a card as tables (`a2a.proto` of 1.0.1, `message AgentCard` and what it holds).
//!
//! One table drives both what a card is checked for and what its canonical forms keep. `signatures` is no field here: a
//! signature does not cover it, and it is never passed on.

use Label::{Implicit, Map, Optional, Repeated, Required, RequiredList, RequiredMap};
use Type::{Bool, Identifier, Line, Message as M, Prose, Struct};

/// A message: its fields.
pub(super) struct Message(pub(super) &'static [Field]);

/// A field: its name in JSON, what it holds, and when it is there.
pub(super) struct Field(pub(super) &'static str, pub(super) Type, pub(super) Label);

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Type {
    /// A text of several lines, for people.
    Prose,
    /// A text of one line, for people.
    Line,
    /// A text that programs compare or go to.
    Identifier,
    Bool,
    Message(&'static Message),
    /// Any JSON object.
    Struct,
}

/// How often a field is there, and whether its absence differs from its default.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// `(google.api.field_behavior) = REQUIRED`.
    Required,
    /// It was set, or it was not: `optional`, and every message.
    Optional,
    /// Absent and default are the same.
    Implicit,
    Repeated,
    RequiredList,
    Map,
    RequiredMap,
}

/// The most elements of a list, and members of a map.
pub(super) const MAX_ELEMENTS: usize = 500;

pub(super) static CARD: Message = Message(&[
    Field("name", Line, Required),
    Field("description", Prose, Required),
    Field("supportedInterfaces", M(&INTERFACE), RequiredList),
    Field("provider", M(&PROVIDER), Optional),
    Field("version", Line, Required),
    Field("documentationUrl", Identifier, Optional),
    Field("capabilities", M(&CAPABILITIES), Required),
    Field("securitySchemes", M(&SCHEME), Map),
    Field("securityRequirements", M(&REQUIREMENT), Repeated),
    Field("defaultInputModes", Identifier, RequiredList),
    Field("defaultOutputModes", Identifier, RequiredList),
    Field("skills", M(&SKILL), RequiredList),
    Field("iconUrl", Identifier, Optional),
]);

static INTERFACE: Message = Message(&[
    Field("url", Identifier, Required),
    Field("protocolBinding", Identifier, Required),
    Field("tenant", Identifier, Implicit),
    Field("protocolVersion", Identifier, Required),
]);

static PROVIDER: Message =
    Message(&[Field("url", Identifier, Required), Field("organization", Line, Required)]);

static CAPABILITIES: Message = Message(&[
    Field("streaming", Bool, Optional),
    Field("pushNotifications", Bool, Optional),
    Field("extensions", M(&EXTENSION), Repeated),
    Field("extendedAgentCard", Bool, Optional),
]);

static EXTENSION: Message = Message(&[
    Field("uri", Identifier, Implicit),
    Field("description", Prose, Implicit),
    Field("required", Bool, Implicit),
    Field("params", Struct, Optional),
]);

static SKILL: Message = Message(&[
    Field("id", Identifier, Required),
    Field("name", Line, Required),
    Field("description", Prose, Required),
    Field("tags", Line, RequiredList),
    Field("examples", Prose, Repeated),
    Field("inputModes", Identifier, Repeated),
    Field("outputModes", Identifier, Repeated),
    Field("securityRequirements", M(&REQUIREMENT), Repeated),
]);

static REQUIREMENT: Message = Message(&[Field("schemes", M(&STRING_LIST), Map)]);

static STRING_LIST: Message = Message(&[Field("list", Identifier, Repeated)]);

static SCHEME: Message = Message(&[
    Field("apiKeySecurityScheme", M(&API_KEY), Optional),
    Field("httpAuthSecurityScheme", M(&HTTP_AUTH), Optional),
    Field("oauth2SecurityScheme", M(&OAUTH2), Optional),
    Field("openIdConnectSecurityScheme", M(&OPEN_ID_CONNECT), Optional),
    Field("mtlsSecurityScheme", M(&MUTUAL_TLS), Optional),
]);

static API_KEY: Message = Message(&[
    Field("description", Prose, Implicit),
    Field("location", Identifier, Required),
    Field("name", Identifier, Required),
]);

static HTTP_AUTH: Message = Message(&[
    Field("description", Prose, Implicit),
    Field("scheme", Identifier, Required),
    Field("bearerFormat", Identifier, Implicit),
]);

static OAUTH2: Message = Message(&[
    Field("description", Prose, Implicit),
    Field("flows", M(&FLOWS), Required),
    Field("oauth2MetadataUrl", Identifier, Implicit),
]);

static OPEN_ID_CONNECT: Message =
    Message(&[Field("description", Prose, Implicit), Field("openIdConnectUrl", Identifier, Required)]);

static MUTUAL_TLS: Message = Message(&[Field("description", Prose, Implicit)]);

static FLOWS: Message = Message(&[
    Field("authorizationCode", M(&AUTHORIZATION_CODE), Optional),
    Field("clientCredentials", M(&CLIENT_CREDENTIALS), Optional),
    Field("implicit", M(&IMPLICIT), Optional),
    Field("password", M(&PASSWORD), Optional),
    Field("deviceCode", M(&DEVICE_CODE), Optional),
]);

static AUTHORIZATION_CODE: Message = Message(&[
    Field("authorizationUrl", Identifier, Required),
    Field("tokenUrl", Identifier, Required),
    Field("refreshUrl", Identifier, Implicit),
    Field("scopes", Prose, RequiredMap),
    Field("pkceRequired", Bool, Implicit),
]);

static CLIENT_CREDENTIALS: Message = Message(&[
    Field("tokenUrl", Identifier, Required),
    Field("refreshUrl", Identifier, Implicit),
    Field("scopes", Prose, RequiredMap),
]);

static IMPLICIT: Message = Message(&[
    Field("authorizationUrl", Identifier, Implicit),
    Field("refreshUrl", Identifier, Implicit),
    Field("scopes", Prose, Map),
]);

static PASSWORD: Message = Message(&[
    Field("tokenUrl", Identifier, Implicit),
    Field("refreshUrl", Identifier, Implicit),
    Field("scopes", Prose, Map),
]);

static DEVICE_CODE: Message = Message(&[
    Field("deviceAuthorizationUrl", Identifier, Required),
    Field("tokenUrl", Identifier, Required),
    Field("refreshUrl", Identifier, Implicit),
    Field("scopes", Prose, RequiredMap),
]);
