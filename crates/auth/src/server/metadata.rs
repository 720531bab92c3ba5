//! What the authorization server says of itself (RFC 8414).
//!
//! Everything is built from the configured public URL, never from a request. What a client assumes when a
//! member is absent is wrong for Doorward (section 2), so all members with such defaults are there.

use doorward_model::{Algorithm, Scope};
use serde_json::{Value, json};

use super::{pkce, token_request::JWT_BEARER};

/// What depends on the configuration.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch with a name of its own")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MetadataOptions {
    /// Clients may register themselves.
    pub registration: bool,
    /// Clients may be known by their documents.
    pub client_documents: bool,
    /// An issuer may vouch for people (ID-JAG).
    pub id_jag: bool,
    /// Resource servers of others may ask about tokens (RFC 7662).
    pub introspection: bool,
    /// Doorward publishes keys of its own.
    pub keys: bool,
}

/// The document for the issuer `origin`: the public URL's origin, without a slash at the end.
pub fn authorization_server(origin: &str, options: MetadataOptions) -> Value {
    let at = |path: &str| Value::from(format!("{origin}{path}"));
    let algorithms: Value = Algorithm::ALL.into_iter().map(Algorithm::name).collect();
    let methods = json!(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]);
    let proofs = json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]);
    let mut grant_types = vec!["authorization_code", "refresh_token", "client_credentials"];
    if options.id_jag {
        grant_types.push(JWT_BEARER);
    }
    let mut document = json!({
        "issuer": origin,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "revocation_endpoint": at("/revoke"),
        "scopes_supported": Scope::ALL.into_iter().map(Scope::name).collect::<Value>(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grant_types,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": [pkce::METHOD],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": options.client_documents,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
    });
    if options.registration {
        document["registration_endpoint"] = at("/register");
    }
    if options.introspection {
        document["introspection_endpoint"] = at("/introspect");
        document["introspection_endpoint_auth_methods_supported"] = proofs;
        document["introspection_endpoint_auth_signing_alg_values_supported"] = algorithms;
    }
    if options.id_jag {
        document["authorization_grant_profiles_supported"] =
            json!(["urn:ietf:params:oauth:grant-profile:id-jag"]);
    }
    if options.keys {
        document["jwks_uri"] = at("/.well-known/jwks.json");
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://gw.example.com";

    /// What RFC 8414 section 2 requires, what its defaults would make wrong, and what MCP clients insist on.
    #[test]
    fn every_member_that_clients_rely_on_is_there() {
        let document = authorization_server(ORIGIN, MetadataOptions::default());
        for (member, value) in [
            ("issuer", json!(ORIGIN)),
            ("authorization_endpoint", json!("https://gw.example.com/authorize")),
            ("token_endpoint", json!("https://gw.example.com/token")),
            ("revocation_endpoint", json!("https://gw.example.com/revoke")),
            ("response_types_supported", json!(["code"])),
            ("response_modes_supported", json!(["query"])),
            ("grant_types_supported", json!(["authorization_code", "refresh_token", "client_credentials"])),
            ("code_challenge_methods_supported", json!(["S256"])),
            ("authorization_response_iss_parameter_supported", json!(true)),
            ("client_id_metadata_document_supported", json!(false)),
            ("scopes_supported", json!(["mcp:read", "mcp:call", "a2a:read", "a2a:send", "offline_access"])),
            (
                "token_endpoint_auth_methods_supported",
                json!(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
            ),
        ] {
            assert_eq!(document[member], value, "{member}");
        }
        let algorithms = document["token_endpoint_auth_signing_alg_values_supported"].as_array().unwrap();
        assert!(algorithms.contains(&json!("ES256")) && !algorithms.contains(&json!("none")));
        let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty) || value.is_null();
        assert!(!document.as_object().unwrap().values().any(empty), "empty arrays are left out");
    }

    #[test]
    fn what_is_off_is_not_announced() {
        let off = authorization_server(ORIGIN, MetadataOptions::default());
        let on = MetadataOptions {
            registration: true,
            client_documents: true,
            id_jag: true,
            introspection: true,
            keys: true,
        };
        let on = authorization_server(ORIGIN, on);
        for member in [
            "registration_endpoint",
            "introspection_endpoint",
            "introspection_endpoint_auth_methods_supported",
            "authorization_grant_profiles_supported",
            "jwks_uri",
        ] {
            assert!(off.get(member).is_none() && on.get(member).is_some(), "{member}");
        }
        assert_eq!(on["registration_endpoint"], "https://gw.example.com/register");
        assert_eq!(on["client_id_metadata_document_supported"], true);
        assert!(on["grant_types_supported"].as_array().unwrap().contains(&JWT_BEARER.into()));
        assert!(on.get("registration_client_uri").is_none(), "RFC 7592 is not served");
    }
}
