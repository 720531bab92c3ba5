//! `OpenAI`'s Responses interface, as far as one call of a tool needs it.

use serde_json::{Value, json};

use super::{Asked, Dialect, Offered, Says, items, text};

pub(super) const DIALECT: Dialect = Dialect { path: "/responses", read, whole, events };

fn read(body: &Value) -> Asked {
    let results = items(&body["input"]).filter(|item| item["type"] == "function_call_output");
    Asked {
        offered: items(&body["tools"]).flat_map(offered).collect(),
        results: results.map(|item| text(&item["output"])).collect(),
    }
}

/// A function, or those of a namespace.
fn offered(tool: &Value) -> Vec<Offered> {
    let name = |tool: &Value| tool["name"].as_str().map(str::to_owned);
    if tool["type"] == "namespace" {
        let members = items(&tool["tools"]).filter_map(name);
        members.map(|member| Offered { namespace: name(tool), name: member }).collect()
    } else {
        name(tool).map(|name| Offered { namespace: None, name }).into_iter().collect()
    }
}

fn whole(says: &Says) -> Value {
    response("completed", &[item(says)])
}

fn events(says: &Says) -> Vec<Value> {
    vec![
        json!({ "type": "response.created", "sequence_number": 0, "response": response("in_progress", &[]) }),
        json!({ "type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item(says) }),
        json!({ "type": "response.output_item.done", "sequence_number": 2, "output_index": 0, "item": item(says) }),
        json!({ "type": "response.completed", "sequence_number": 3, "response": whole(says) }),
    ]
}

fn response(status: &str, output: &[Value]) -> Value {
    json!({
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "status": status,
        "model": "scripted",
        "output": output,
        "parallel_tool_calls": false,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 1,
            "input_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 0 },
            "output_tokens": 1,
            "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": 2,
        },
    })
}

fn item(says: &Says) -> Value {
    match says {
        Says::Call { id, tool, arguments } => {
            let mut call = json!({
                "type": "function_call",
                "id": format!("fc_{id}"),
                "call_id": id,
                "name": tool.name,
                "arguments": arguments.to_string(),
                "status": "completed",
            });
            if let Some(namespace) = &tool.namespace {
                call["namespace"] = json!(namespace);
            }
            call
        }
        Says::Text(text) => json!({
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{ "type": "output_text", "text": text, "annotations": [] }],
        }),
    }
}
