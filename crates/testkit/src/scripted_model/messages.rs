//! Anthropic's Messages interface, as far as one call of a tool needs it.

use serde_json::{Value, json};

use super::{Asked, Dialect, Offered, Says, items, text};

pub(super) const DIALECT: Dialect = Dialect { path: "/messages", read, whole, events };

fn read(body: &Value) -> Asked {
    let offered = items(&body["tools"]).filter_map(|tool| tool["name"].as_str());
    let blocks = items(&body["messages"]).flat_map(|message| items(&message["content"]));
    let results = blocks.filter(|block| block["type"] == "tool_result");
    Asked {
        offered: offered.map(|name| Offered { namespace: None, name: name.to_owned() }).collect(),
        results: results.map(|block| text(&block["content"])).collect(),
    }
}

fn whole(says: &Says) -> Value {
    message(&[block(says)], Some(stop_reason(says)))
}

fn events(says: &Says) -> Vec<Value> {
    let (begun, delta) = match says {
        Says::Call { id, tool, arguments } => (
            json!({ "type": "tool_use", "id": id, "name": tool.name, "input": {} }),
            json!({ "type": "input_json_delta", "partial_json": arguments.to_string() }),
        ),
        Says::Text(text) => {
            (json!({ "type": "text", "text": "" }), json!({ "type": "text_delta", "text": text }))
        }
    };
    let ended = json!({ "stop_reason": stop_reason(says), "stop_sequence": null });
    vec![
        json!({ "type": "message_start", "message": message(&[], None) }),
        json!({ "type": "content_block_start", "index": 0, "content_block": begun }),
        json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": ended, "usage": { "output_tokens": 1 } }),
        json!({ "type": "message_stop" }),
    ]
}

fn message(content: &[Value], stop_reason: Option<&str>) -> Value {
    json!({
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": { "input_tokens": 1, "output_tokens": 1 },
    })
}

fn block(says: &Says) -> Value {
    match says {
        Says::Call { id, tool, arguments } => {
            json!({ "type": "tool_use", "id": id, "name": tool.name, "input": arguments })
        }
        Says::Text(text) => json!({ "type": "text", "text": text }),
    }
}

fn stop_reason(says: &Says) -> &'static str {
    match says {
        Says::Call { .. } => "tool_use",
        Says::Text(_) => "end_turn",
    }
}
