//! How callers prove who they are, as the card of 1.0 says it.

use crate::a2a::proto::schema::{BOOL, STRING, Schema, field, message};

pub(super) static SECURITY_SCHEME: Schema = Schema::new(
    "SecurityScheme",
    &[
        field(1, "api_key_security_scheme", "apiKeySecurityScheme", message(&API_KEY_SECURITY_SCHEME))
            .one_of(),
        field(2, "http_auth_security_scheme", "httpAuthSecurityScheme", message(&HTTP_AUTH_SECURITY_SCHEME))
            .one_of(),
        field(3, "oauth2_security_scheme", "oauth2SecurityScheme", message(&OAUTH2_SECURITY_SCHEME)).one_of(),
        field(
            4,
            "open_id_connect_security_scheme",
            "openIdConnectSecurityScheme",
            message(&OPEN_ID_CONNECT_SECURITY_SCHEME),
        )
        .one_of(),
        field(5, "mtls_security_scheme", "mtlsSecurityScheme", message(&MUTUAL_TLS_SECURITY_SCHEME)).one_of(),
    ],
);

pub(super) static API_KEY_SECURITY_SCHEME: Schema = Schema::new(
    "APIKeySecurityScheme",
    &[
        field(1, "description", "description", STRING),
        field(2, "location", "location", STRING),
        field(3, "name", "name", STRING),
    ],
);

pub(super) static HTTP_AUTH_SECURITY_SCHEME: Schema = Schema::new(
    "HTTPAuthSecurityScheme",
    &[
        field(1, "description", "description", STRING),
        field(2, "scheme", "scheme", STRING),
        field(3, "bearer_format", "bearerFormat", STRING),
    ],
);

pub(super) static OAUTH2_SECURITY_SCHEME: Schema = Schema::new(
    "OAuth2SecurityScheme",
    &[
        field(1, "description", "description", STRING),
        field(2, "flows", "flows", message(&OAUTH_FLOWS)),
        field(3, "oauth2_metadata_url", "oauth2MetadataUrl", STRING),
    ],
);

pub(super) static OPEN_ID_CONNECT_SECURITY_SCHEME: Schema = Schema::new(
    "OpenIdConnectSecurityScheme",
    &[
        field(1, "description", "description", STRING),
        field(2, "open_id_connect_url", "openIdConnectUrl", STRING),
    ],
);

pub(super) static MUTUAL_TLS_SECURITY_SCHEME: Schema =
    Schema::new("MutualTlsSecurityScheme", &[field(1, "description", "description", STRING)]);

pub(super) static OAUTH_FLOWS: Schema = Schema::new(
    "OAuthFlows",
    &[
        field(1, "authorization_code", "authorizationCode", message(&AUTHORIZATION_CODE_OAUTH_FLOW)).one_of(),
        field(2, "client_credentials", "clientCredentials", message(&CLIENT_CREDENTIALS_OAUTH_FLOW)).one_of(),
        field(3, "implicit", "implicit", message(&IMPLICIT_OAUTH_FLOW)).one_of(),
        field(4, "password", "password", message(&PASSWORD_OAUTH_FLOW)).one_of(),
        field(5, "device_code", "deviceCode", message(&DEVICE_CODE_OAUTH_FLOW)).one_of(),
    ],
);

pub(super) static AUTHORIZATION_CODE_OAUTH_FLOW: Schema = Schema::new(
    "AuthorizationCodeOAuthFlow",
    &[
        field(1, "authorization_url", "authorizationUrl", STRING),
        field(2, "token_url", "tokenUrl", STRING),
        field(3, "refresh_url", "refreshUrl", STRING),
        field(4, "scopes", "scopes", STRING).map(),
        field(5, "pkce_required", "pkceRequired", BOOL),
    ],
);

pub(super) static CLIENT_CREDENTIALS_OAUTH_FLOW: Schema = Schema::new(
    "ClientCredentialsOAuthFlow",
    &[
        field(1, "token_url", "tokenUrl", STRING),
        field(2, "refresh_url", "refreshUrl", STRING),
        field(3, "scopes", "scopes", STRING).map(),
    ],
);

pub(super) static IMPLICIT_OAUTH_FLOW: Schema = Schema::new(
    "ImplicitOAuthFlow",
    &[
        field(1, "authorization_url", "authorizationUrl", STRING),
        field(2, "refresh_url", "refreshUrl", STRING),
        field(3, "scopes", "scopes", STRING).map(),
    ],
);

pub(super) static PASSWORD_OAUTH_FLOW: Schema = Schema::new(
    "PasswordOAuthFlow",
    &[
        field(1, "token_url", "tokenUrl", STRING),
        field(2, "refresh_url", "refreshUrl", STRING),
        field(3, "scopes", "scopes", STRING).map(),
    ],
);

pub(super) static DEVICE_CODE_OAUTH_FLOW: Schema = Schema::new(
    "DeviceCodeOAuthFlow",
    &[
        field(1, "device_authorization_url", "deviceAuthorizationUrl", STRING),
        field(2, "token_url", "tokenUrl", STRING),
        field(3, "refresh_url", "refreshUrl", STRING),
        field(4, "scopes", "scopes", STRING).map(),
    ],
);
