//! How an agent's card faces callers: addresses, security and policy are Doorward's.

use doorward_auth::card;
use doorward_model::{Agent, Binding};
use doorward_protocol::a2a::card::{Documents, Facing, Published, Scheme, Security, UpstreamCard};

use crate::{App, routes::Routes, signer::Signer};

/// The scopes of Doorward's own tokens, and what they allow.
const SCOPES: [(&str, &str); 2] =
    [("a2a:read", "See your tasks and their results"), ("a2a:send", "Send messages and change your tasks")];

/// A card as callers see it, not signed yet.
pub(super) fn publish(card: &UpstreamCard, agent: &Agent, routes: &Routes) -> Published {
    let security = security(agent, routes);
    let grpc = agent.bindings.contains(&Binding::Grpc).then(|| authority(routes));
    doorward_protocol::a2a::card::publish(
        card,
        &Facing {
            name: agent.name.as_str(),
            url: &agent.resource,
            grpc: grpc.as_deref(),
            bindings: &agent.bindings,
            versions: &agent.versions,
            security: &security,
            push: agent.push,
            // Whoever asks for it must be known (section 13.3).
            extended: !agent.access.open,
            skills: agent.skills.as_ref(),
            extensions: None,
        },
    )
}

/// The extended card as one caller sees it. Signed, and kept nowhere.
pub(crate) fn extended(app: &App, card: &UpstreamCard, agent: &Agent) -> Documents {
    let routes = app.routes();
    let published = publish(card, agent, &routes);
    let key = app.signer().card_key();
    published.documents(&[card::sign(&key, published.payload(), &Signer::jku(routes.origin()))])
}

/// `host:port` of the public URL, the port always given (A2A 1.0.1 section 4.4.6).
fn authority(routes: &Routes) -> String {
    let url = &routes.snapshot.public_url;
    let port = url.port_or_known_default().unwrap_or(443);
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// What is really asked for at this agent's door.
fn security(agent: &Agent, routes: &Routes) -> Security {
    let access = &agent.access;
    let mut schemes = Vec::new();
    if access.open {
        return Security::default();
    }
    if access.oauth {
        let origin = routes.origin();
        let metadata_url = Some(format!("{origin}/.well-known/oauth-authorization-server"));
        let token_url = format!("{origin}/token");
        schemes.push((
            "oauth".to_owned(),
            Scheme::AuthorizationCode {
                authorization_url: format!("{origin}/authorize"),
                token_url: token_url.clone(),
                metadata_url: metadata_url.clone(),
            },
        ));
        schemes.push(("oauth-client".to_owned(), Scheme::ClientCredentials { token_url, metadata_url }));
    }
    for issuer in access.jwt.iter().flat_map(|jwt| &jwt.issuers) {
        let url = format!("{}/.well-known/openid-configuration", issuer.issuer.trim_end_matches('/'));
        schemes.push((format!("issuer-{}", issuer.name), Scheme::OpenIdConnect { url }));
    }
    if access.api_keys.is_some() {
        schemes.push(("api-key".to_owned(), Scheme::ApiKeyHeader { header: "X-API-Key".to_owned() }));
    }
    if access.mtls {
        schemes.push(("mtls".to_owned(), Scheme::MutualTls));
    }
    let alternatives = schemes.iter().map(|(name, _)| vec![name.clone()]).collect();
    let scopes = SCOPES.iter().map(|(scope, means)| ((*scope).to_owned(), (*means).to_owned())).collect();
    Security { schemes, alternatives, scopes }
}
