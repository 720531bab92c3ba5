//! Agents that want everybody's own account, on every binding.

use doorward_testkit::agent::ScriptedAgent;

use crate::harness::{ConnectedWorld, Message, V1_FACES, V1_RPC};

#[tokio::test]
async fn who_is_not_connected_at_an_agent_is_told_where_to_and_then_served_with_their_own_account() {
    let agent = ScriptedAgent::start_as(&V1_FACES).await.unwrap();
    let card = agent.card_url();
    let world = ConnectedWorld::with(|credential| {
        format!(
            "[network]\nallow_private = [\"127.0.0.0/8\"]\n[[agent]]\nname = \"helper\"\ncard = \"{card}\"\naccess = \"jwt\"\n\
             bindings = [\"jsonrpc\", \"http+json\", \"grpc\"]\ncredential = {credential}\n"
        )
    })
    .await;
    let link = format!("{}/connect/agent/helper", world.gateway.url());
    let token = world.token_for("alice", &world.gateway.agent_resource("helper"));
    let ask = |face| world.gateway.ask("helper", face, Message::new("m").send()).bearer(&token).send();
    for face in V1_FACES {
        let told = ask(face).await;
        assert!(told.failed().is_some(), "{face:?}");
        assert!(told.answer.header("www-authenticate").is_none(), "{face:?}");
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], "not_connected", "{face:?}");
        let failure = format!("{:?}", told.failure());
        assert!(failure.contains(&link), "{face:?}: {failure}");
    }
    let account = world.connect_helper(&card, "corp:alice").await;
    for face in V1_FACES {
        // What the agent answers is the agent's.
        ask(face).await;
        assert_ne!(world.gateway.last_record().await["reason"], "not_connected", "{face:?}");
    }
    let bearer = format!("Bearer {}", account.access);
    let mut asked = agent.requests();
    asked.retain(|asked| !matches!(asked.operation.as_str(), "card" | "jwks"));
    assert_eq!(asked.len(), V1_FACES.len(), "nothing was sent without a token");
    assert!(asked.iter().all(|asked| asked.header("authorization") == Some(&bearer)));
    assert!(!agent.saw(&token), "the caller's own token goes nowhere");
    world.finish().await;
}

/// A card may lead anywhere; the token of a person goes to the card's origin, and to that of `resource`.
#[tokio::test]
async fn a_persons_token_does_not_follow_a_card_to_another_origin() {
    for has_one_at_home in [false, true] {
        let agent = ScriptedAgent::start_as(&[V1_RPC]).await.unwrap();
        let elsewhere = ScriptedAgent::start_as(&[V1_RPC]).await.unwrap();
        let mut card = agent.card();
        let mut interfaces = elsewhere.card()["supportedInterfaces"].as_array().unwrap().clone();
        if has_one_at_home {
            interfaces.extend(card["supportedInterfaces"].as_array().unwrap().clone());
        }
        card["supportedInterfaces"] = interfaces.into();
        agent.set_card(card);
        let url = agent.card_url();
        let world = ConnectedWorld::with(|credential| {
            format!(
                "[network]\nallow_private = [\"127.0.0.0/8\"]\n[[agent]]\nname = \"helper\"\ncard = \"{url}\"\n\
                 access = \"jwt\"\ncredential = {credential}\n"
            )
        })
        .await;
        world.connect_helper(&url, "corp:alice").await;
        let token = world.token_for("alice", &world.gateway.agent_resource("helper"));
        world.gateway.ask("helper", V1_RPC, Message::new("m").send()).bearer(&token).send().await;
        let record = world.gateway.last_record().await;
        if has_one_at_home {
            assert_eq!(agent.requests_of("SendMessage").len(), 1, "{record}");
        } else {
            assert_eq!(record["reason"], "upstream_invalid", "{record}");
            assert!(record["detail"].as_str().unwrap().contains("do not follow a card"), "{record}");
        }
        assert_eq!(elsewhere.requests().len(), 0);
        world.finish().await;
    }
}
