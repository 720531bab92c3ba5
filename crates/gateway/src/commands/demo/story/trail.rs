//! The client finds out everything by itself.

use anyhow::ensure;
use serde_json::json;

use super::{
    super::{client::NAME, narrator::Narrator, scene::Scene},
    Visit,
};

/// What a client looks for in an authorization server's metadata.
const SHOWN: [&str; 4] =
    ["authorization_endpoint", "token_endpoint", "registration_endpoint", "scopes_supported"];

/// Step: the authorization server's metadata, and registration.
pub(super) async fn followed(
    narrator: &mut Narrator<'_>,
    scene: &Scene,
    visit: &mut Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "The client follows the trail, and registers itself",
        "It was given nothing but a URL: no client id, no secret, no settings (RFC 8414, then RFC 7591).",
    );
    let issuer = visit.client.issuer.clone();
    ensure!(!issuer.is_empty(), "the trail ended before the authorization server");
    let found = visit.client.discover(&scene.agent).await?;
    let document = found.json();
    narrator
        .show(&format!("→ GET {issuer}/.well-known/oauth-authorization-server\n← {}", found.status.as_u16()));
    for member in SHOWN {
        narrator.show(&format!("  {member}: {}", document[member]));
    }
    narrator.check_eq("the issuer says of itself what led there", &document["issuer"], &json!(issuer));
    narrator.check_eq(
        "PKCE is there, with S256 and nothing weaker",
        &document["code_challenge_methods_supported"],
        &json!(["S256"]),
    );

    let registered = visit.client.register(&scene.agent).await?;
    let (client, secret) = (&visit.client, registered.json()["client_secret"].clone());
    narrator.show(&format!("→ POST /register  “{NAME}”\n← {} {}", registered.status.as_u16(), client.id));
    narrator.check_eq(
        "the client has an id now; a program on somebody's computer gets no secret that it could not keep",
        &(registered.status.as_u16(), client.id.is_empty(), secret.is_null()),
        &(201, false, true),
    );
    Ok(())
}
