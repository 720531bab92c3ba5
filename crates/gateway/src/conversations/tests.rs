//! Conversations with real children: when one counts as unused, and what sets children apart.

use std::path::Path;

use doorward_config::{Environment, Overrides};
use doorward_egress::{Egress, EgressConfig, stdio::StdioLimits};
use doorward_model::{Command, Credential, Limits, Name, Sandbox, Secret, Transport, Upstream};

use super::*;
use crate::{
    metrics::Metrics,
    routes::{Published, Routes},
};

fn command() -> Command {
    Command { argv: vec!["cat".to_owned()], env: Vec::new(), directory: None, sandbox: None }
}

async fn conversation() -> Arc<Conversation> {
    let (channel, messages) =
        stdio::start(&command(), &StdioLimits::default(), "test").await.expect("it starts");
    Conversation::begin(channel, messages, true, 64)
}

#[tokio::test]
async fn what_nobody_uses_is_ended_and_what_somebody_uses_is_not() {
    let conversation = conversation().await;
    let request = Bytes::from_static(br#"{"jsonrpc":"2.0","id":"dw.1","method":"tools/list"}"#);
    let reading = conversation.ask("dw.1", None, &request).await.expect("it is asked");
    assert!(!conversation.end_if_idle(Duration::ZERO), "somebody waits for an answer");
    assert!(conversation.is_open());
    drop(reading);
    assert!(!conversation.end_if_idle(Duration::from_hours(1)), "it was used a moment ago");
    conversation.touch();
    assert!(!conversation.end_if_idle(Duration::from_hours(1)));
    assert!(conversation.end_if_idle(Duration::ZERO));
    assert!(!conversation.is_open());
    tokio::time::timeout(Duration::from_secs(30), conversation.ended()).await.expect("the child is gone");
}

/// A virtual server over a child of 2026-07-28, which notes its process in a file when it starts.
fn modern_child(starts: &Path) -> Arc<Published> {
    let script = r#"echo $$ >> "$0"; while read -r line; do
        echo '{"jsonrpc":"2.0","id":"dw.probe","result":{"supportedVersions":["2026-07-28"]}}'; done"#;
    let argv = ["/bin/sh", "-c", script, starts.to_str().expect("a path")];
    let text = format!(
        "[[upstream]]\nname = \"up\"\ncommand = {argv:?}\n\
         [[server]]\nname = \"demo\"\nupstreams = [\"up\"]\naccess = \"open\"\n"
    );
    let environment = Environment::of_process(Path::new("/nonexistent"), Overrides::default());
    let loaded = doorward_config::parse(&text, "test.toml", &environment).expect("a configuration");
    let routes = Routes::compile(loaded.snapshot, &Metrics::new(), None).expect("the snapshot compiles");
    routes.server("demo").expect("the virtual server")
}

#[tokio::test]
async fn a_shared_child_that_nobody_uses_is_ended_and_the_next_request_starts_another() {
    let directory = tempfile::tempdir().expect("a directory");
    let starts = directory.path().join("starts");
    let published = modern_child(&starts);
    let egress = Egress::new(&EgressConfig::default()).expect("a client");
    let conversations = Conversations::new(egress, Metrics::new().ends());
    let shared = async || conversations.shared(&published).await.expect("it starts").expect("it is modern");
    let started = || std::fs::read_to_string(&starts).expect("a file").lines().map(str::to_owned).collect();
    let first = shared().await;
    let limits = Limits::default();
    for limits in [limits.clone(), Limits { session_idle: Duration::ZERO, ..limits.clone() }] {
        conversations.reap(&limits);
        assert!(Arc::ptr_eq(&first, &shared().await), "everybody shares it, and it is no session");
    }

    conversations.reap(&Limits { command_idle: Duration::ZERO, ..limits });
    assert!(!first.is_open());
    tokio::time::timeout(Duration::from_secs(30), first.ended()).await.expect("the child is gone");
    let second = shared().await;
    assert!(second.is_open() && !Arc::ptr_eq(&first, &second));
    let started: Vec<String> = started();
    assert_eq!(started.len(), 2, "one start each");
    assert!(!Path::new("/proc").join(&started[0]).exists() && Path::new("/proc").join(&started[1]).exists());
    conversations.close().await;
}

/// Decision 0013: one child for each set of credentials.
#[test]
fn children_are_apart_by_credential_place_and_sandbox() {
    let of = |name: &str, change: &dyn Fn(&mut Command)| {
        let mut command = command();
        change(&mut command);
        identity(&Upstream {
            name: Name::parse(name).expect("a name"),
            transport: Transport::Stdio(command),
            timeout: Duration::from_secs(1),
            credential: Credential::None,
        })
    };
    let key = |value: &str| vec![("KEY".to_owned(), Secret::new(value.to_owned()))];
    let all = [
        of("u", &|_| {}),
        of("v", &|_| {}),
        of("u", &|command| command.argv.push("-u".to_owned())),
        of("u", &|command| command.env = key("one")),
        of("u", &|command| command.env = key("two")),
        of("u", &|command| command.directory = Some(Path::new("/").to_owned())),
        of("u", &|command| command.sandbox = Some(Sandbox::default())),
        of("u", &|command| command.sandbox = Some(Sandbox { network: true, ..Sandbox::default() })),
    ];
    let distinct: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(of("u", &|command| command.env = key("one")), all[3]);
    assert!(all.iter().all(|identity| !identity.contains("one")), "no secret is spelt out");
}
