//! `doorward token`: access tokens for scripts and tests, and what clients were granted.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow, bail, ensure};
use doorward_auth::{
    keys::hash,
    server::{
        resource,
        token::{self, TokenKind},
    },
};
use doorward_config::Loaded;
use doorward_guard::policy;
use doorward_model::{Caller, ClientGrant, Identity, Record, Scopes, Secret, Timestamp, Voucher};
use doorward_store::{GrantSeen, NewAccessToken, User};
use serde_json::{Value, json};

use super::{
    opened::{Absent, Opened, with_store},
    resource::Resource,
    say, say_aside,
};
use crate::{
    api,
    cli::access::{Token, TokenIssue, TokenList, TokenRevoke},
};

/// What stands in the place of a client's id. No client can have it: names have no colon.
const CLIENT: &str = "command:token-issue";
/// The shortest and the longest life of a token.
const LIVES: [Duration; 2] = [Duration::from_secs(10), Duration::from_hours(90 * 24)];
/// Grants that are read at once.
const PAGE: u32 = 1000;

/// Does what was asked for.
pub(crate) fn run(token: &Token) -> anyhow::Result<ExitCode> {
    match token {
        Token::Issue(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| issue(opened, args).await)
        }
        Token::List(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| list(opened, args).await)
        }
        Token::Revoke(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| revoke(opened, args).await)
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn issue(opened: &Opened, args: &TokenIssue) -> anyhow::Result<()> {
    let opens = Opens::at(&opened.loaded, args)?;
    let life = life(args.ttl.as_deref(), opened.loaded.snapshot.tokens.access_ttl)?;
    let user = opened.store.user(&args.user).await?.ok_or_else(|| {
        anyhow!("there is no local user `{0}`; `doorward user add {0}` makes one", args.user)
    })?;
    opens.refuse_unless_let_in(opened, &user)?;

    let grant = grant(user, &opens, opened.now(), life);
    let secret = token::mint(TokenKind::Access);
    let access = NewAccessToken {
        hash: token::hash(secret.expose()),
        scopes: opens.scopes,
        issued: grant.created,
        expires: grant.expires,
    };
    opened.store.put_client_grant(&grant, &access).await?;
    // What is not recorded is not handed out.
    if let Err(error) = recorded(opened, &opens, &grant).await {
        opened.store.revoke_client_grant(&grant.id, opened.now()).await?;
        return Err(error);
    }
    say(&if args.config.json {
        as_json(&grant, &secret, life).to_string()
    } else {
        secret.expose().to_owned()
    });
    Ok(())
}

/// What a token is to open.
struct Opens<'a> {
    /// The resource's address.
    url: String,
    scopes: Scopes,
    /// The virtual server or the agent there; the admin API when absent.
    resource: Option<Resource<'a>>,
}

impl<'a> Opens<'a> {
    fn at(loaded: &'a Loaded, args: &TokenIssue) -> anyhow::Result<Self> {
        let url = api::resource(&loaded.snapshot);
        if resource::canonical(&args.resource).is_some_and(|asked| asked == url) {
            ensure!(args.scope.is_none(), "--scope: the admin API knows no scopes; leave it out");
            return Ok(Self { url, scopes: Scopes::NONE, resource: None });
        }
        let resource = Resource::at(loaded, &args.resource)?;
        ensure!(
            resource.access.oauth,
            "{}: its `access` has no \"oauth\", so no token of Doorward's opens it",
            resource.url
        );
        let scopes = scopes(args.scope.as_deref(), &resource)?;
        Ok(Self { url: resource.url.to_owned(), scopes, resource: Some(resource) })
    }

    /// The same decision as for every call with the token.
    fn refuse_unless_let_in(&self, opened: &Opened, user: &User) -> anyhow::Result<()> {
        if let Some(resource) = &self.resource {
            return refuse_unless_let_in(opened, user, resource, self.scopes);
        }
        ensure!(
            user.administrator,
            "{0} is no administrator, and the admin API is for administrators; `doorward user change {0} --admin` makes \
             one",
            user.name
        );
        Ok(())
    }
}

fn grant(user: User, opens: &Opens<'_>, now: Timestamp, life: Duration) -> ClientGrant {
    ClientGrant {
        id: hash::random_hex::<16>(),
        subject: user.name,
        groups: user.groups,
        domain: None,
        client: CLIENT.to_owned(),
        client_name: Some("doorward token issue".to_owned()),
        redirect: None,
        resource: opens.url.clone(),
        scopes: opens.scopes,
        created: now,
        expires: now.plus_secs(i64::try_from(life.as_secs()).unwrap_or(i64::MAX)),
    }
}

/// All scopes of the resource, or those that were asked for.
fn scopes(asked: Option<&str>, resource: &Resource<'_>) -> anyhow::Result<Scopes> {
    let Some(asked) = asked else { return Ok(resource.scopes) };
    let article = if resource.scopes == Scopes::A2A { "an" } else { "a" };
    let known = || format!("--scope \"{asked}\": {article} {} knows {}", resource.kind, resource.scopes);
    let scopes: Scopes = asked.parse().with_context(known)?;
    ensure!(scopes.within(resource.scopes) && !scopes.is_empty(), known());
    Ok(scopes)
}

fn life(asked: Option<&str>, usual: Duration) -> anyhow::Result<Duration> {
    let Some(asked) = asked else { return Ok(usual) };
    let life = doorward_config::parse_duration(asked).map_err(|why| anyhow!("--ttl {asked}: {why}"))?;
    let [least, most] = LIVES;
    ensure!((least..=most).contains(&life), "--ttl {asked}: must be between 10s and 90d");
    Ok(life)
}

/// The same decision as for every call with the token.
fn refuse_unless_let_in(
    opened: &Opened,
    user: &User,
    resource: &Resource<'_>,
    scopes: Scopes,
) -> anyhow::Result<()> {
    let caller = Caller::Issued(Arc::new(Identity {
        issuer: opened.loaded.snapshot.origin(),
        subject: user.name.clone(),
        client: Some(CLIENT.to_owned()),
        scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        groups: user.groups.clone(),
        audiences: vec![resource.url.to_owned()],
    }));
    ensure!(
        policy::admits(&caller, resource.access, &Voucher::Doorward),
        "the `allow` of {} `{}` names neither {} nor a group of theirs",
        resource.kind,
        resource.name,
        user.name
    );
    Ok(())
}

async fn list(opened: &Opened, args: &TokenList) -> anyhow::Result<()> {
    let now = opened.now();
    let grants = match &args.user {
        Some(subject) => opened.store.client_grants_of(subject, now).await?,
        None => everybodys(opened, now).await?,
    };
    if args.config.json {
        say(&grants.iter().map(seen_as_json).collect::<Value>().to_string());
        return Ok(());
    }
    for seen in &grants {
        say(&seen_as_text(seen));
    }
    if grants.is_empty() {
        say_aside("nothing is granted");
    }
    Ok(())
}

async fn everybodys(opened: &Opened, now: Timestamp) -> anyhow::Result<Vec<GrantSeen>> {
    let mut all: Vec<GrantSeen> = Vec::new();
    loop {
        let before = all.last().map(|last| (last.grant.created, last.grant.id.clone()));
        let before = before.as_ref().map(|(created, id)| (*created, id.as_str()));
        let page = opened.store.client_grants(before, PAGE, now).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn revoke(opened: &Opened, args: &TokenRevoke) -> anyhow::Result<()> {
    let Some(grant) = opened.store.client_grant(&args.id).await? else {
        bail!("nothing of this id was granted; `doorward token list` shows the ids");
    };
    // The client must ask again.
    opened.store.forget_consents(&grant.subject, &grant.client).await?;
    ensure!(
        opened.store.revoke_client_grant(&grant.id, opened.now()).await?,
        "it was revoked before, or it has ended; nothing was changed"
    );
    let record = Record {
        subject: Some(grant.subject.clone()),
        client: Some(grant.client.clone()),
        detail: Some(format!("revoked grant {} for {}", grant.id, grant.resource)),
        ..Record::default()
    };
    opened.record("token revoke", record).await?;
    let data = json!({ "id": grant.id, "subject": grant.subject, "client": grant.client });
    say(&if args.config.json { data.to_string() } else { format!("revoked {}", grant.id) });
    Ok(())
}

async fn recorded(opened: &Opened, opens: &Opens<'_>, grant: &ClientGrant) -> anyhow::Result<()> {
    let for_api = if opens.resource.is_none() { ", for the admin API" } else { "" };
    let detail = format!(
        "grant {}{for_api}, scope {}, expires {}",
        grant.id,
        grant.scopes,
        grant.expires.to_rfc3339()
    );
    let mut record = Record {
        issuer: Some(opened.loaded.snapshot.origin()),
        subject: Some(grant.subject.clone()),
        client: Some(grant.client.clone()),
        detail: Some(detail),
        ..Record::default()
    };
    if let Some(resource) = &opens.resource {
        resource.note(&mut record);
    }
    opened.record("token issue", record).await
}

fn as_json(grant: &ClientGrant, secret: &Secret, life: Duration) -> Value {
    json!({
        "access_token": secret.expose(),
        "token_type": "Bearer",
        "expires_in": life.as_secs(),
        "scope": grant.scopes.to_string(),
        "resource": grant.resource,
        "id": grant.id,
    })
}

fn seen_as_json(seen: &GrantSeen) -> Value {
    let grant = &seen.grant;
    json!({
        "id": grant.id,
        "subject": grant.subject,
        "groups": grant.groups,
        "client": grant.client,
        "client_name": grant.client_name,
        "redirect": grant.redirect,
        "resource": grant.resource,
        "scope": grant.scopes.to_string(),
        "created": grant.created.to_rfc3339(),
        "expires": grant.expires.to_rfc3339(),
        "last_used": seen.last_used.map(Timestamp::to_rfc3339),
    })
}

fn seen_as_text(seen: &GrantSeen) -> String {
    let grant = &seen.grant;
    format!(
        "{}  {} by {} at {} ({}), until {}",
        grant.id,
        grant.subject,
        grant.client,
        grant.resource,
        grant.scopes,
        grant.expires.to_rfc3339()
    )
}
