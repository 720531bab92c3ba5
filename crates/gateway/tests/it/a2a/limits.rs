//! How much of an agent one caller may hold, and how far a request may go.

use doorward_testkit::agent::{Answer, Binding, Dialect, Stream, payload};
use serde_json::json;

use crate::harness::{AgentWorld, FACES, Failed, Message, V1_FACES, V1_GRPC, V1_REST, V1_RPC, What};

/// 429 in the words of the binding, with a time to come back.
#[track_caller]
fn assert_too_much(told: &crate::harness::Told, case: &str) {
    let failure: Failed = told.failure();
    match told.face.0 {
        Binding::Grpc => assert_eq!((failure.status, failure.code), (200, 8), "{case}: {failure:?}"),
        Binding::HttpJson => assert_eq!((failure.status, failure.code), (429, 429), "{case}: {failure:?}"),
        Binding::JsonRpc => {
            assert_eq!(failure.status, 429, "{case}: {failure:?}");
            assert!((-32099..=-32000).contains(&failure.code), "{case}: {failure:?}");
        }
    }
    assert!(told.answer.header("retry-after").is_some(), "{case}: {:?}", told.answer.headers);
}

#[tokio::test]
async fn tasks_that_have_not_ended_are_counted_by_caller() {
    for face in FACES {
        let world = AgentWorld::plan().doors(&["jwt"]).each("quotas = { tasks = 2 }").start().await;
        let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
        let send = |id: &str, token: &str| {
            world.gateway.ask("jwt", face, Message::new(id).send()).bearer(token).send()
        };
        let first = send("working-1", &alice).await.said().task_id().to_owned();
        send("completed-2", &alice).await.said();
        let second = send("working-3", &alice).await.said().task_id().to_owned();
        let asked = world.asked().len();
        assert_too_much(&send("working-4", &alice).await, &format!("{face:?}"));
        assert_too_much(
            &world.gateway.ask("jwt", face, Message::new("working-4").stream()).bearer(&alice).send().await,
            &format!("{face:?}"),
        );
        assert_eq!(world.asked().len(), asked, "the agent is not asked");
        assert_eq!(world.gateway.last_record().await["reason"], "too_many_tasks");
        assert_eq!(send("working-5", &bob).await.said().state(), "working", "everybody has their own");
        // A message to a task that is there begins none, and what ended makes room.
        let follow_up = Message::new("completed-6").task(&second).send();
        let told = world.gateway.ask("jwt", face, follow_up).bearer(&alice).send().await;
        assert_eq!(told.said().state(), "completed", "{face:?}");
        assert_eq!(send("working-7", &alice).await.said().state(), "working", "{face:?}");
        let told = world.gateway.ask("jwt", face, What::cancel(&first)).bearer(&alice).send().await;
        assert_eq!(told.said().state(), "canceled", "{face:?}");
        assert_eq!(send("working-8", &alice).await.said().state(), "working", "{face:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn tasks_that_wait_for_the_caller_are_counted_too() {
    for state in ["input-required", "auth-required"] {
        let world = AgentWorld::plan().doors(&["jwt"]).each("quotas = { input_required = 2 }").start().await;
        let alice = world.token("alice", "jwt");
        let send =
            |id: String| world.gateway.ask("jwt", V1_RPC, Message::new(&id).send()).bearer(&alice).send();
        let first = send(format!("{state}-1")).await.said().task_id().to_owned();
        send(format!("{state}-2")).await.said();
        assert_too_much(&send(format!("{state}-3")).await, state);
        let answer = Message::new("completed-4").task(&first).send();
        world.gateway.ask("jwt", V1_RPC, answer).bearer(&alice).send().await.said();
        send(format!("{state}-5")).await.said();
        world.finish().await;
    }
}

/// Many at once are no way around it: at most so many begin as are allowed, and those that were under way.
#[tokio::test]
async fn a_flood_is_held_up() {
    let world = AgentWorld::plan().doors(&["jwt"]).each("quotas = { tasks = 3 }").start().await;
    let alice = world.token("alice", "jwt");
    for round in 0..3 {
        for number in 0..6 {
            let message = Message::new(&format!("working-{round}-{number}")).send();
            world.gateway.ask("jwt", V1_RPC, message).bearer(&alice).send().await;
        }
        world.gateway.clock.advance(2);
    }
    assert_eq!(world.agent.requests_of("SendMessage").len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn open_streams_are_counted_by_caller() {
    for face in V1_FACES {
        let world = AgentWorld::plan().doors(&["jwt"]).each("quotas = { streams = 1 }").start().await;
        let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
        let stream =
            |token: &str| world.gateway.ask("jwt", face, Message::new("working-1").stream()).bearer(token);
        let mut one = stream(&alice).open().await;
        assert_eq!(one.said().await.state(), "submitted");
        assert_too_much(&stream(&alice).send().await, &format!("{face:?}"));
        let subscribe = world.gateway.ask("jwt", face, What::subscribe("task-1")).bearer(&alice).send().await;
        assert_too_much(&subscribe, &format!("{face:?}"));
        let mut other = stream(&bob).open().await;
        assert_eq!(other.said().await.state(), "submitted", "everybody has their own");
        // Unary calls go on.
        let got = world.gateway.ask("jwt", face, What::get("task-1")).bearer(&alice).send().await;
        assert_eq!(got.said().state(), "working");
        drop(one);
        let fate = doorward_testkit::recorder::Fate::ClientGone;
        world.agent.wait_for_fate("SendStreamingMessage", fate).await.unwrap();
        let mut again = stream(&alice).open().await;
        assert_eq!(again.said().await.state(), "submitted", "{face:?}");
        drop((other, again));
        world.finish().await;
    }
}

#[tokio::test]
async fn agents_that_call_each_other_do_not_go_in_circles() {
    let world = AgentWorld::plan().doors(&["open"]).each("delegation_depth = 3").start().await;
    for face in V1_FACES {
        let send = |name: &str, value: &str| {
            world.gateway.ask("open", face, Message::new("m").send()).header(name, value).send()
        };
        for (name, value, ok) in [
            ("tracestate", "vendor=1", true),
            ("tracestate", "doorward=a/b,vendor=1", true),
            ("doorward-via", "a, b", true),
            ("tracestate", "doorward=open", false),
            ("tracestate", "vendor=1, doorward=a/open/b", false),
            ("doorward-via", "open", false),
            ("doorward-via", "a,open", false),
            ("tracestate", "doorward=a/b/c", false),
            ("doorward-via", "a, b, c", false),
            ("doorward-via", "a, b, c, d, e, f, g", false),
        ] {
            let asked = world.asked().len();
            let told = send(name, value).await;
            let case = format!("{face:?} {name}: {value}");
            assert_eq!(told.failed().is_none(), ok, "{case}: {:?}", told.answer);
            assert_eq!(world.asked().len() - asked, usize::from(ok), "{case}");
            if !ok {
                let reason = world.gateway.last_record().await["reason"].clone();
                let expected = if value.contains("open") { "delegation_loop" } else { "delegation_too_deep" };
                assert_eq!(reason, expected, "{case}");
            }
        }
    }
    world.finish().await;
}

/// What an agent passes on is what it was told: the chain grows by its own name.
#[tokio::test]
async fn the_chain_is_passed_on_to_the_agent() {
    for interface in FACES {
        let world = AgentWorld::plan().interfaces(&[interface]).doors(&["open"]).start().await;
        let call = world.gateway.ask("open", V1_RPC, Message::new("m").send());
        let call = call.header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        call.header("tracestate", "doorward=first/second,vendor=7").send().await;
        let asked = world.asked().pop().unwrap();
        assert_eq!(asked.header("doorward-via"), Some("first, second, open"));
        let state = asked.header("tracestate").unwrap();
        assert!(state.starts_with("doorward=first/second/open"), "{state}");
        assert!(state.contains("vendor=7"), "{state}");
        let (via, state) = (asked.header("doorward-via").unwrap().to_owned(), state.to_owned());
        for (name, value) in [("doorward-via", via), ("tracestate", state)] {
            let told =
                world.gateway.ask("open", V1_RPC, Message::new("m").send()).header(name, &value).send().await;
            assert!(told.failed().is_some(), "it came round: {name}: {value}");
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn bodies_have_bounds() {
    let limits = "[limits]\nrequest_body = \"16KiB\"\ndepth = 20";
    let world = AgentWorld::plan().doors(&["open"]).more(limits).start().await;
    for face in FACES {
        let large = Message::new("m").text(&"x".repeat(20_000)).send();
        let told = world.gateway.ask("open", face, large).send().await;
        let failure = told.failure();
        if face.0 != Binding::Grpc {
            assert_eq!(failure.status, 413, "{face:?}: {failure:?}");
        }
        let fits = Message::new("m").text(&"x".repeat(10_000)).send();
        assert_eq!(
            world.gateway.ask("open", face, fits).send().await.said().state(),
            "completed",
            "{face:?}"
        );
    }
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    for face in [V1_RPC, V1_REST] {
        for (levels, passes) in [(10, true), (30, false), (5_000, false)] {
            let what = Message::new("m").send();
            let body = match face.0 {
                Binding::JsonRpc => what.json_rpc(face.1),
                _ => what.http_json(face.1).2.unwrap(),
            };
            let text = body.to_string().replacen(
                "\"messageId\"",
                &format!("\"metadata\":{{\"x\":{}}},\"messageId\"", deep(levels)),
                1,
            );
            let answer = world.gateway.ask("open", face, what).call().body(text).send().await;
            assert_eq!(answer.status, if passes { 200 } else { 400 }, "{face:?} {levels}: {}", answer.text());
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_the_agents_fault() {
    for interface in FACES {
        let world = AgentWorld::plan()
            .interfaces(&[interface])
            .doors(&["open"])
            .more("[limits]\nresponse_body = \"64KiB\"")
            .start()
            .await;
        let mut task = payload::task(crate::harness::dialect(interface), "t", "c", "completed");
        let artifact = payload::artifact(crate::harness::dialect(interface), "a", &"x".repeat(100_000));
        task["artifacts"] = json!([artifact]);
        let wrapped = if crate::harness::dialect(interface) == Dialect::V03Rpc {
            task
        } else {
            json!({ "task": task })
        };
        world.agent.always("SendMessage", crate::harness::script::result(interface, "SendMessage", &wrapped));
        for face in [V1_RPC, V1_REST, V1_GRPC] {
            let told = world.gateway.ask("open", face, Message::new("m").send()).send().await;
            let failure = told.failure();
            assert!(failure.message.contains("`open`"), "{face:?} to {interface:?}: {failure:?}");
            assert_eq!(world.gateway.last_record().await["fault"], "upstream");
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn an_endless_stream_of_small_events_is_one_stream() {
    let world = AgentWorld::plan().doors(&["open"]).each("quotas = { streams = 2 }").start().await;
    let begun = payload::task_event(Dialect::V1, payload::task(Dialect::V1, "t", "c", "working"));
    let more = (0..500).map(|_| payload::status_event(Dialect::V1, "t", "c", "working"));
    let stream = Stream::of(std::iter::once(begun).chain(more)).hold();
    world.agent.always("SendStreamingMessage", Answer::stream(stream));
    let mut feed = world.gateway.ask("open", V1_RPC, Message::new("m").stream()).open().await;
    for _ in 0..=500 {
        assert_eq!(feed.said().await.state(), "working");
    }
    drop(feed);
    world.finish().await;
}

/// Calls are counted on every binding alike, whoever's they are.
#[tokio::test]
async fn calls_are_counted_by_rate_on_every_binding() {
    for face in FACES {
        let rate = r#"rate = { limit = 2, per = "minute" }"#;
        let world = AgentWorld::plan().doors(&["jwt"]).each(rate).start().await;
        world.gateway.clock.stop();
        let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
        let send =
            |token: &str| world.gateway.ask("jwt", face, Message::new("m").send()).bearer(token).send();
        for _ in 0..2 {
            send(&alice).await.said();
        }
        let asked = world.asked().len();
        assert_too_much(&send(&alice).await, &format!("{face:?}"));
        assert_eq!(world.asked().len(), asked, "the agent is not asked");
        assert_eq!(world.gateway.last_record().await["reason"], "rate_exceeded");
        send(&bob).await.said();
        world.gateway.clock.advance(30);
        send(&alice).await.said();
        world.finish().await;
    }
}

/// Who guesses ids guesses as often as `rate` allows, and has used it up by that.
#[tokio::test]
async fn guesses_are_counted_by_rate() {
    for face in FACES {
        let rate = r#"rate = { limit = 4, per = "hour" }"#;
        let world = AgentWorld::plan().doors(&["jwt"]).each(rate).start().await;
        let (alice, mallory) = (world.token("alice", "jwt"), world.token("mallory", "jwt"));
        let told =
            world.gateway.ask("jwt", face, Message::new("working-1").send()).bearer(&alice).send().await;
        let hers = told.said().task_id().to_owned();
        let guesses = [What::get(&hers), What::cancel("none"), What::subscribe(&hers)];
        let guesses = guesses.into_iter().chain([Message::new("m").task(&hers).send()]);
        for guess in guesses {
            let told = world.gateway.ask("jwt", face, guess).bearer(&mallory).send().await;
            assert_eq!(told.failure().reason, "TASK_NOT_FOUND", "{face:?}");
        }
        for more in [What::get(&hers), What::get("none"), Message::new("m").send()] {
            let told = world.gateway.ask("jwt", face, more).bearer(&mallory).send().await;
            assert_too_much(&told, &format!("{face:?}"));
        }
        world.finish().await;
    }
}
