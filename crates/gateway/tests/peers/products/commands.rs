//! Command lines: what a person lists and calls by hand.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    PATIENCE,
    ground::{ALL, Server},
    guide::{example, json},
    visit::{Visit, parse},
};

#[test]
fn the_inspector() {
    let visit = Visit::start("inspector", ALL);
    let [list, call] = [0, 1].map(|number| example("MCP Inspector", "sh", number));
    for server in visit.servers() {
        let place = visit.place(server);
        let listed = visit.run(visit.command("/bin/sh").args(["-c", &place.address(&list)]));
        assert_eq!(names(&parse(&listed)["tools"]), published(server));
        let said = visit.run(visit.command("/bin/sh").args(["-c", &place.address(&called(&call, server))]));
        assert!(parse(&said)["content"].to_string().contains(server.answer), "{}: {said}", server.name);
    }
    visit.end(Some("2026-07-28"));
}

#[test]
fn mcporter() {
    let visit = Visit::start("mcporter", ALL);
    let file = json(&example("mcporter", "json", 0), &visit.places());
    visit.write("project/config/mcporter.json", file.to_string());
    list_and_call(&visit);
    visit.end(Some("2025-11-25"));
}

/// For clients that only start programs; this one could do without.
#[test]
fn mcp_remote_as_a_child_of_mcporter() {
    let visit = Visit::start("mcp-remote", ALL);
    let file = json(&example("Clients that only start programs", "json", 0), &visit.places());
    visit.write("project/config/mcporter.json", file.to_string());
    list_and_call(&visit);
    visit.end(Some("2026-07-28"));
}

fn list_and_call(visit: &Visit) {
    let [list, call] = [0, 1].map(|number| example("mcporter", "sh", number));
    let limits = [("MCPORTER_LIST_TIMEOUT", PATIENCE), ("MCPORTER_CALL_TIMEOUT", PATIENCE)];
    let listed = parse(&visit.run(visit.command("/bin/sh").args(["-c", &list]).envs(limits)));
    for server in visit.servers() {
        let servers = listed["servers"].as_array().expect("servers");
        let here = servers.iter().find(|listed| listed["name"] == server.name).expect("this server");
        assert!(here["tools"].is_array(), "{here}");
        assert_eq!(names(&here["tools"]), published(server));
        let call = called(&call, server).replace("team", server.name);
        let said = visit.run(visit.command("/bin/sh").args(["-c", &call]).envs(limits));
        assert!(said.contains(server.answer), "{}: {said}", server.name);
    }
}

/// The guide's call, as this server's.
fn called(example: &str, server: &Server) -> String {
    let arguments = server.arguments.as_object().expect("arguments").iter();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let arguments = arguments.map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>();
    let example = if arguments.is_empty() {
        example.replace(" --tool-arg", "").replace(" a=2 b=40", "")
    } else {
        example.replace("a=2 b=40", &arguments.join(" "))
    };
    example.replace("get-sum", server.tool())
}

fn names(tools: &Value) -> BTreeSet<&str> {
    tools.as_array().expect("tools").iter().map(|tool| tool["name"].as_str().expect("a name")).collect()
}

fn published(server: &Server) -> BTreeSet<&str> {
    server.tools.iter().copied().collect()
}
