//! The card of 0.3.

use super::security::SECURITY_SCHEME;
use crate::a2a::proto::schema::{BOOL, STRING, STRUCT, Schema, field, message};

pub(super) static AGENT_CARD: Schema = Schema::new(
    "AgentCard",
    &[
        field(1, "name", "name", STRING),
        field(2, "description", "description", STRING),
        field(3, "url", "url", STRING),
        field(4, "provider", "provider", message(&AGENT_PROVIDER)),
        field(5, "version", "version", STRING),
        field(6, "documentation_url", "documentationUrl", STRING),
        field(7, "capabilities", "capabilities", message(&AGENT_CAPABILITIES)),
        field(8, "security_schemes", "securitySchemes", message(&SECURITY_SCHEME)).map(),
        field(9, "security", "security", message(&SECURITY)).repeated(),
        field(10, "default_input_modes", "defaultInputModes", STRING).repeated(),
        field(11, "default_output_modes", "defaultOutputModes", STRING).repeated(),
        field(12, "skills", "skills", message(&AGENT_SKILL)).repeated(),
        field(13, "supports_authenticated_extended_card", "supportsAuthenticatedExtendedCard", BOOL),
        field(14, "preferred_transport", "preferredTransport", STRING),
        field(15, "additional_interfaces", "additionalInterfaces", message(&AGENT_INTERFACE)).repeated(),
        field(16, "protocol_version", "protocolVersion", STRING),
        field(17, "signatures", "signatures", message(&AGENT_CARD_SIGNATURE)).repeated(),
    ],
);

pub(super) static AGENT_INTERFACE: Schema = Schema::new(
    "AgentInterface",
    &[field(1, "url", "url", STRING), field(2, "transport", "transport", STRING)],
);

pub(super) static AGENT_PROVIDER: Schema = Schema::new(
    "AgentProvider",
    &[field(1, "url", "url", STRING), field(2, "organization", "organization", STRING)],
);

pub(super) static AGENT_CAPABILITIES: Schema = Schema::new(
    "AgentCapabilities",
    &[
        field(1, "streaming", "streaming", BOOL),
        field(2, "push_notifications", "pushNotifications", BOOL),
        field(3, "extensions", "extensions", message(&AGENT_EXTENSION)).repeated(),
    ],
);

pub(super) static AGENT_EXTENSION: Schema = Schema::new(
    "AgentExtension",
    &[
        field(1, "uri", "uri", STRING),
        field(2, "description", "description", STRING),
        field(3, "required", "required", BOOL),
        field(4, "params", "params", STRUCT),
    ],
);

pub(super) static AGENT_SKILL: Schema = Schema::new(
    "AgentSkill",
    &[
        field(1, "id", "id", STRING),
        field(2, "name", "name", STRING),
        field(3, "description", "description", STRING),
        field(4, "tags", "tags", STRING).repeated(),
        field(5, "examples", "examples", STRING).repeated(),
        field(6, "input_modes", "inputModes", STRING).repeated(),
        field(7, "output_modes", "outputModes", STRING).repeated(),
        field(8, "security", "security", message(&SECURITY)).repeated(),
    ],
);

pub(super) static AGENT_CARD_SIGNATURE: Schema = Schema::new(
    "AgentCardSignature",
    &[
        field(1, "protected", "protected", STRING),
        field(2, "signature", "signature", STRING),
        field(3, "header", "header", STRUCT),
    ],
);

pub(super) static STRING_LIST: Schema =
    Schema::new("StringList", &[field(1, "list", "list", STRING).repeated()]);

pub(super) static SECURITY: Schema =
    Schema::new("Security", &[field(1, "schemes", "schemes", message(&STRING_LIST)).map()]);
