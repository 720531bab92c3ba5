//! What a client says of itself (RFC 7591 section 2), whether it registers or publishes a document.
//!
//! Members that Doorward knows must be of their type; `null` counts as absent, since some libraries write it;
//! unknown members are ignored. What is asked of which kind of client is decided there.

use doorward_model::{ClientKeys, GrantTypes};
use serde_json::{Map, Value};
use url::Url;

use super::{
    error::{ErrorCode, OAuthError},
    redirect_uri::{self, RedirectUriError},
    token_request::JWT_BEARER,
    uri::Parts,
};
use crate::{
    json,
    keys::{KeySet, is_secret},
    shown::{MAX_NAME, visible},
};

/// The longest text of one member, in bytes.
const MAX_TEXT: usize = 2048;
/// The most entries of one list.
const MAX_LIST: usize = 32;

/// The members of a client's description.
pub(super) struct Described(Map<String, Value>);

pub(super) const fn wrong(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, description)
}

impl Described {
    /// One JSON object without duplicate members.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, OAuthError> {
        let members = json::object(bytes);
        members.map(Self).ok_or(wrong("a JSON object without duplicate members is expected"))
    }

    /// A member that is there and not `null`.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text of a bounded length; an empty one counts as absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, OAuthError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= MAX_TEXT => {
                Ok(Some(&**text).filter(|text| !text.is_empty()))
            }
            Some(_) => Err(wrong("a member that is a text is something else, or too long")),
        }
    }

    /// A list of texts of a bounded length.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, OAuthError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let list = value.as_array().filter(|list| list.len() <= MAX_LIST);
        let texts = list.and_then(|list| {
            list.iter().map(|each| each.as_str().filter(|text| text.len() <= MAX_TEXT)).collect()
        });
        texts.map(Some).ok_or(wrong("a member that is a list of texts is something else, or too long"))
    }

    /// `client_name`, as it may be shown to people.
    pub(super) fn name(&self, member: &str) -> Result<Option<String>, OAuthError> {
        let name = self.text(member)?.and_then(visible);
        if name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
            return Err(wrong("a name has at most 128 characters"));
        }
        Ok(name)
    }

    /// `redirect_uris`: at least one, each of which passes the one check.
    pub(super) fn redirect_uris(&self, most: usize) -> Result<Vec<String>, OAuthError> {
        let uris = self.texts("redirect_uris")?.unwrap_or_default();
        if uris.is_empty() || uris.len() > most {
            let description = "redirect_uris has at least one entry, and not too many";
            return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, description));
        }
        for uri in &uris {
            redirect_uri::check(uri).map_err(refused)?;
        }
        Ok(uris.into_iter().map(str::to_owned).collect())
    }

    /// `grant_types`; those that Doorward does not have are left out. The default is the authorization code.
    pub(super) fn grant_types(&self) -> Result<GrantTypes, OAuthError> {
        let types = self.texts("grant_types")?;
        let has = |name: &str| types.as_ref().map(|types| types.contains(&name));
        Ok(GrantTypes {
            authorization_code: has("authorization_code").unwrap_or(true),
            refresh_token: has("refresh_token").unwrap_or(false),
            client_credentials: has("client_credentials").unwrap_or(false),
            jwt_bearer: has(JWT_BEARER).unwrap_or(false),
        })
    }

    /// `response_types`: with `code`, which is also the default.
    pub(super) fn check_response_types(&self) -> Result<(), OAuthError> {
        match self.texts("response_types")? {
            Some(types) if !types.contains(&"code") => Err(wrong("the only response type is code")),
            _ => Ok(()),
        }
    }

    /// `jwks` or `jwks_uri`: public keys that can be used, or an address where they are.
    pub(super) fn keys(&self) -> Result<Option<ClientKeys>, OAuthError> {
        match (self.get("jwks"), self.text("jwks_uri")?) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(wrong("jwks and jwks_uri exclude each other")),
            (Some(jwks), None) => inline_keys(jwks).map(|keys| Some(ClientKeys::Inline(keys))),
            (None, Some(uri)) => {
                let uri = web_address(uri).filter(|url| url.scheme() == "https");
                uri.map(|uri| Some(ClientKeys::Uri(uri))).ok_or(wrong("jwks_uri is an https address"))
            }
        }
    }

    /// The names of the members.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn refused(error: RedirectUriError) -> OAuthError {
    let description = match error {
        RedirectUriError::TooLong => "a redirect URI is too long",
        RedirectUriError::Malformed => {
            "a redirect URI is not an absolute URI that browsers read as it is written"
        }
        RedirectUriError::Fragment => "a redirect URI has a fragment",
        RedirectUriError::Wildcard => "a redirect URI has a wildcard",
        RedirectUriError::UserInfo => "a redirect URI names a user",
        RedirectUriError::NotLoopback => "a redirect URI with http leads to another computer",
        RedirectUriError::Scheme => "a redirect URI has a scheme that is not allowed",
        RedirectUriError::Query => "a redirect URI has a parameter that the answer has too",
    };
    OAuthError::new(ErrorCode::InvalidRedirectUri, description)
}

fn inline_keys(jwks: &Value) -> Result<String, OAuthError> {
    let entries = jwks.get("keys").and_then(Value::as_array).ok_or(wrong("jwks is not a JWK Set"))?;
    if entries.iter().filter_map(Value::as_object).any(is_secret) {
        return Err(wrong("jwks has a key that is not public"));
    }
    let text = jwks.to_string();
    match KeySet::parse(text.as_bytes()) {
        Ok(keys) if !keys.is_empty() => Ok(text),
        _ => Err(wrong("jwks has no key that can be used")),
    }
}

/// An `http` or `https` address without user and fragment, written as browsers read it.
pub(crate) fn web_address(text: &str) -> Option<Url> {
    let parts = Parts::of(text)?;
    let url = Url::parse(text).ok()?;
    let web = matches!(parts.scheme, "http" | "https") && parts.web_host(&url).is_some();
    (web && !text.contains('#') && parts.keeps_its_path(&url)).then_some(url)
}
