//! Conversations with real children: when one counts as unused, and what sets children apart.

use std::path::Path;

use doorward_egress::stdio::StdioLimits;
use doorward_model::{Command, Credential, Name, Sandbox, Secret, Transport, Upstream};

use super::*;

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
