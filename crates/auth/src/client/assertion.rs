//! What Doorward says about others and about itself, to be signed: short-lived JWTs (RFC 7519).
//!
//! A caller's assertion has a `typ` of its own, since no registered kind means it (RFC 8725 section 3.11): it is no
//! access token, and no authorization grant of an identity provider. So nothing else that Doorward signs can be
//! taken for it. An identity assertion (ID-JAG) is such a grant, and has the kind that is registered for it.

use doorward_model::{Identity, Timestamp};
use serde_json::{Value, json};

/// For how long an assertion is good, in seconds.
pub const LIFETIME: i64 = 60;
/// The `typ` of a caller's assertion.
pub const CALLER: &str = "doorward-caller+jwt";
/// The `typ` of Doorward's own assertions as a client: what every server of RFC 7523 takes.
pub const CLIENT: &str = "JWT";
/// The `typ` of an identity assertion (draft-ietf-oauth-identity-assertion-authz-grant, section 3.1).
pub const ID_JAG: &str = "oauth-id-jag+jwt";

/// Who the caller is, told to `audience` by `origin`, which is Doorward.
///
/// `sub` is the caller's subject at whoever vouches for the caller, and `sub_id` (RFC 9493 section 3.2.4) says with it
/// who that is: only both together are unique. `jti` must be fresh.
pub fn caller(origin: &str, identity: &Identity, audience: &str, now: Timestamp, jti: &str) -> Value {
    let mut claims = json!({
        "iss": origin,
        "sub": identity.subject,
        "sub_id": {"format": "iss_sub", "iss": identity.issuer, "sub": identity.subject},
        "aud": audience,
        "iat": now.as_secs(),
        "exp": now.as_secs() + LIFETIME,
        "jti": jti,
    });
    if let Some(client) = &identity.client {
        claims["client_id"] = client.as_str().into();
    }
    claims
}

/// That Doorward is the client `client_id`, told to a token endpoint (RFC 7523 section 3). `jti` must be fresh.
pub fn client(client_id: &str, audience: &str, now: Timestamp, jti: &str) -> Value {
    json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now.as_secs(),
        "exp": now.as_secs() + LIFETIME,
        "jti": jti,
    })
}

/// Whom an identity assertion is for.
#[derive(Debug, Clone, Copy)]
pub struct IdJag<'a> {
    /// The issuer of the authorization server that will read it: its one audience.
    pub issuer: &'a str,
    /// Doorward's name there.
    pub client_id: &'a str,
    /// The resource that a token is wanted for.
    pub resource: &'a str,
    /// The scopes that are wanted, with spaces between them.
    pub scope: Option<&'a str>,
}

/// That `person` is signed in at `origin`, which is Doorward, and may be served at an upstream (ID-JAG, section 3.1).
///
/// `person` must be theirs alone among all whom Doorward knows, from whichever issuer: readers know people by `iss` and
/// `sub`. `jti` must be fresh.
pub fn id_jag(origin: &str, person: &str, to: &IdJag<'_>, now: Timestamp, jti: &str) -> Value {
    let mut claims = json!({
        "iss": origin,
        "sub": person,
        "aud": to.issuer,
        "client_id": to.client_id,
        "resource": to.resource,
        "iat": now.as_secs(),
        "exp": now.as_secs() + LIFETIME,
        "jti": jti,
    });
    if let Some(scope) = to.scope {
        claims["scope"] = scope.into();
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn identity(client: Option<&str>) -> Identity {
        Identity {
            issuer: "https://idp.example.com".to_owned(),
            subject: "alice".to_owned(),
            client: client.map(str::to_owned),
            scopes: vec!["mcp:call".to_owned()],
            groups: vec!["staff".to_owned()],
            audiences: vec!["https://gw.example.com/mcp/notes".to_owned()],
        }
    }

    #[test]
    fn a_caller_is_named_with_whoever_vouches_and_nothing_else_is_said() {
        let claims =
            caller("https://gw.example.com", &identity(Some("desk")), "https://agent.example.com", NOW, "j1");
        assert_eq!(
            claims,
            json!({
                "iss": "https://gw.example.com",
                "sub": "alice",
                "sub_id": {"format": "iss_sub", "iss": "https://idp.example.com", "sub": "alice"},
                "client_id": "desk",
                "aud": "https://agent.example.com",
                "iat": 1_800_000_000,
                "exp": 1_800_000_060,
                "jti": "j1",
            })
        );
        assert!(caller("o", &identity(None), "a", NOW, "j").get("client_id").is_none());
    }

    #[test]
    fn a_client_speaks_of_itself_alone() {
        let claims = client("doorward", "https://as.example.com/token", NOW, "j1");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("doorward"), &json!("doorward")));
        assert_eq!(claims["aud"], "https://as.example.com/token");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), LIFETIME);
    }

    #[test]
    fn an_identity_assertion_is_for_one_client_at_one_server_and_resource() {
        let to = IdJag {
            issuer: "https://as.example.com",
            client_id: "doorward",
            resource: "https://notes.example.com/mcp",
            scope: Some("notes:read"),
        };
        let mut expected = json!({
            "iss": "https://gw.example.com",
            "sub": "corp:alice",
            "aud": "https://as.example.com",
            "client_id": "doorward",
            "resource": "https://notes.example.com/mcp",
            "scope": "notes:read",
            "iat": 1_800_000_000,
            "exp": 1_800_000_060,
            "jti": "j1",
        });
        assert_eq!(id_jag("https://gw.example.com", "corp:alice", &to, NOW, "j1"), expected);
        expected.as_object_mut().unwrap().remove("scope");
        let unscoped = IdJag { scope: None, ..to };
        assert_eq!(id_jag("https://gw.example.com", "corp:alice", &unscoped, NOW, "j1"), expected);
    }
}
