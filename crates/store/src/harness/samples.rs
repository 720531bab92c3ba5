//! Things to store, each made from a word.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use doorward_model::{
    Caller, Client, ClientAuthentication, ClientGrant, ClientKind, GrantTypes, Identity, Name, Scopes,
    Timestamp,
};

use crate::{NewAccessToken, NewCode, NewRefreshToken, Owner, Store, TaskNote, TaskPhase, User, engine::hex};

/// When everything is made.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// SHA-256 in hex, as of a token.
pub(crate) fn hash(word: &str) -> String {
    hex(digest(&SHA256, word.as_bytes()).as_ref())
}

/// A grant of `alice` to `editor` that ends in 90 days.
pub(crate) fn grant(id: &str) -> ClientGrant {
    ClientGrant {
        id: id.to_owned(),
        subject: "alice".to_owned(),
        groups: vec!["eng".to_owned(), "a \"quoted\", group".to_owned()],
        domain: Some("example.com".to_owned()),
        client: "editor".to_owned(),
        client_name: Some("An Editor".to_owned()),
        redirect: Some("https://editor.example".to_owned()),
        resource: "https://door.example/mcp/demo".to_owned(),
        scopes: Scopes::MCP,
        created: NOW,
        expires: NOW.plus_secs(90 * 24 * 3_600),
    }
}

/// An access token for an hour.
pub(crate) fn access(word: &str) -> NewAccessToken {
    NewAccessToken { hash: hash(word), scopes: Scopes::MCP, issued: NOW, expires: NOW.plus_secs(3_600) }
}

/// A refresh token for 14 days.
pub(crate) fn refresh(word: &str) -> NewRefreshToken {
    NewRefreshToken { hash: hash(word), issued: NOW, expires: NOW.plus_secs(14 * 24 * 3_600) }
}

/// A code for a minute, that grants [`grant`] with the id `<word>-grant`.
pub(crate) fn code(word: &str) -> NewCode {
    NewCode {
        hash: hash(word),
        grant: grant(&format!("{word}-grant")),
        redirect_uri: "https://editor.example/callback?x=1".to_owned(),
        challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
        expires: NOW.plus_secs(60),
    }
}

/// A public client that registered itself.
pub(crate) fn dynamic(id: &str) -> Client {
    Client {
        id: id.to_owned(),
        kind: ClientKind::Dynamic,
        name: Some("An Editor".to_owned()),
        redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
        authentication: ClientAuthentication::None,
        grant_types: GrantTypes { authorization_code: true, refresh_token: true, ..GrantTypes::default() },
        resource: None,
        created: NOW,
    }
}

/// A local user who is in `eng`.
pub(crate) fn user(name: &str) -> User {
    User {
        name: name.to_owned(),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA".to_owned(),
        administrator: false,
        groups: vec!["eng".to_owned()],
        created: NOW,
    }
}

impl Store {
    /// Stores [`grant`] with the tokens `<id>-access` and `<id>-refresh`, by way of a code.
    pub(crate) async fn put_tokens(&self, grant: ClientGrant) {
        let id = grant.id.clone();
        let code = crate::NewCode { grant, ..code(&format!("{id}-code")) };
        self.put_code(&code).await.unwrap();
        let (access, refresh) = (access(&format!("{id}-access")), refresh(&format!("{id}-refresh")));
        let redeemed = self.redeem_code(&code.hash, &access, Some(&refresh), NOW).await.unwrap();
        assert!(matches!(redeemed, crate::Redeemed::Now(_)), "{redeemed:?}");
    }

    /// Whether the access token of that word opens anything.
    pub(crate) async fn opens(&self, word: &str, now: Timestamp) -> bool {
        self.access_token(&hash(word), now).await.unwrap().is_some()
    }
}

/// The agent whose tasks and webhooks are stored.
pub(crate) fn agent() -> Name {
    Name::parse("travel").unwrap()
}

/// The owner that `alice` is, say.
pub(crate) fn owner(subject: &str) -> Owner {
    Owner::of(&caller(subject).key())
}

fn caller(subject: &str) -> Caller {
    Caller::Issued(Arc::new(Identity {
        issuer: "https://door.example".to_owned(),
        subject: subject.to_owned(),
        client: None,
        scopes: Vec::new(),
        groups: Vec::new(),
        audiences: Vec::new(),
    }))
}

/// A task of `alice`'s that is under way, in the context `<id>-context`.
pub(crate) fn task(id: &str) -> TaskNote {
    TaskNote {
        agent: agent(),
        task: id.to_owned(),
        context: Some(format!("{id}-context")),
        owner: owner("alice"),
        state: "TASK_STATE_WORKING",
        phase: TaskPhase::Open,
        state_time: NOW,
        version: "1.0",
        binding: "jsonrpc",
        now: NOW,
    }
}
