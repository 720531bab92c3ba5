//! Servers of the reference repository that people really run this way, each with what it is for.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Child, clock, start, url};
use crate::{
    programs::{npm_server, pip_server, repository_of_git},
    wire::{Session, modern_call, modern_tools},
};

#[test]
fn a_hidden_tool_of_the_filesystem_cannot_write() {
    let directory = TempDir::new().expect("a directory");
    let root = directory.path().canonicalize().expect("its path");
    fs::write(root.join("note"), "Grüße").expect("a note");
    let script = "node_modules/@modelcontextprotocol/server-filesystem/dist/index.js";
    let gateway = start(&[Child {
        name: "files",
        command: npm_server(script, &[&text(&root)]),
        tools: Some(&["read_text_file", "list_directory"]),
        ..Child::default()
    }]);
    let session = Session::begin(&url(&gateway, "files"));
    let mut tools = session.tools();
    tools.sort();
    assert_eq!(tools, ["list_directory", "read_text_file"]);
    let note = session.call("read_text_file", &json!({ "path": text(&root.join("note")) }));
    assert_eq!(note.result()["content"][0]["text"], "Grüße");
    let write = json!({ "path": text(&root.join("written")), "content": "x" });
    let refused = session.call("write_file", &write);
    assert_eq!(refused.response()["error"]["code"], -32601, "{refused:?}");
    let listed = session.call("list_directory", &json!({ "path": text(&root) }));
    assert_eq!(listed.result()["content"][0]["text"], "[FILE] note");
    assert!(!root.join("written").exists(), "it was written");
    gateway.stop();
}

#[test]
fn the_memory_of_one_session_is_there_in_the_next() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("memory.jsonl");
    let script = "node_modules/@modelcontextprotocol/server-memory/dist/index.js";
    let gateway = start(&[Child {
        name: "memory",
        command: npm_server(script, &[]),
        further: format!("env = {{ MEMORY_FILE_PATH = {:?} }}", text(&file)),
        ..Child::default()
    }]);
    let first = Session::begin(&url(&gateway, "memory"));
    let ada = json!({ "name": "Ada", "entityType": "person", "observations": ["writes programs"] });
    let created = first.call("create_entities", &json!({ "entities": [ada] }));
    assert_eq!(created.result()["structuredContent"]["entities"], json!([ada]));
    assert_eq!(first.end(), 200);
    let second = Session::begin(&url(&gateway, "memory"));
    let found = second.call("search_nodes", &json!({ "query": "programs" }));
    assert_eq!(found.result()["structuredContent"]["entities"], json!([ada]));
    assert!(fs::read_to_string(&file).expect("its file").contains("writes programs"));
    gateway.stop();
}

#[test]
fn git_answers_both_eras() {
    let directory = TempDir::new().expect("a directory");
    let root = text(directory.path());
    repository_of_git(directory.path());
    fs::write(directory.path().join("untracked"), "").expect("a file");
    let gateway = start(&[Child {
        name: "git",
        command: pip_server("mcp-server-git", &["--repository", &root]),
        tools: Some(&["git_log", "git_status"]),
        ..Child::default()
    }]);
    let url = url(&gateway, "git");
    let session = Session::begin(&url);
    assert_eq!(session.tools().len(), 2);
    let arguments = json!({ "repo_path": root });
    let log = session.call("git_log", &arguments);
    assert!(log.result().to_string().contains("the first of all"), "{log:?}");
    let refused = session.call("git_reset", &arguments);
    assert_eq!(refused.response()["error"]["code"], -32601, "{refused:?}");
    assert_eq!(modern_tools(&url).len(), 2);
    let status = modern_call(&url, "git_status", &arguments);
    assert!(status.result().to_string().contains("untracked"), "{status:?}");
    let refused = modern_call(&url, "git_reset", &arguments);
    assert_eq!(refused.response()["error"]["code"], -32601, "{refused:?}");
    gateway.stop();
}

#[test]
fn the_clock_answers_both_eras() {
    let gateway = start(&[clock("clock")]);
    let url = url(&gateway, "clock");
    let arguments =
        json!({ "source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": "Asia/Kolkata" });
    let session = Session::begin(&url);
    let differs =
        |result: &Value| assert_eq!(result["structuredContent"]["time_difference"], "-3.5h", "{result}");
    differs(session.call("convert_time", &arguments).result());
    differs(modern_call(&url, "convert_time", &arguments).result());
    assert_eq!(session.tools(), modern_tools(&url));
    gateway.stop();
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path that is text").to_owned()
}
