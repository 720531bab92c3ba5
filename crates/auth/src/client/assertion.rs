//! What Doorward says about others and about itself, to be signed: short-lived JWTs (RFC 7519).
//!
//! A caller's assertion has a `typ` of its own, since no registered kind means it (RFC 8725 section 3.11): it is no
//! access token, and no authorization grant of an identity provider. So nothing else that Doorward signs can be
//! taken for it.

use doorward_model::{Identity, Timestamp};
use serde_json::{Value, json};

/// For how long an assertion is good, in seconds.
pub const LIFETIME: i64 = 60;
/// The `typ` of a caller's assertion.
pub const CALLER: &str = "doorward-caller+jwt";
/// The `typ` of Doorward's own assertions as a client: what every server of RFC 7523 takes.
pub const CLIENT: &str = "JWT";

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
}
