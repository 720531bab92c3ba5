//! Authorization server metadata (RFC 8414): where they are, and what of them counts.

use doorward_model::Algorithm;
use url::Url;

use super::{DiscoveryError, MAX_DOCUMENT, is_safe, issuer_address};
use crate::{
    client::{registration::ClientMethod, scope::OFFLINE_ACCESS},
    metadata::Document,
    server::{pkce, resource::canonical},
};

/// What Doorward signs with.
const SIGNS: &str = Algorithm::Es256.name();
/// Parameters of an authorization request, which an address must not bring along: there would be two of it.
const OURS: [&str; 9] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "redirect_uri",
    "request_uri",
    "resource",
    "response_type",
    "scope",
    "state",
];

/// Where the metadata of an issuer may be, in the order in which to ask: of several, the first that answers with status
/// 200 counts.
pub fn server_metadata_urls(issuer: &str) -> Result<Vec<Url>, DiscoveryError> {
    let base = issuer_address(issuer).ok_or(DiscoveryError::NotAnIssuer)?;
    let path = base.path().trim_end_matches('/');
    let at = |path: String| {
        let mut url = base.clone();
        url.set_path(&path);
        url
    };
    let mut urls = vec![
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("/.well-known/openid-configuration{path}")),
    ];
    if !path.is_empty() {
        urls.push(at(format!("{path}/.well-known/openid-configuration")));
    }
    Ok(urls)
}

/// What an authorization server says of itself, as far as Doorward uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the document with a name of its own")]
pub struct AuthorizationServer {
    /// Its identifier, exactly.
    pub issuer: String,
    /// Where tokens are given.
    pub token: Url,
    /// Where clients register themselves (RFC 7591).
    pub registration: Option<Url>,
    /// Where tokens are revoked (RFC 7009).
    pub revocation: Option<Url>,
    /// Whether its answers to authorization requests always name it (RFC 9207 section 3).
    pub names_issuer: bool,
    /// Whether clients may be known by their documents.
    pub client_documents: bool,
    /// Whether a refresh token is asked for by the scope `offline_access`.
    pub offline_access: bool,
    /// How clients may prove who they are, of what Doorward can do.
    pub(crate) methods: Vec<ClientMethod>,
    authorization: Option<Url>,
    pkce: bool,
    code_flow: bool,
    only_pushed: bool,
    protects: Option<Vec<String>>,
}

impl AuthorizationServer {
    /// Reads the document that was found for `issuer`.
    pub fn read(document: &[u8], issuer: &str) -> Result<Self, DiscoveryError> {
        if document.len() > MAX_DOCUMENT {
            return Err(DiscoveryError::TooLarge);
        }
        issuer_address(issuer).ok_or(DiscoveryError::NotAnIssuer)?;
        let document = Document::read(document).ok_or(DiscoveryError::Malformed)?;
        if !document.is_of(issuer) {
            return Err(DiscoveryError::OtherIssuer);
        }
        let lists = |name, entry| document.list(name).is_some_and(|list| list.contains(&entry));
        let lacks = |name, entry| document.has(name) && !lists(name, entry);
        let protects = document.list("protected_resources").filter(|list| !list.is_empty());
        Ok(Self {
            issuer: issuer.to_owned(),
            token: endpoint(&document, "token_endpoint")?
                .ok_or(DiscoveryError::Endpoint("token_endpoint"))?,
            registration: endpoint(&document, "registration_endpoint")?,
            revocation: endpoint(&document, "revocation_endpoint")?,
            names_issuer: document.says("authorization_response_iss_parameter_supported"),
            client_documents: document.says("client_id_metadata_document_supported"),
            offline_access: lists("scopes_supported", OFFLINE_ACCESS),
            methods: methods(&document),
            authorization: endpoint(&document, "authorization_endpoint")?,
            pkce: lists("code_challenge_methods_supported", pkce::METHOD),
            code_flow: !lacks("response_types_supported", "code")
                && !lacks("grant_types_supported", "authorization_code"),
            only_pushed: document.says("require_pushed_authorization_requests"),
            protects: protects.map(|list| list.into_iter().filter_map(canonical).collect()),
        })
    }

    /// Where a person is sent to authorize Doorward for `resource`: only by a server that keeps the code safe.
    pub fn authorizes(&self, resource: &str) -> Result<&Url, DiscoveryError> {
        if !self.code_flow {
            return Err(DiscoveryError::NoCodeFlow);
        }
        let endpoint = self
            .authorization
            .as_ref()
            .filter(|url| url.query_pairs().all(|(name, _)| !OURS.contains(&&*name)));
        let endpoint = endpoint.ok_or(DiscoveryError::Endpoint("authorization_endpoint"))?;
        if !self.pkce {
            return Err(DiscoveryError::NoPkce);
        }
        if self.only_pushed {
            return Err(DiscoveryError::OnlyPushed);
        }
        let protects =
            |list: &Vec<String>| canonical(resource).is_some_and(|resource| list.contains(&resource));
        if !self.protects.as_ref().is_none_or(protects) {
            return Err(DiscoveryError::NotProtected);
        }
        Ok(endpoint)
    }
}

/// An endpoint, if there is one. One that cannot be used is not taken for absent.
fn endpoint(document: &Document, name: &'static str) -> Result<Option<Url>, DiscoveryError> {
    match document.address(name) {
        Some(url) if is_safe(&url) => Ok(Some(url)),
        None if !document.has(name) => Ok(None),
        _ => Err(DiscoveryError::Endpoint(name)),
    }
}

/// Without a list, HTTP Basic is meant (RFC 8414 section 2). A server that names its algorithms and not Doorward's cannot
/// read Doorward's assertions.
fn methods(document: &Document) -> Vec<ClientMethod> {
    let Some(list) = document.list("token_endpoint_auth_methods_supported") else {
        return vec![ClientMethod::Basic];
    };
    let algorithms = document.list("token_endpoint_auth_signing_alg_values_supported");
    let reads_ours = algorithms.is_none_or(|names| names.contains(&SIGNS));
    let known = list.into_iter().filter_map(ClientMethod::parse);
    known.filter(|method| *method != ClientMethod::PrivateKeyJwt || reads_ours).collect()
}
