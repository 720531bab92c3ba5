//! Where both sides write alike, nothing is written anew: what was said passes byte for byte.

use doorward_testkit::{
    agent::{Answer, Binding, Stream, Version},
    recorder::Reply,
};
use serde_json::json;

use crate::harness::{AgentWorld, Face, Message, V1_REST, V1_RPC, V03_REST, V03_RPC, What};

/// What no writer of JSON would leave as it is: spacing, escapes, integers beyond 2^53, fractions, members nobody knows.
const ODD: &str = concat!(
    "{ \"n\" : 12345678901234567890123 ,\n\t\"f\":1.50, \"z\":-0.0,\"e\" : 1E+2 , \"text\" : \"a\\u0062\\/\\n\\ud83d\\ude00\",",
    "  \"nothing\":null, \"unknown\":{\"b\":1,\"a\":[ ]}}"
);

fn params(dialect_0_3: bool, rest: bool) -> String {
    let (role, kind, parts) = match (dialect_0_3, rest) {
        (false, _) => ("ROLE_USER", "", "parts"),
        (true, false) => ("user", r#""kind":"message" , "#, "parts"),
        (true, true) => ("ROLE_USER", "", "content"),
    };
    let part = match (dialect_0_3, rest) {
        (false, _) => format!(r#"{{"data" :  {ODD}}}"#),
        (true, false) => format!(r#"{{"kind":"data", "data" :  {ODD}}}"#),
        (true, true) => format!(r#"{{"data" : {{"data":  {ODD}}}}}"#),
    };
    format!(
        "{{ \"x-unknown\" : [1 , 2.0],\n \"message\":{{{kind}\"messageId\" : \"m\\u002d1\",\"role\":\"{role}\",\n\
         \"{parts}\":[ {part} ], \"metadata\" : {ODD} }}  }}"
    )
}

#[tokio::test]
async fn a_json_rpc_request_reaches_the_agent_as_it_was_written() {
    for (face, method) in [(V1_RPC, "SendMessage"), (V03_RPC, "message/send")] {
        let world = AgentWorld::plan().interfaces(&[face]).start().await;
        let params = params(face == V03_RPC, false);
        let body = format!(
            "{{\"id\" : \"i\\u0031\" ,\n\"jsonrpc\":\"2.0\", \"method\":\"{method}\",\"params\" : {params} }}\n"
        );
        let call = world.gateway.ask("open", face, Message::new("m").send()).call();
        let answer = call.body(body.clone()).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["id"], "i1");
        let asked = world.agent.wait_for("SendMessage", 1).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&asked[0].request.body), body);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_json_rpc_result_reaches_the_caller_as_it_was_written() {
    for face in [V1_RPC, V03_RPC] {
        let world = AgentWorld::plan().interfaces(&[face]).start().await;
        let task = if face == V1_RPC {
            format!(
                "{{ \"task\" :{{\"id\":\"t\\u0031\" , \"status\":{{\"state\":\"TASK_STATE_COMPLETED\"}},\n \"metadata\":{ODD}}} , \"more\":{ODD}}}"
            )
        } else {
            format!(
                "{{\"kind\":\"task\", \"id\":\"t\\u0031\" ,\"contextId\":\"c\", \"status\":{{\"state\":\"completed\"}},\n \"metadata\":{ODD}}}"
            )
        };
        let text = format!("{{\"result\" : {task},\n \"id\": 1 ,\"jsonrpc\":\"2.0\"}}\n\n");
        world.agent.once("SendMessage", Answer::http(Reply::raw("application/json", text.clone())));
        let told = world.gateway.ask("open", face, Message::new("m").send()).send().await;
        assert_eq!(told.answer.text(), text);
        // The task is known by what its id means, not by how it is written.
        assert!(world.gateway.ask("open", face, What::cancel("t1")).send().await.failure().code == -32002);
        world.finish().await;
    }
}

#[tokio::test]
async fn http_json_passes_as_it_was_written() {
    for (face, sent) in [(V1_REST, "task"), (V03_REST, "task")] {
        let world = AgentWorld::plan().interfaces(&[face]).start().await;
        let params = params(face == V03_REST, true);
        let reply = format!(
            "{{ \"{sent}\" : {{\"id\":\"t\\u0031\" ,\"contextId\":\"c\", \"status\":{{\"state\":\"TASK_STATE_WORKING\"}},\n \"metadata\":{ODD}}}}}"
        );
        world.agent.once("SendMessage", Answer::http(Reply::raw("application/json", reply.clone())));
        let call = world.gateway.ask("open", face, Message::new("m").send()).call();
        let answer = call.body(params.clone()).send().await;
        assert_eq!(answer.text(), reply);
        let asked = world.agent.wait_for("SendMessage", 1).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&asked[0].request.body), params);
        world.finish().await;
    }
}

#[tokio::test]
async fn events_pass_as_they_were_written() {
    let odd = ODD.replace('\n', " ");
    for face in [V1_RPC, V1_REST] {
        let world = AgentWorld::plan().interfaces(&[face]).start().await;
        let event = |state: &str| {
            let event = format!(
                "{{ \"task\":{{\"id\":\"t1\",\"status\" : {{\"state\":\"TASK_STATE_{state}\"}}, \"metadata\":{odd}}}}}"
            );
            let event = if face == V1_RPC {
                format!("{{\"jsonrpc\":\"2.0\" , \"id\":1,\n\"result\":{event}}}").replace('\n', "\ndata: ")
            } else {
                event
            };
            format!("id: 7\nevent: message\ndata: {event}\n\n")
        };
        let (first, second) = (event("WORKING"), event("COMPLETED"));
        let stream = Stream::of([]).then_bytes(first.clone()).then_bytes(second.clone());
        world.agent.once("SendStreamingMessage", Answer::stream(stream));
        let answer = world.gateway.ask("open", face, Message::new("m").stream()).call().send().await;
        assert_eq!(answer.text(), format!("{first}{second}"), "{face:?}");
        world.finish().await;
    }
}

/// Large whole numbers survive every JSON hop, translated or not: only gRPC knows no others than doubles.
#[tokio::test]
async fn numbers_survive_translation_between_json_bindings() {
    let faces: [Face; 4] = [V1_RPC, V1_REST, V03_RPC, V03_REST];
    for interface in faces {
        let world = AgentWorld::plan().interfaces(&[interface]).doors(&["open"]).start().await;
        for face in faces {
            let params = params(face.1 == Version::V0_3, face.0 == Binding::HttpJson);
            let call = world.gateway.ask("open", face, Message::new("m").send()).call();
            let method = if face == V1_RPC { "SendMessage" } else { "message/send" };
            let body = match face.0 {
                Binding::JsonRpc => {
                    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
                }
                _ => params,
            };
            let before = world.asked().len();
            let answer = call.body(body).send().await;
            assert_eq!(answer.status, 200, "{face:?} to {interface:?}: {}", answer.text());
            let asked = world.asked()[before..][0].clone();
            let text = String::from_utf8_lossy(&asked.request.body).into_owned();
            for number in ["12345678901234567890123", "1.50", "-0.0", "1E+2"] {
                assert_eq!(text.matches(number).count(), 2, "{face:?} to {interface:?}: {number} in {text}");
            }
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn a_follow_up_changes_by_its_context_and_nothing_else() {
    let world = AgentWorld::start().await;
    let told = world.gateway.ask("open", V1_RPC, Message::new("working-1").send()).send().await;
    let (task, context) = (told.said().task_id().to_owned(), told.said().context_id().to_owned());
    let message = format!(
        "{{\"messageId\" : \"working-2\",\"taskId\":\"{task}\" ,  \"role\":\"ROLE_USER\",\"parts\":[ {{\"text\":\"x\"}} ], \"metadata\":{ODD}"
    );
    let params = |message: &str| format!("{{ \"message\":{message}}},\"unknown\" : {ODD}}}");
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": 0 }).to_string();
    let body = body.replace("\"params\":0", &format!("\"params\":{}", params(&message)));
    let answer = world.gateway.post_agent("open", body).send().await;
    assert_eq!(answer.json()["result"]["task"]["contextId"], context, "{}", answer.text());
    let asked = world.agent.wait_for("SendMessage", 2).await.unwrap();
    let text = String::from_utf8_lossy(&asked[1].request.body).into_owned();
    let expected = params(&format!("{message},\"contextId\":\"{context}\""));
    assert!(text.contains(&expected), "{text}\nhas not\n{expected}");
    world.finish().await;
}
