//! The sample client: an OAuth client as MCP clients are one. It begins with nothing but a virtual server's URL.
//!
//! What it learns on the way is all that it knows; a step that fails leaves it ignorant, and the next one says so.

use doorward_auth::{keys::hash, server::pkce};
use serde_json::{Value, json};
use url::Url;

use super::agent::{Agent, Answer, Call};

/// How it calls itself.
pub(super) const NAME: &str = "Demo agent";
/// What it asks for at virtual servers.
pub(super) const SCOPE: &str = "mcp:read mcp:call";
/// Where it wants codes sent. Nothing listens there: the demo's browser hands over where it was sent.
pub(super) const REDIRECT: &str = "http://127.0.0.1:8400/callback";

/// What the client has found out so far; all of it empty in the beginning.
#[derive(Debug, Clone, Default)]
pub(super) struct Client {
    /// Its authorization server.
    pub(super) issuer: String,
    /// Its name there.
    pub(super) id: String,
    authorization_endpoint: String,
    token_endpoint: String,
    registration_endpoint: String,
}

/// A person who was sent to the authorization server, and what proves who sent them.
#[derive(Debug, Clone, Default)]
pub(super) struct Errand {
    /// Where the person goes.
    pub(super) url: String,
    /// The PKCE verifier (RFC 7636), which never leaves the client before the code is back.
    pub(super) verifier: String,
    state: String,
}

/// What a redirect brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Returned {
    /// The authorization code.
    pub(super) code: String,
    /// Whether it is the answer to this errand: our redirect URI, our state.
    pub(super) is_ours: bool,
    /// Who says that it sent it (RFC 9207).
    pub(super) issuer: String,
}

impl Client {
    /// Reads the metadata of its issuer (RFC 8414).
    pub(super) async fn discover(&mut self, agent: &Agent) -> anyhow::Result<Answer> {
        let url = format!("{}/.well-known/oauth-authorization-server", self.issuer);
        let answer = agent.send(Call::get(&url)).await?;
        let document = answer.json();
        let text = |member: &str| document[member].as_str().unwrap_or_default().to_owned();
        self.authorization_endpoint = text("authorization_endpoint");
        self.token_endpoint = text("token_endpoint");
        self.registration_endpoint = text("registration_endpoint");
        Ok(answer)
    }

    /// Registers itself (RFC 7591), as a program that can keep no secret.
    pub(super) async fn register(&mut self, agent: &Agent) -> anyhow::Result<Answer> {
        let about = json!({
            "client_name": NAME, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let answer = agent.send(Call::json(&self.registration_endpoint, &about)).await?;
        answer.json()["client_id"].as_str().unwrap_or_default().clone_into(&mut self.id);
        Ok(answer)
    }

    /// Where to send a person for a token that opens `resource` (OAuth 2.1 section 4.1.1, RFC 8707).
    pub(super) fn errand(&self, resource: &str, scope: &str) -> anyhow::Result<Errand> {
        let verifier = pkce::new_verifier().expose().to_owned();
        let (state, challenge) = (hash::random_hex::<8>(), pkce::challenge(&verifier));
        let asked = [
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", REDIRECT),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", pkce::METHOD),
            ("resource", resource),
            ("scope", scope),
        ];
        let url = Url::parse_with_params(&self.authorization_endpoint, asked)?.into();
        Ok(Errand { url, verifier, state })
    }

    /// Redeems a code.
    pub(super) async fn redeem(&self, agent: &Agent, code: &str, verifier: &str) -> anyhow::Result<Answer> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", &self.id),
            ("redirect_uri", REDIRECT),
            ("code", code),
            ("code_verifier", verifier),
        ];
        agent.send(Call::form(&self.token_endpoint, fields)).await
    }

    /// Asks for new tokens.
    pub(super) async fn refresh(&self, agent: &Agent, token: &str) -> anyhow::Result<Answer> {
        let fields = [("grant_type", "refresh_token"), ("client_id", &self.id), ("refresh_token", token)];
        agent.send(Call::form(&self.token_endpoint, fields)).await
    }
}

impl Errand {
    /// What the person's browser brought back.
    pub(super) fn returned(&self, url: &Url) -> Returned {
        let text = |name: &str| {
            let mut pairs = url.query_pairs().filter(|(found, _)| found == name);
            pairs.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let is_ours = url.as_str().split('?').next() == Some(REDIRECT) && text("state") == self.state;
        Returned { code: text("code"), is_ours, issuer: text("iss") }
    }
}

/// A text member of a token response.
pub(super) fn member(document: &Value, name: &str) -> String {
    document[name].as_str().unwrap_or_default().to_owned()
}
