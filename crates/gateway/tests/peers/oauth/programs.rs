//! Programs that sign in by themselves, as people use them: each knows the address of a virtual server and finds a browser.
//!
//! Some describe themselves by documents on the Internet, which nothing here reaches: documents are off, so that they
//! register themselves instead. Documents, [`super::libraries`] tries.

use std::{path::PathBuf, process::Command};

use doorward_testkit::scripted_model::{Call, ScriptedModel};
use serde_json::json;

use super::ground::{ANSWER, Ground, TOOL};
use crate::{harness::within, programs::tools};

const OFFLINE: &str = "\n[tokens]\nclient_documents = \"off\"\n";

#[test]
fn command_lines() {
    let ground = Ground::with(OFFLINE);
    let servers = json!({
        "team": { "baseUrl": ground.url(), "auth": "oauth" },
        "bridged": { "command": "mcp-remote", "args": [ground.url(), "--protocol", "auto"] },
    });
    ground.write("project/config/mcporter.json", json!({ "mcpServers": servers }).to_string());
    ground.run(ground.command("mcporter").args(["auth", "team"]));
    for server in ["team", "bridged"] {
        let said = ground.run(ground.command("mcporter").args(["call", &format!("{server}.{TOOL}")]));
        assert!(said.contains(ANSWER), "{server}: {said}");
    }
    let mut inspector = ground.command("mcp-inspector");
    inspector.args(["--cli", "--transport", "http", "--server-url", &ground.url(), "--protocol-era", "auto"]);
    inspector.args(["--method", "tools/call", "--tool-name", TOOL]);
    // Without these it opens no browser, and wants a keyring.
    inspector.env("MCP_AUTO_OPEN_ENABLED", "true").env("MCP_INSPECTOR_SECRET_STORE", "file");
    let said = ground.run(&mut inspector);
    assert!(said.contains(ANSWER), "{said}");
    let calls = ground.end();
    let revisions: Vec<_> =
        calls.iter().map(|call| call["protocol_version"].as_str().unwrap_or_default()).collect();
    assert_eq!(revisions, ["2025-11-25", "2026-07-28", "2026-07-28"]);
}

#[test]
fn claude_code() {
    let ground = Ground::with(OFFLINE);
    let claude = package("@anthropic-ai/claude-code-linux-x64/claude");
    ground.run(ground.command(&claude).args(["mcp", "add", "--transport", "http", "team", &ground.url()]));
    ground.run(&mut on_a_terminal(&ground, &format!("{} mcp login team", claude.display())));
    let mut command = ground.command(&claude);
    command.args(["--print", "Go.", "--allowedTools", "mcp__team"]);
    command.env("ENABLE_TOOL_SEARCH", "false").env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    led(ground, |model| {
        command.env("ANTHROPIC_BASE_URL", model.url()).env("ANTHROPIC_API_KEY", "none");
        command
    });
}

#[test]
fn codex() {
    let ground = Ground::with(OFFLINE);
    let codex = package("@openai/codex/bin/codex.js");
    // Without a keyring.
    ground.write("home/.codex/config.toml", "mcp_oauth_credentials_store = \"file\"\n");
    ground.run(ground.command(&codex).args(["mcp", "add", "team", "--url", &ground.url()]));
    let mut command = ground.command(&codex);
    command.args(["exec", "--skip-git-repo-check", "--sandbox", "read-only"]);
    led(ground, |model| {
        let url = format!("{}/v1", model.url());
        let provider = format!(
            r#"{{ name = "scripted", base_url = "{url}", env_key = "SCRIPTED_KEY", wire_api = "responses" }}"#
        );
        for (key, value) in [
            ("model", "\"scripted\""),
            ("model_provider", "\"scripted\""),
            ("model_providers.scripted", &provider),
            ("mcp_servers.team.required", "true"),
            ("mcp_servers.team.default_tools_approval_mode", "\"approve\""),
        ] {
            command.args(["--config", &format!("{key}={value}")]);
        }
        command.arg("Go.").env("SCRIPTED_KEY", "none");
        command
    });
}

#[test]
fn opencode() {
    let ground = Ground::with(OFFLINE);
    let opencode = package("opencode-linux-x64-baseline/bin/opencode");
    let team = json!({ "mcp": { "team": { "type": "remote", "url": ground.url() } } });
    ground.write("project/opencode.json", team.to_string());
    ground.run(&mut on_a_terminal(&ground, &format!("{} mcp auth team", opencode.display())));
    let mut command = ground.command(&opencode);
    command.args(["run", "Go."]).env("OPENCODE_DISABLE_MODELS_FETCH", "1");
    led(ground, |model| {
        let options = json!({ "baseURL": format!("{}/v1", model.url()), "apiKey": "none" });
        let provider = json!({ "options": options, "models": { "scripted": { "name": "scripted" } } });
        let own = json!({ "model": "anthropic/scripted", "provider": { "anthropic": provider } });
        command.env("OPENCODE_CONFIG_CONTENT", own.to_string());
        command
    });
}

/// Runs an agent whose model wants one call, and looks at what the agent brings back to it.
#[track_caller]
fn led(ground: Ground, prepare: impl FnOnce(&ScriptedModel) -> Command) {
    let call = Call { tool: format!("team {TOOL}"), arguments: json!({}) };
    let model = within(ScriptedModel::start(vec![call]));
    let said = ground.run(&mut prepare(&model));
    let asked = model.asked();
    assert!(
        asked.iter().flat_map(|asked| &asked.results).any(|result| result.contains(ANSWER)),
        "{said}\n{asked:#?}"
    );
    assert_eq!(ground.end().len(), 1);
}

/// For programs that ask nobody who is not at a terminal.
fn on_a_terminal(ground: &Ground, command: &str) -> Command {
    let mut terminal = ground.command("script");
    terminal.args(["-qec", command, "/dev/null"]).env("OPENCODE_DISABLE_MODELS_FETCH", "1");
    terminal
}

/// A program of npm's packages, without what the package puts before it.
fn package(program: &str) -> PathBuf {
    tools().join("clients/node_modules").join(program)
}
