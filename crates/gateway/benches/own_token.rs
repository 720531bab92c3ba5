//! What it costs to judge a token of Doorward's own: known from the last request, and asked of the store.
//!
//! `cargo xtask bench --scenario token` runs this and prints it beside what is aimed at. Prints one line:
//! `RESULT {"cached_us": …, "stored_us": …}`, microseconds of one look-up.

use std::{
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use doorward_auth::{
    keys::hash,
    server::token::{self, TokenKind},
};
use doorward_config::{Environment, Overrides};
use doorward_gateway::App;
use doorward_model::{ClientGrant, Clock as _, Scopes, Secret, SystemClock};
use doorward_store::{NewAccessToken, Store};

/// Look-ups of a token that is known.
const CACHED: u32 = 1_000_000;
/// Tokens that are each asked for once.
const STORED: u32 = 2_000;

const CONFIGURATION: &str = r#"
    [store]
    url = "sqlite:doorward.db"
    [[upstream]]
    name = "bench"
    url = "http://127.0.0.1:9/mcp"
    [[server]]
    name = "bench"
    upstreams = ["bench"]
    "#;

fn main() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (cached, stored) = runtime.block_on(measure(directory.path()))?;
    let micros = |time: Duration, count: u32| time.as_secs_f64() * 1e6 / f64::from(count);
    let (cached, stored) = (micros(cached, CACHED), micros(stored, STORED));
    writeln!(std::io::stdout(), "RESULT {{\"cached_us\": {cached:.3}, \"stored_us\": {stored:.3}}}")?;
    Ok(())
}

async fn measure(directory: &Path) -> Result<(Duration, Duration)> {
    let environment = Environment::of_process(directory, Overrides::default());
    let loaded = doorward_config::parse(CONFIGURATION, "the bench", &environment);
    let loaded = loaded.map_err(|mistakes| anyhow::anyhow!("{mistakes}"))?;
    let app = App::build(&loaded, Arc::new(SystemClock)).await?;
    let store = Store::open(&format!("sqlite:{}", directory.join("doorward.db").display())).await?;
    let mut tokens = Vec::new();
    for _ in 0..=STORED {
        tokens.push(issue(&store).await?);
    }
    let first = tokens.pop().context("a token")?;
    ensure!(app.knows_own_token(first.expose()).await?, "the token is not good");
    let begin = Instant::now();
    for _ in 0..CACHED {
        ensure!(app.knows_own_token(first.expose()).await?, "the token is good no more");
    }
    let cached = begin.elapsed();
    let begin = Instant::now();
    for token in &tokens {
        ensure!(app.knows_own_token(token.expose()).await?, "the token is not good");
    }
    Ok((cached, begin.elapsed()))
}

async fn issue(store: &Store) -> Result<Secret> {
    let (secret, now) = (token::mint(TokenKind::Access), SystemClock.now());
    let grant = ClientGrant {
        id: hash::random_hex::<16>(),
        subject: "alice".into(),
        groups: vec!["eng".into()],
        domain: None,
        client: "bench".into(),
        client_name: None,
        redirect: None,
        resource: "http://127.0.0.1:8420/mcp/bench".into(),
        scopes: Scopes::MCP,
        created: now,
        expires: now.plus_secs(3600),
    };
    let row = NewAccessToken {
        hash: token::hash(secret.expose()),
        scopes: Scopes::MCP,
        issued: now,
        expires: now.plus_secs(3600),
    };
    store.put_client_grant(&grant, &row).await?;
    Ok(secret)
}
