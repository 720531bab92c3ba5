//! An OAuth client: correct unless the test makes it otherwise.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_auth::server::{pkce, token};
use doorward_model::{Client, ClientAuthentication, ClientKind, Clock as _, GrantTypes, SecretMethod};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Answer, Call, Gateway, Visitor};

/// Where native programs listen; any port will do.
pub(crate) const NATIVE: &str = "http://127.0.0.1/callback";
/// The PKCE verifier of every request.
pub(crate) const VERIFIER: &str = "a-verifier-that-nobody-guesses-0123456789abcdef";
/// The `state` of every request.
pub(crate) const STATE: &str = "st/a+t e&=%";

/// A client that is known at the gateway.
#[derive(Clone)]
pub(crate) struct OAuthClient<'g> {
    pub(crate) gateway: &'g Gateway,
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    /// How it proves who it is: `none`, `basic` or `post`.
    pub(crate) method: &'static str,
    pub(crate) redirect_uri: String,
}

/// An authorization request.
#[derive(Clone)]
pub(crate) struct Ask(Vec<(String, String)>);

/// A request to an endpoint for programs.
#[derive(Clone)]
pub(crate) struct TokenCall<'g> {
    call: Call<'g>,
    gateway: &'g Gateway,
    fields: Vec<(String, String)>,
}

/// What the token endpoint gave.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) answer: Value,
}

impl Gateway {
    /// Sends a registration (RFC 7591).
    pub(crate) async fn register(&self, metadata: &Value) -> Answer {
        let call = self.call("POST", "/register").header("Content-Type", "application/json");
        let answer = call.body(metadata.to_string()).send().await;
        self.notice(&answer);
        answer
    }

    /// A client that registers itself.
    pub(crate) async fn registered(&self, metadata: Value) -> OAuthClient<'_> {
        let answer = self.register(&metadata).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let said = answer.json();
        let method = match said["token_endpoint_auth_method"].as_str().unwrap_or_default() {
            "none" => "none",
            "client_secret_post" => "post",
            _ => "basic",
        };
        let redirect_uri = said["redirect_uris"][0].as_str().unwrap_or_default().to_owned();
        for uri in said["redirect_uris"].as_array().into_iter().flatten() {
            self.may_lead_to(uri.as_str().unwrap_or_default());
        }
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        OAuthClient {
            gateway: self,
            id: text("client_id").unwrap_or_default(),
            secret: text("client_secret"),
            method,
            redirect_uri,
        }
    }

    /// A program on somebody's computer that registers itself, as most MCP clients are.
    pub(crate) async fn native(&self) -> OAuthClient<'_> {
        self.registered(json!({
            "client_name": "A native program",
            "redirect_uris": [NATIVE],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await
    }

    /// A client of the operator's that proves who it is in this way.
    pub(crate) async fn operators(&self, id: &str, method: &'static str) -> OAuthClient<'_> {
        let secret = token::mint(token::TokenKind::ClientSecret).expose().to_owned();
        let authentication = match method {
            "none" => ClientAuthentication::None,
            "post" => ClientAuthentication::Secret(SecretMethod::Post),
            _ => ClientAuthentication::Secret(SecretMethod::Basic),
        };
        let redirect_uri = format!("https://{id}.example.com/callback");
        let client = Client {
            id: id.to_owned(),
            kind: ClientKind::Registered,
            name: Some(format!("The {id}")),
            redirect_uris: vec![redirect_uri.clone()],
            authentication,
            grant_types: GrantTypes {
                authorization_code: true,
                refresh_token: true,
                client_credentials: method != "none",
                jwt_bearer: method != "none",
            },
            resource: None,
            created: self.clock.now(),
        };
        let has_secret = method != "none";
        let hash = has_secret.then(|| token::hash(&secret));
        assert!(self.store().add_client(&client, hash.as_deref()).await.unwrap());
        self.may_lead_to(&redirect_uri);
        self.plant_callers(&secret);
        OAuthClient {
            gateway: self,
            id: id.to_owned(),
            secret: has_secret.then_some(secret),
            method,
            redirect_uri,
        }
    }

    /// A POST of a form to an endpoint for programs, without anything that says who sends it.
    pub(crate) fn form(&self, path: &str) -> TokenCall<'_> {
        let call = self.call("POST", path).header("Content-Type", "application/x-www-form-urlencoded");
        TokenCall { call, gateway: self, fields: Vec::new() }
    }
}

impl<'g> OAuthClient<'g> {
    /// The authorization request for a virtual server.
    pub(crate) fn ask(&self, server: &str) -> Ask {
        Ask(Vec::new())
            .with("response_type", "code")
            .with("client_id", &self.id)
            .with("redirect_uri", &self.redirect_uri)
            .with("state", STATE)
            .with("code_challenge", &pkce::challenge(VERIFIER))
            .with("code_challenge_method", "S256")
            .with("resource", &self.gateway.resource(server))
    }

    /// A code for a virtual server, after the person said yes.
    pub(crate) async fn code(&self, visitor: &Visitor<'_>, server: &str) -> String {
        self.code_of(visitor, &self.ask(server)).await
    }

    /// The code that a request ends in, after the person said yes.
    pub(crate) async fn code_of(&self, visitor: &Visitor<'_>, ask: &Ask) -> String {
        let page = visitor.get(&ask.target()).await;
        let answer = visitor.decide(&page, "approve").await;
        let told = answer.told("code");
        told.unwrap_or_else(|| panic!("no code: {} {} {:?}", answer.status, answer.text(), answer.headers))
    }

    /// Tokens for a virtual server.
    pub(crate) async fn tokens(&self, visitor: &Visitor<'_>, server: &str) -> Tokens {
        let code = self.code(visitor, server).await;
        Tokens::of(&self.redeem(&code).send().await)
    }

    /// The request that redeems a code.
    pub(crate) fn redeem(&self, code: &str) -> TokenCall<'g> {
        self.form("/token")
            .with("grant_type", "authorization_code")
            .with("code", code)
            .with("redirect_uri", &self.redirect_uri)
            .with("code_verifier", VERIFIER)
    }

    /// The request that uses a refresh token.
    pub(crate) fn refresh(&self, refresh: &str) -> TokenCall<'g> {
        self.form("/token").with("grant_type", "refresh_token").with("refresh_token", refresh)
    }

    /// The request that gives a token back.
    pub(crate) fn revoke(&self, token: &str) -> TokenCall<'g> {
        self.form("/revoke").with("token", token)
    }

    /// A request to an endpoint for programs in which the client proves who it is.
    pub(crate) fn form(&self, path: &str) -> TokenCall<'g> {
        let call = self.gateway.form(path);
        let secret = self.secret.as_deref().unwrap_or_default();
        match self.method {
            "none" => call.with("client_id", &self.id),
            "post" => call.with("client_id", &self.id).with("client_secret", secret),
            _ => call.header("Authorization", &basic("Basic", &self.id, secret)),
        }
    }
}

/// An `Authorization` header of RFC 6749 section 2.3.1.
pub(crate) fn basic(scheme: &str, id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("{scheme} {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

impl Ask {
    /// With this value in the place of any other.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.and(name, value)
    }

    /// With this value in addition.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without this parameter.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// The address that the client sends a browser to.
    pub(crate) fn target(&self) -> String {
        format!(
            "/authorize?{}",
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
        )
    }
}

impl<'g> TokenCall<'g> {
    /// With this value in the place of any other.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.and(name, value)
    }

    /// With this value in addition.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without this parameter.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    /// With a header in the place of any other of its name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.call = self.call.set(name, value);
        self
    }

    /// With another way to send it.
    pub(crate) fn call(mut self, change: impl FnOnce(Call<'g>) -> Call<'g>) -> Self {
        self.call = change(self.call);
        self
    }

    /// Sends it.
    pub(crate) async fn send(self) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish();
        let answer = self.call.body(body).send().await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.text());
        self.gateway.notice(&answer);
        answer
    }

    /// Sends it and returns the OAuth error.
    pub(crate) async fn error(self) -> String {
        let answer = self.send().await;
        assert!(matches!(answer.status, 400 | 401 | 403 | 429 | 503), "{} {}", answer.status, answer.text());
        answer.json()["error"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
    }
}

impl Tokens {
    /// What an answer holds.
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let said = answer.json();
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), answer: said.clone() }
    }
}
