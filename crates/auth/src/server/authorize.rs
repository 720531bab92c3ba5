//! The request that a browser brings to the authorization endpoint (RFC 6749 section 4.1.1), judged in stages.
//!
//! The stages are types, because what is wrong decides who is told: until the redirect URI is known to be the
//! client's, mistakes are shown to the person and never sent anywhere ([`LocalError`]); afterwards they go to
//! the client ([`OAuthError`]). Nothing here has a side effect: programs fetch the address once before they
//! open the browser.

use doorward_model::{Client, Scopes, Secret};
use url::form_urlencoded;

use super::{
    error::{ErrorCode, OAuthError, invalid_request},
    form::Parameters,
    pkce, redirect_uri,
    resource::{self, Resources},
    scope,
};

/// The parameters that count.
const PARAMETERS: &[&str] = &[
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// What is wrong with a request that cannot be sent back to anybody: a page for the person, with status 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LocalError {
    /// The parameters cannot be read.
    #[error("the request cannot be read: {}", .0.description)]
    Unreadable(OAuthError),
    /// `client_id` or `redirect_uri` is there twice.
    #[error("the request names its client or its redirect URI more than once")]
    Ambiguous,
    /// No `client_id`.
    #[error("the request does not say which client it is of")]
    NoClient,
    /// No `redirect_uri`, and the client has not exactly one.
    #[error("the request does not say where the answer is to go")]
    NoRedirectUri,
    /// `redirect_uri` is none of the client's.
    #[error("the request wants its answer sent to a place that its client did not register")]
    RedirectUri,
}

/// A request of a client that is yet to be looked up.
#[derive(Debug, Clone)]
pub struct Asked {
    parameters: Parameters,
    client_id: String,
}

/// A request whose redirect URI is the client's: from here on mistakes go there.
#[derive(Debug, Clone)]
pub struct Redirectable<'c> {
    client: &'c Client,
    parameters: Parameters,
    redirect_uri: String,
}

/// A request that can be put to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valid {
    /// The client's id.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// What the client wants back, as it is.
    pub state: Option<String>,
    /// What is asked for there.
    pub scopes: Scopes,
    /// The one resource, as it is published.
    pub resource: String,
    /// The challenge, by the method `S256`.
    pub challenge: String,
    /// What is to be shown, or not.
    pub prompt: Prompt,
}

/// What a client wants shown to the person (OpenID Connect Core section 3.1.2.1). Other values don't count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prompt {
    /// `none`: nothing; then it is alone.
    pub none: bool,
    /// `login` or `select_account`: the sign-in page, even to somebody who is signed in.
    pub login: bool,
    /// `consent`: the consent page, even to somebody who consented.
    pub consent: bool,
}

impl Asked {
    /// Reads a query, or the form of a POST.
    ///
    /// # Errors
    /// [`LocalError`] `Unreadable`, `Ambiguous` and `NoClient`.
    pub fn parse(query: impl AsRef<[u8]>) -> Result<Self, LocalError> {
        let parameters = Parameters::read(query.as_ref(), PARAMETERS).map_err(LocalError::Unreadable)?;
        if parameters.repeats("client_id") || parameters.repeats("redirect_uri") {
            return Err(LocalError::Ambiguous);
        }
        let client_id = parameters.get("client_id").ok_or(LocalError::NoClient)?.to_owned();
        Ok(Self { parameters, client_id })
    }

    /// Whose request it is, so it says: what to look up.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Judges where the answer is to go. `client` is the one of [`Asked::client_id`].
    ///
    /// # Errors
    /// [`LocalError`] `NoRedirectUri` and `RedirectUri`; `NoClient` when the client is another.
    pub fn redirect(self, client: &Client) -> Result<Redirectable<'_>, LocalError> {
        if client.id != self.client_id {
            return Err(LocalError::NoClient);
        }
        let redirect_uri = match (self.parameters.get("redirect_uri"), &*client.redirect_uris) {
            (Some(asked), registered) if redirect_uri::matches(registered, asked) => asked.to_owned(),
            (Some(_), _) => return Err(LocalError::RedirectUri),
            (None, [only]) => only.clone(),
            (None, _) => return Err(LocalError::NoRedirectUri),
        };
        Ok(Redirectable { client, parameters: self.parameters, redirect_uri })
    }
}

impl Redirectable<'_> {
    /// Where the answer goes.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// What the client wants back with any answer.
    pub fn state(&self) -> Option<&str> {
        // Of several, none is the client's.
        self.parameters.get("state").filter(|_| !self.parameters.repeats("state"))
    }

    /// Judges the rest, in the order in which OAuth 2.1 section 4.1.2.1 lists what may be wrong.
    ///
    /// # Errors
    /// `invalid_request`, `unsupported_response_type`, `unauthorized_client`, `invalid_target` and
    /// `invalid_scope`; see [`error_redirect`].
    pub fn check(&self, resources: Resources<'_>) -> Result<Valid, OAuthError> {
        self.parameters.once()?;
        self.check_response()?;
        let challenge = self.challenge()?;
        let prompt = Prompt::parse(self.parameters.get("prompt").unwrap_or_default())?;
        let bound = self.client.resource.as_deref();
        let offered = resource::choose(self.parameters.get("resource"), bound, resources)?;
        let scopes = scope::granted(self.parameters.get("scope"), offered.scopes)?;
        Ok(Valid {
            client_id: self.client.id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            state: self.state().map(str::to_owned),
            scopes,
            resource: offered.resource,
            challenge,
            prompt,
        })
    }

    fn check_response(&self) -> Result<(), OAuthError> {
        match self.parameters.get("response_type") {
            Some("code") => {}
            Some(_) => {
                let description = "the only response type is code";
                return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, description));
            }
            None => return Err(invalid_request("response_type is missing")),
        }
        if !self.client.grant_types.authorization_code {
            let description = "the client is not registered for the grant type authorization_code";
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, description));
        }
        match self.parameters.get("response_mode") {
            None | Some("query") => Ok(()),
            Some(_) => Err(invalid_request("the only response mode is query")),
        }
    }

    fn challenge(&self) -> Result<String, OAuthError> {
        let challenge = self.parameters.get("code_challenge");
        let challenge = challenge.ok_or(invalid_request("code_challenge is missing: PKCE is required"))?;
        // An absent method means `plain` (RFC 7636 section 4.3).
        if self.parameters.get("code_challenge_method") != Some(pkce::METHOD) {
            return Err(invalid_request("code_challenge_method must be S256"));
        }
        if !pkce::is_challenge(challenge) {
            return Err(invalid_request("code_challenge is not 43 characters of base64url"));
        }
        Ok(challenge.to_owned())
    }
}

impl Prompt {
    fn parse(text: &str) -> Result<Self, OAuthError> {
        let has = |value: &str| text.split(' ').any(|word| word == value);
        if has("none") && text.trim() != "none" {
            return Err(invalid_request("prompt has none and something else"));
        }
        Ok(Self { none: has("none"), login: has("login") || has("select_account"), consent: has("consent") })
    }
}

/// Where a browser goes with a code (RFC 6749 section 4.1.2, RFC 9207 section 2). With status 303.
pub fn success_redirect(redirect_uri: &str, code: &Secret, state: Option<&str>, issuer: &str) -> Secret {
    let parameters = [("code", Some(code.expose())), ("state", state), ("iss", Some(issuer))];
    Secret::new(with_query(redirect_uri, &parameters))
}

/// Where a browser goes with a refusal (RFC 6749 section 4.1.2.1, RFC 9207 section 2). With status 303.
pub fn error_redirect(redirect_uri: &str, error: &OAuthError, state: Option<&str>, issuer: &str) -> String {
    let parameters = [
        ("error", Some(error.code.as_str())),
        ("error_description", Some(error.description)),
        ("state", state),
        ("iss", Some(issuer)),
    ];
    with_query(redirect_uri, &parameters)
}

/// Adds to the query of a URI and leaves what is there as it is.
fn with_query(uri: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut added = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            added.append_pair(name, value);
        }
    }
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    [uri, separator, &added.finish()].concat()
}

#[cfg(test)]
mod tests;
