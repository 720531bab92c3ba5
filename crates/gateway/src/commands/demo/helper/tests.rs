use doorward_egress::{Egress, EgressConfig};
use doorward_protocol::{a2a::card, json::Document};

use super::{
    super::agent::{Agent, Answer, Call},
    *,
};

const KEY: &str = "the key";

async fn start() -> (Helper, Agent) {
    let egress = Egress::new(&EgressConfig::default()).expect("a client");
    (Helper::start(KEY.to_owned()).await.expect("an agent"), Agent::new("test", egress))
}

async fn call(helper: &Helper, agent: &Agent, method: &str, params: &Value) -> Answer {
    let call = Call::a2a(&helper.url(), method, params).header(KEY_HEADER, KEY);
    agent.send(call).await.expect("an answer")
}

#[tokio::test]
async fn it_counts_remembers_and_knows_what_it_does_not_have() {
    let (helper, agent) = start().await;
    let message = json!({ "messageId": "1", "role": "ROLE_USER", "parts": [{ "text": "one two" }, { "text": " three" }] });
    let sent = call(&helper, &agent, "SendMessage", &json!({ "message": message })).await.json();
    let task = &sent["result"]["task"];
    assert_eq!(task["artifacts"][0]["parts"][0]["text"], "3 words");
    let again = call(&helper, &agent, "GetTask", &json!({ "id": task["id"] })).await.json();
    assert_eq!(&again["result"], task);
    let missing = call(&helper, &agent, "GetTask", &json!({ "id": "none" })).await.json();
    assert_eq!((&missing["error"]["code"], &missing["id"]), (&json!(TASK_NOT_FOUND), &json!(1)));
    let unknown = call(&helper, &agent, "ListTasks", &json!({})).await.json();
    assert_eq!(unknown["error"]["data"][0]["reason"], "METHOD_NOT_FOUND");
    assert_eq!(helper.seen().len(), 4);
}

#[tokio::test]
async fn its_card_is_good_and_everything_else_takes_the_key() {
    let (helper, agent) = start().await;
    let shown = agent.send(Call::get(&helper.card_url())).await.expect("an answer");
    let card = card::read(&Document::parse(shown.body, card::MAX_DEPTH).expect("JSON")).expect("a card");
    assert_eq!(card.usable().count(), 1);
    assert!(card.notes.is_empty(), "{:?}", card.notes);
    let without = agent.send(Call::a2a(&helper.url(), "GetTask", &json!({}))).await.expect("an answer");
    assert_eq!(without.status, StatusCode::UNAUTHORIZED);
}
