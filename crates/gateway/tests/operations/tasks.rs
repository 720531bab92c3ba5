//! Whose a task is stands in the store before its caller hears of it: `kill -9` at any moment takes nothing back.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use doorward_testkit::agent::ScriptedAgent;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    client::{Answer, Connection, Outcome},
    program::Place,
    soon,
};

/// Crashes of one store.
const CRASHES: usize = 10;
/// Connections under load; every other one asks for streams.
const CLIENTS: usize = 6;

/// Sends messages until the connection breaks; gives the tasks that it was told of.
async fn send_on(address: SocketAddr, token: &str, client: usize, count: &AtomicUsize) -> Vec<String> {
    let mut told = Vec::new();
    let mut connection = Connection::to(address).await;
    let method = if client.is_multiple_of(2) { "SendMessage" } else { "SendStreamingMessage" };
    let params =
        json!({ "message": { "messageId": "m1", "role": "ROLE_USER", "parts": [{ "text": "hello" }] } });
    while let Outcome::Answered(answer) = ask(&mut connection, token, method, &params).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let first = answer.body.lines().find_map(|line| line.strip_prefix("data:")).unwrap_or(&answer.body);
        let first: Value = serde_json::from_str(first).expect("JSON");
        told.push(first["result"]["task"]["id"].as_str().expect("a task").to_owned());
        count.fetch_add(1, Ordering::Relaxed);
    }
    told
}

async fn ask(connection: &mut Connection, token: &str, method: &str, params: &Value) -> Outcome {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let authorization = format!("Bearer {token}");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
        ("A2A-Version", "1.0"),
    ];
    connection.ask("POST", "/a2a/helper", &headers, &body).await
}

async fn get(connection: &mut Connection, token: &str, task: &str) -> Answer {
    ask(connection, token, "GetTask", &json!({ "id": task })).await.answer()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_of_a_task_owns_it_after_kill_9() {
    let agent = ScriptedAgent::start().await.expect("an agent");
    let place = Place::new();
    let configuration = format!(
        "public_url = \"https://gateway.example\"\n[listen]\naddress = \"127.0.0.1:0\"\n[[agent]]\nname = \"helper\"\n\
         card = \"{}\"\naccess = \"oauth\"\n",
        agent.card_url()
    );
    place.write("doorward.toml", &configuration);
    let [alice, bob] = ["alice", "bob"].map(|user| {
        place.run(&["user", "add", user, "--password-stdin"], "correct horse").text();
        let issue = ["token", "issue", "--user", user, "--resource", "https://gateway.example/a2a/helper"];
        place.run(&issue, "").text()
    });
    let mut told: Vec<String> = Vec::new();
    for round in 1..=CRASHES {
        let mut program = place.start(&configuration);
        let mut connection = Connection::to(program.address).await;
        for task in told.drain(..) {
            let own = get(&mut connection, &alice, &task).await;
            assert_eq!(own.json()["result"]["id"], json!(task), "round {round}: {}", own.body);
            let foreign = get(&mut connection, &bob, &task).await;
            assert_eq!(foreign.json()["error"]["code"], -32001, "round {round}: {}", foreign.body);
        }
        let count = Arc::new(AtomicUsize::new(0));
        let mut load = JoinSet::new();
        for client in 0..CLIENTS {
            let (address, token, count) = (program.address, alice.clone(), Arc::clone(&count));
            load.spawn(async move { send_on(address, &token, client, &count).await });
        }
        // Between the first message and a few dozen, unevenly.
        let moment = round * 23 % 71;
        soon("the load", async {
            while count.load(Ordering::Relaxed) < moment {
                tokio::task::yield_now().await;
            }
        })
        .await;
        program.signal("KILL");
        program.ended().await;
        told = load.join_all().await.concat();
    }
}
