//! Agents: programs that talk to a model and do what it says.

use serde_json::json;

use super::{
    PATIENCE,
    ground::{ALL, Server},
    guide::{example, json, toml},
    visit::{Visit, package},
};

fn of_server(server: &Server) -> String {
    format!("{} {}", server.name, server.tool())
}

#[test]
fn claude_code() {
    let visit = Visit::start("claude-code", ALL);
    let model = Visit::model(visit.servers(), of_server);
    visit.write("project/.mcp.json", json(&example("Claude Code", "json", 0), &visit.places()).to_string());
    let mut command = visit.command(package("@anthropic-ai/claude-code-linux-x64/claude"));
    command.args(["--print", "Go.", "--strict-mcp-config", "--mcp-config", ".mcp.json", "--allowedTools"]);
    command.arg(
        visit.servers().iter().map(|server| format!("mcp__{}", server.name)).collect::<Vec<_>>().join(","),
    );
    command.env("ANTHROPIC_BASE_URL", model.url()).env("ANTHROPIC_API_KEY", "none");
    // With its search for tools it would offer them only when asked.
    command.env("ENABLE_TOOL_SEARCH", "false").env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    command
        .envs(["MCP_TIMEOUT", "MCP_CONNECT_TIMEOUT_MS", "MCP_TOOL_TIMEOUT"].map(|limit| (limit, PATIENCE)));
    visit.led_by(&model, &mut command);
    visit.end(Some("2026-07-28"));
}

#[test]
fn codex() {
    let visit = Visit::start("codex", ALL);
    let model = Visit::model(visit.servers(), of_server);
    let url = model.url();
    let own = format!(
        r#"model = "scripted"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
env_key = "SCRIPTED_KEY"
wire_api = "responses"

"#
    );
    // Headless, it neither asks a person nor waits for servers that are slow to start, unless it is told so.
    let patience = "\nstartup_timeout_sec = 300\ntool_timeout_sec = 300";
    let headless = example("Codex", "toml", 0) + "\n" + &example("Codex", "toml", 1) + patience;
    visit.write("home/.codex/config.toml", own + &toml(&headless, &visit.places()));
    let mut command = visit.command(package("@openai/codex/bin/codex.js"));
    command
        .args(["exec", "--skip-git-repo-check", "--sandbox", "read-only", "Go."])
        .env("SCRIPTED_KEY", "none");
    visit.led_by(&model, &mut command);
    visit.end(Some("2025-06-18"));
}

#[test]
fn opencode() {
    let visit = Visit::start("opencode", ALL);
    let model = Visit::model(visit.servers(), of_server);
    let options = json!({ "baseURL": format!("{}/v1", model.url()), "apiKey": "none" });
    let provider = json!({ "options": options, "models": { "scripted": { "name": "scripted" } } });
    let own = json!({
        "model": "anthropic/scripted",
        "provider": { "anthropic": provider },
        "experimental": { "mcp_timeout": 300_000 },
        "autoupdate": false,
    });
    visit.write("home/.config/opencode/opencode.json", own.to_string());
    visit.write("project/opencode.json", json(&example("OpenCode", "json", 0), &visit.places()).to_string());
    let mut command = visit.command(package("opencode-linux-x64-baseline/bin/opencode"));
    command.args(["run", "Go."]).env("OPENCODE_DISABLE_MODELS_FETCH", "1");
    visit.led_by(&model, &mut command);
    visit.end(Some("2025-11-25"));
}
