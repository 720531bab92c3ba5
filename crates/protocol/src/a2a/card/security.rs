//! What the published card says about coming in (A2A 1.0.1 sections 4.5 and 7). The agent's own security is never
//! published: callers would send the agent's credentials to Doorward.

use serde_json::{Map, Value, json};

/// Put in where nothing else is known: a requirement with an empty list of scopes is not covered by a signature in the
/// form of the SDKs.
const SOME_SCOPE: &str = "a2a";

/// Who may come in, as a card says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// The schemes by name.
    pub schemes: Vec<(String, Scheme)>,
    /// One of these lists must be met, each with all of its schemes. None: nobody is asked.
    pub alternatives: Vec<Vec<String>>,
    /// The scopes that every scheme asks for, and what each allows.
    pub scopes: Vec<(String, String)>,
}

/// A way to say who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// A key in a header.
    ApiKeyHeader {
        /// The name of the header.
        header: String,
    },
    /// A bearer token of which the card does not say where it comes from.
    Bearer {
        /// What it looks like, such as `JWT`.
        format: Option<String>,
    },
    /// A token by OAuth's authorization code with PKCE.
    AuthorizationCode {
        /// The authorization endpoint.
        authorization_url: String,
        /// The token endpoint.
        token_url: String,
        /// The metadata of the authorization server (RFC 8414).
        metadata_url: Option<String>,
    },
    /// A token by OAuth's client credentials.
    ClientCredentials {
        /// The token endpoint.
        token_url: String,
        /// The metadata of the authorization server (RFC 8414).
        metadata_url: Option<String>,
    },
    /// A token of an `OpenID` provider.
    OpenIdConnect {
        /// Its discovery document.
        url: String,
    },
    /// A client certificate.
    MutualTls,
}

impl Security {
    /// `securitySchemes` and `securityRequirements`, where anybody is asked for anything.
    pub(super) fn write(&self, card: &mut Map<String, Value>) {
        let scopes = self.scopes();
        let schemes = self.schemes.iter().map(|(name, scheme)| (name.clone(), scheme.describe(&scopes)));
        card.insert("securitySchemes".to_owned(), schemes.collect::<Map<_, _>>().into());
        let names: Vec<_> = scopes.keys().cloned().collect();
        let alternatives = self.alternatives.iter().map(|schemes| {
            let schemes = schemes.iter().map(|name| (name.clone(), json!({ "list": names })));
            json!({ "schemes": schemes.collect::<Map<_, _>>() })
        });
        card.insert("securityRequirements".to_owned(), alternatives.collect());
    }

    fn scopes(&self) -> Map<String, Value> {
        let named = self.scopes.iter().filter(|(scope, _)| !scope.is_empty());
        let mut scopes: Map<_, _> = named
            .map(|(scope, allows)| {
                (scope.clone(), if allows.is_empty() { scope } else { allows }.clone().into())
            })
            .collect();
        if scopes.is_empty() {
            scopes.insert(SOME_SCOPE.to_owned(), "Use of the agent".into());
        }
        scopes
    }
}

impl Scheme {
    fn describe(&self, scopes: &Map<String, Value>) -> Value {
        match self {
            Self::ApiKeyHeader { header } => json!({ "apiKeySecurityScheme": {
                "description": "A key that the operator of the gateway gives out",
                "location": "header", "name": header,
            }}),
            Self::Bearer { format } => json!({ "httpAuthSecurityScheme": {
                "description": "A token of an issuer that the operator of the gateway trusts",
                "scheme": "Bearer", "bearerFormat": format,
            }}),
            Self::AuthorizationCode { authorization_url, token_url, metadata_url } => {
                let flow = json!({ "authorizationUrl": authorization_url, "tokenUrl": token_url,
                    "scopes": scopes, "pkceRequired": true });
                oauth2(&json!({ "authorizationCode": flow }), metadata_url.as_deref())
            }
            Self::ClientCredentials { token_url, metadata_url } => {
                let flow = json!({ "tokenUrl": token_url, "scopes": scopes });
                oauth2(&json!({ "clientCredentials": flow }), metadata_url.as_deref())
            }
            Self::OpenIdConnect { url } => json!({ "openIdConnectSecurityScheme": {
                "description": "A token of this provider", "openIdConnectUrl": url,
            }}),
            // An object without members would be empty, and not covered.
            Self::MutualTls => json!({ "mtlsSecurityScheme": {
                "description": "A client certificate that the operator of the gateway trusts",
            }}),
        }
    }
}

fn oauth2(flows: &Value, metadata_url: Option<&str>) -> Value {
    json!({ "oauth2SecurityScheme": {
        "description": "A token of this authorization server",
        "flows": flows, "oauth2MetadataUrl": metadata_url,
    }})
}
