//! `doorward client`: OAuth clients that the operator knows beforehand.
//!
//! What it prints about a new client is JSON always: the secret is there once, for a script to put away.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, bail, ensure};
use doorward_auth::{
    keys::KeySet,
    server::{
        redirect_uri,
        token::{self, TokenKind},
    },
};
use doorward_config::Loaded;
use doorward_model::{
    Client as Model, ClientAuthentication, ClientKeys, ClientKind, GrantTypes, Name, Record, Secret,
    SecretMethod,
};
use doorward_store::StoredClient;
use serde_json::{Value, json};
use url::Url;

use super::{
    opened::{Absent, Opened, with_store},
    resource::Resource,
    say, say_aside, terminal,
};
use crate::cli::{
    ConfigArgs,
    access::{Client, ClientAdd, ClientRemove},
};

/// What dynamic registration's ids begin with.
const DYNAMIC: &str = "dcr_";
/// Largest JWK set that is taken, in bytes.
const MAX_KEYS: u64 = 64 << 10;
/// Clients that are read at once.
const PAGE: u32 = 1000;

/// Does what was asked for.
pub(crate) fn run(client: &Client) -> anyhow::Result<ExitCode> {
    match client {
        Client::Add(args) => with_store(&args.config, Absent::Make, async |opened| add(opened, args).await),
        Client::List(args) => with_store(args, Absent::Refuse, async |opened| list(opened, args).await),
        Client::Remove(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| remove(opened, args).await)
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn add(opened: &Opened, args: &ClientAdd) -> anyhow::Result<()> {
    let authentication = authentication(args)?;
    let client = Model {
        id: id(&args.name)?,
        kind: ClientKind::Registered,
        name: Some(args.name.clone()),
        redirect_uris: redirect_uris(&args.redirect_uris)?,
        authentication,
        grant_types: grant_types(args),
        resource: args.resource.as_deref().map(|url| published(&opened.loaded, url)).transpose()?,
        created: opened.now(),
    };
    let secret = matches!(client.authentication, ClientAuthentication::Secret(_))
        .then(|| token::mint(TokenKind::ClientSecret));
    let hash = secret.as_ref().map(|secret| token::hash(secret.expose()));
    if !opened.store.add_client(&client, hash.as_deref()).await? {
        bail!("there is a client `{0}` already; `doorward client remove {0}` removes it", client.id);
    }
    recorded(opened, "client add", &client).await?;
    say(&as_json(&client, secret.as_ref()).to_string());
    if args.id_jag && !opened.loaded.snapshot.issuers.values().any(|issuer| issuer.id_jag) {
        say_aside("no [[issuer]] of the configuration has id_jag = true yet: nobody vouches for people");
    }
    Ok(())
}

async fn list(opened: &Opened, args: &ConfigArgs) -> anyhow::Result<()> {
    let mut all: Vec<StoredClient> = Vec::new();
    loop {
        let after = all.last().map(|last| last.client.id.clone());
        let page = opened.store.clients(after.as_deref(), PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    if args.json {
        let entry = |stored: &StoredClient| {
            let mut entry = as_json(&stored.client, None);
            entry["used"] = json!(stored.used.map(doorward_model::Timestamp::to_rfc3339));
            entry
        };
        say(&all.iter().map(entry).collect::<Value>().to_string());
        return Ok(());
    }
    for stored in &all {
        say(&as_text(stored));
    }
    if all.is_empty() {
        say_aside("there are no clients; most register themselves, or have a document of their own");
    }
    Ok(())
}

async fn remove(opened: &Opened, args: &ClientRemove) -> anyhow::Result<()> {
    let Some(stored) = opened.store.client(&args.id).await? else {
        bail!("there is no client `{}`; `doorward client list` shows them", args.id);
    };
    let question = format!("Remove {}, with all of its tokens?", args.id);
    if !args.yes && !terminal::confirm(&question, "--yes")? {
        bail!("nothing was changed");
    }
    opened.store.remove_client(&args.id, opened.now()).await?;
    recorded(opened, "client remove", &stored.client).await?;
    let said = format!("removed {}", args.id);
    say(&if args.config.json { as_json(&stored.client, None).to_string() } else { said });
    Ok(())
}

/// A name that neither a registration nor a document can have.
fn id(name: &str) -> anyhow::Result<String> {
    let name = Name::parse(name)?;
    ensure!(
        !name.as_str().starts_with(DYNAMIC),
        "names that begin with `{DYNAMIC}` are those of clients that register themselves"
    );
    Ok(name.to_string())
}

fn redirect_uris(written: &[String]) -> anyhow::Result<Vec<String>> {
    let mut uris: Vec<String> = Vec::new();
    for uri in written {
        redirect_uri::check(uri).with_context(|| format!("--redirect-uri {uri}"))?;
        if !uris.contains(uri) {
            uris.push(uri.clone());
        }
    }
    Ok(uris)
}

/// Without a person, or for other people's word, a client must be able to prove who it is.
fn authentication(args: &ClientAdd) -> anyhow::Result<ClientAuthentication> {
    if let Some(place) = &args.jwks {
        return keys(place).map(ClientAuthentication::PrivateKeyJwt);
    }
    if args.secret || args.credentials || args.id_jag {
        return Ok(ClientAuthentication::Secret(SecretMethod::Either));
    }
    Ok(ClientAuthentication::None)
}

/// A JWK set in a file, or the address of one.
fn keys(place: &str) -> anyhow::Result<ClientKeys> {
    let named = || format!("--jwks {place}");
    if place.contains("://") {
        let url = Url::parse(place).with_context(named)?;
        let safe = url.scheme() == "https" || redirect_uri::is_loopback(url.as_str());
        ensure!(safe, "{}: expected https", named());
        return Ok(ClientKeys::Uri(url));
    }
    let size = fs::metadata(place).with_context(named)?.len();
    ensure!(size <= MAX_KEYS, "{}: larger than {MAX_KEYS} bytes", named());
    let text = fs::read_to_string(place).with_context(named)?;
    let keys = KeySet::parse(text.as_bytes()).with_context(named)?;
    ensure!(
        !keys.is_empty() && keys.ignored() == 0,
        "{}: expected a JWK set of public keys for signatures, and nothing else in it",
        named()
    );
    Ok(ClientKeys::Inline(text))
}

fn grant_types(args: &ClientAdd) -> GrantTypes {
    let people = !args.redirect_uris.is_empty();
    GrantTypes {
        authorization_code: people,
        refresh_token: people,
        client_credentials: args.credentials,
        jwt_bearer: args.id_jag,
    }
}

/// The address of a virtual server or an agent that Doorward's own tokens open.
fn published(loaded: &Loaded, url: &str) -> anyhow::Result<String> {
    let resource = Resource::at(loaded, url)?;
    ensure!(
        resource.access.oauth,
        "--resource {url}: its `access` has no \"oauth\", so no token would open it"
    );
    Ok(resource.url.to_owned())
}

async fn recorded(opened: &Opened, command: &str, client: &Model) -> anyhow::Result<()> {
    let record = Record {
        client: Some(client.id.clone()),
        detail: Some(as_json(client, None).to_string()),
        ..Record::default()
    };
    opened.record(command, record).await
}

/// With the names of RFC 7591.
fn as_json(client: &Model, secret: Option<&Secret>) -> Value {
    let mut json = json!({
        "client_id": client.id,
        "kind": kind(client.kind),
        "grant_types": grant_names(client.grant_types),
        "token_endpoint_auth_method": method(&client.authentication),
        "created": client.created.to_rfc3339(),
    });
    if let Some(secret) = secret {
        json["client_secret"] = secret.expose().into();
    }
    if let Some(name) = client.name.as_ref().filter(|name| **name != client.id) {
        json["client_name"] = name.as_str().into();
    }
    if !client.redirect_uris.is_empty() {
        json["redirect_uris"] = json!(client.redirect_uris);
    }
    if let Some(resource) = &client.resource {
        json["resource"] = resource.as_str().into();
    }
    json
}

fn as_text(stored: &StoredClient) -> String {
    let client = &stored.client;
    let mut text = format!("{}, {}", client.id, kind(client.kind));
    if let Some(name) = client.name.as_ref().filter(|name| **name != client.id) {
        // What a client says of itself is a claim; control characters were taken out when it registered.
        text.extend([", says it is \"", name, "\""]);
    }
    for uri in &client.redirect_uris {
        text.extend([", ", uri]);
    }
    if let Some(used) = stored.used {
        text.extend([", used ", &used.to_rfc3339()]);
    }
    text
}

const fn kind(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Registered => "pre-registered",
        ClientKind::Dynamic => "registered itself",
        ClientKind::Document => "document",
    }
}

fn grant_names(types: GrantTypes) -> Vec<&'static str> {
    [
        (types.authorization_code, "authorization_code"),
        (types.refresh_token, "refresh_token"),
        (types.client_credentials, "client_credentials"),
        (types.jwt_bearer, "urn:ietf:params:oauth:grant-type:jwt-bearer"),
    ]
    .into_iter()
    .filter_map(|(has, name)| has.then_some(name))
    .collect()
}

/// Either way of a secret shows as the first one.
const fn method(authentication: &ClientAuthentication) -> &'static str {
    match authentication {
        ClientAuthentication::None => "none",
        ClientAuthentication::Secret(SecretMethod::Basic | SecretMethod::Either) => "client_secret_basic",
        ClientAuthentication::Secret(SecretMethod::Post) => "client_secret_post",
        ClientAuthentication::PrivateKeyJwt(_) => "private_key_jwt",
    }
}
