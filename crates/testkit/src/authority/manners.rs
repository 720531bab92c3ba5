//! How a scripted authority behaves where no script says otherwise.

/// Its behaviour. The default is a good server of today.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of a test")]
pub struct Manners {
    /// The `issuer` of its metadata; its own when absent.
    pub issuer: Option<String>,
    /// Whether it has RFC 8414 metadata; OpenID's always.
    pub oauth_metadata: bool,
    /// What `code_challenge_methods_supported` has; nothing says that it knows no PKCE.
    pub challenge_methods: Vec<String>,
    /// The `scopes_supported`, of the metadata and of the resource; left out when empty.
    pub scopes: Vec<String>,
    /// The `token_endpoint_auth_methods_supported`.
    pub auth_methods: Vec<String>,
    /// Whether clients may register themselves (RFC 7591).
    pub registration: bool,
    /// Whether clients may be documents at an address of theirs.
    pub client_documents: bool,
    /// Whether it says that its answers name it (RFC 9207).
    pub announces_iss: bool,
    /// What its answers name.
    pub iss: Iss,
    /// The `authorization_endpoint` of its metadata; its own when absent.
    pub authorization_endpoint: Option<String>,
    /// The `token_endpoint` of its metadata; its own when absent.
    pub token_endpoint: Option<String>,
    /// The error that its authorization endpoint answers, instead of a code.
    pub refuses: Option<String>,
    /// Whether there are refresh tokens.
    pub refreshes: bool,
    /// Whether a refresh token counts once, and every answer brings another.
    pub rotates: bool,
    /// Whether the use of an old refresh token ends those that came after it.
    pub punishes_reuse: bool,
    /// `expires_in` of access tokens, in seconds; left out when absent.
    pub lifetime: Option<i64>,
    /// The scopes that are granted, whatever was asked for.
    pub grants: Option<String>,
    /// Whether there is a revocation endpoint (RFC 7009).
    pub revokes: bool,
    /// The `authorization_servers` of a protected upstream; itself when absent.
    pub authorities: Option<Vec<String>>,
    /// The `resource` of a protected upstream; its address when absent.
    pub resource: Option<String>,
    /// Whether the challenge names the metadata of the resource.
    pub points_to_metadata: bool,
    /// The `scope` of the challenge.
    pub challenge_scope: Option<String>,
    /// The scopes without which a token gets 403 `insufficient_scope` at a protected upstream, with spaces between them.
    pub required_scope: Option<String>,
}

/// What the `iss` of an authorization response is (RFC 9207).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Iss {
    /// The issuer itself.
    Own,
    /// Absent.
    Absent,
    /// Somebody else.
    Other(String),
}

impl Default for Manners {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Self {
            issuer: None,
            oauth_metadata: true,
            challenge_methods: texts(&["S256"]),
            scopes: Vec::new(),
            auth_methods: texts(&["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
            registration: true,
            client_documents: false,
            announces_iss: true,
            iss: Iss::Own,
            authorization_endpoint: None,
            token_endpoint: None,
            refuses: None,
            refreshes: true,
            rotates: true,
            punishes_reuse: false,
            lifetime: Some(3600),
            grants: None,
            revokes: true,
            authorities: None,
            resource: None,
            points_to_metadata: true,
            challenge_scope: None,
            required_scope: None,
        }
    }
}
