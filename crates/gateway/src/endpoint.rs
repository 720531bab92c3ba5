//! The routes of the authorization server, of the pages where people sign in and decide, and of the admin API.

use doorward_auth::client::registration;
use doorward_model::{Name, Place};
use http::Method;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `/authorize`: OAuth's front door. Nothing happens there; it shows what is to be decided.
    Authorize,
    /// `/consent`: what a person decided.
    Consent,
    /// `/token`.
    Token,
    /// `/register` (RFC 7591).
    Register,
    /// `/revoke` (RFC 7009).
    Revoke,
    /// `/introspect` (RFC 7662).
    Introspect,
    /// `/sign-in`: name and password.
    SignIn,
    /// `/sign-in/<provider>`: off to a sign-in provider.
    SignInWith(String),
    /// `/sign-in/callback/<provider>`: back from it.
    SignedInBy(String),
    /// `/sign-out`.
    SignOut,
    /// `/first-administrator`: the one-time link of `serve`.
    FirstAdministrator,
    /// `/console`.
    Console,
    /// `/console/access`: which clients hold grants.
    Access,
    /// `/console/access/revoke`.
    RevokeAccess,
    /// `/authorize/continue`: back to the client that waited while something was connected.
    Continue,
    /// `/connect/<upstream>` and `/connect/agent/<agent>`: connecting an account.
    Connect(Place),
    /// `/oauth/callback`: back from the authorization server of what is connected.
    Connected,
    /// `/console/connections`: which accounts are connected.
    Connections,
    /// `/console/connections/disconnect`.
    Disconnect,
    /// `/console/assets/<file>`: what the pages look like.
    Asset(String),
    /// `/api/v1/openapi.json`: what the admin API has.
    ApiDescription,
    /// `/api/v1/secrets`: which secrets the store has.
    ApiSecrets,
    /// `/api/v1/secrets/<name>`: one of them.
    ApiSecret(String),
}

/// Whose pages may send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origins {
    /// Anybody's: no cookie counts there, and answers are readable everywhere.
    Any,
    /// Our own. They are sent without a referrer, which makes their forms' origin `null`: what proves where a
    /// form comes from is the sealed ticket in it.
    OwnPages,
    /// Our own and those of the configuration.
    Allowed,
}

impl Endpoint {
    /// What a path stands for, if it is one of these.
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/authorize" => Self::Authorize,
            "/consent" => Self::Consent,
            "/token" => Self::Token,
            "/register" => Self::Register,
            "/revoke" => Self::Revoke,
            "/introspect" => Self::Introspect,
            "/sign-in" => Self::SignIn,
            "/sign-out" => Self::SignOut,
            "/first-administrator" => Self::FirstAdministrator,
            "/console" => Self::Console,
            "/console/access" => Self::Access,
            "/console/access/revoke" => Self::RevokeAccess,
            "/console/connections" => Self::Connections,
            "/console/connections/disconnect" => Self::Disconnect,
            "/authorize/continue" => Self::Continue,
            registration::CALLBACK => Self::Connected,
            "/api/v1/openapi.json" => Self::ApiDescription,
            "/api/v1/secrets" => Self::ApiSecrets,
            _ => {
                let named = |prefix| path.strip_prefix(prefix).filter(|name| !name.contains('/'));
                let owned = |name: &str| name.to_owned();
                // An upstream may be called `agent`: what is below it is one.
                if let Some(name) = named("/connect/agent/") {
                    Self::Connect(Place::Agent(Name::parse(name).ok()?))
                } else if let Some(name) = named("/connect/") {
                    Self::Connect(Place::Upstream(Name::parse(name).ok()?))
                } else if let Some(name) = named("/sign-in/callback/") {
                    Self::SignedInBy(owned(name))
                } else if let Some(name) = named("/console/assets/") {
                    Self::Asset(owned(name))
                } else if let Some(name) = named("/api/v1/secrets/") {
                    Self::ApiSecret(owned(name))
                } else {
                    Self::SignInWith(owned(named("/sign-in/")?))
                }
            }
        })
    }

    /// Whose pages may send a request here.
    pub(crate) fn origins(&self) -> Origins {
        match self {
            Self::Token | Self::Register | Self::Revoke | Self::Introspect => Origins::Any,
            _ => Origins::OwnPages,
        }
    }

    /// Whether it is for clients of OAuth.
    pub(crate) fn is_oauth(&self) -> bool {
        self.origins() == Origins::Any || matches!(self, Self::Authorize | Self::Consent | Self::Continue)
    }

    /// Whether it is part of the admin API.
    pub(crate) fn is_api(&self) -> bool {
        matches!(self, Self::ApiDescription | Self::ApiSecrets | Self::ApiSecret(_))
    }

    /// Whether it only takes the forms of pages.
    pub(crate) fn is_form(&self) -> bool {
        self.origins() == Origins::OwnPages && self.methods() == [Method::POST]
    }

    /// The methods that are answered, as `Allow` says it.
    pub(crate) fn allow(&self) -> &'static str {
        match self.methods() {
            [only] if only == Method::POST => "POST",
            [_] => "GET",
            [first, ..] if first == Method::PUT => "PUT, DELETE",
            _ => "GET, POST",
        }
    }

    /// The methods that are answered.
    pub(crate) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Authorize | Self::SignIn | Self::FirstAdministrator | Self::Continue | Self::Connect(_) => {
                &[Method::GET, Method::POST]
            }
            Self::SignedInBy(_)
            | Self::Console
            | Self::Access
            | Self::Connected
            | Self::Connections
            | Self::Asset(_)
            | Self::ApiDescription
            | Self::ApiSecrets => &[Method::GET],
            Self::ApiSecret(_) => &[Method::PUT, Method::DELETE],
            _ => &[Method::POST],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_they_are() {
        assert_eq!(Endpoint::of("/sign-in/corp"), Some(Endpoint::SignInWith("corp".into())));
        assert_eq!(Endpoint::of("/sign-in/callback/corp"), Some(Endpoint::SignedInBy("corp".into())));
        let name = |text| Name::parse(text).expect("a name");
        let connect = |path, place| assert_eq!(Endpoint::of(path), Some(Endpoint::Connect(place)), "{path}");
        connect("/connect/notes", Place::Upstream(name("notes")));
        connect("/connect/agent", Place::Upstream(name("agent")));
        connect("/connect/agent/helper", Place::Agent(name("helper")));
        for path in [
            "/connect",
            "/connect/",
            "/connect/Notes",
            "/connect/a/b",
            "/connect/agent/",
            "/connect/agent/a/b",
        ] {
            assert_eq!(Endpoint::of(path), None, "{path}");
        }
        for path in
            ["/authorize/", "/Token", "/sign-in/corp/x", "/sign-in/callback/a/b", "//token", "/console/"]
        {
            assert_eq!(Endpoint::of(path), None, "{path}");
        }
    }
}
