//! Libraries: the guide's programs, as they are. What the SDKs among them can do beyond that, [`crate::through`] tries.

use super::{ground::TRANSLATED, guide::example, visit::Visit};
use crate::programs::{newer_node, tools};

/// Runs a program of the guide that lists and calls by itself.
fn alone(client: &'static str, language: &str, heading: &str, number: usize, environment: &str) {
    let visit = Visit::start(client, TRANSLATED);
    let program = example(heading, language, number);
    for server in visit.servers() {
        let program = visit.place(server).address(&program);
        let mut command = if language == "js" {
            let mut node = visit.command(newer_node());
            // Packages are looked for from the working directory on.
            node.current_dir(tools().join(environment)).args(["--input-type=module", "--eval", &program]);
            node
        } else {
            let mut python = visit.command(tools().join("python").join(environment).join("bin/python"));
            python.args(["-c", &program]);
            python
        };
        let said = visit.run(&mut command);
        for tool in server.tools {
            assert!(said.contains(tool), "{said}");
        }
        assert!(!said.contains("get-env"), "{said}");
        assert!(said.contains(server.answer), "{said}");
    }
    visit.end(None);
}

/// Runs a program of the guide that asks a model.
fn led(client: &'static str, number: usize) {
    let visit = Visit::start(client, TRANSLATED);
    let program = example("Python", "python", number);
    for server in visit.servers() {
        let model = Visit::model(std::slice::from_ref(server), |server| server.tool().to_owned());
        let mut python = visit.command(tools().join("python/libraries-v2/bin/python"));
        python.args(["-c", &visit.place(server).address(&program)]);
        python.env("OPENAI_BASE_URL", format!("{}/v1", model.url())).env("OPENAI_API_KEY", "none");
        let said = visit.run(python.env("OPENAI_AGENTS_DISABLE_TRACING", "1"));
        let asked = model.asked();
        let offered: Vec<&str> = asked[0].offered.iter().map(|offered| offered.name.as_str()).collect();
        assert_eq!(offered, server.tools, "{said}");
        assert!(asked.last().is_some_and(|asked| asked.results[0].contains(server.answer)), "{asked:?}");
        assert!(said.contains(server.answer), "{said}");
    }
    visit.end(None);
}

#[test]
fn typescript_sdks() {
    alone("typescript-v2", "js", "TypeScript", 0, "node");
    alone("typescript-v1", "js", "TypeScript", 1, "node");
}

#[test]
fn python_sdks() {
    alone("python-v2", "python", "Python", 0, "mcp-v2");
    alone("python-v1", "python", "Python", 1, "mcp-v1");
}

#[test]
fn fastmcp_3() {
    alone("fastmcp-3", "python", "Python", 2, "libraries-v1");
}

#[test]
fn fastmcp_4() {
    alone("fastmcp-4", "python", "Python", 2, "fastmcp");
}

#[test]
fn langchain() {
    alone("langchain", "python", "Python", 3, "libraries-v1");
}

#[test]
fn pydantic_ai() {
    led("pydantic-ai", 4);
}

#[test]
fn openai_agents() {
    led("openai-agents", 5);
}

#[test]
fn vercel_ai() {
    alone("vercel-ai", "js", "TypeScript", 2, "clients");
}
