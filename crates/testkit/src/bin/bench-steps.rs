//! Single steps of the way of a request, again and again: `bench-steps STEP ROUNDS`.
//!
//! `cargo xtask bench --instructions` runs each with more and with fewer rounds under valgrind; what is between the
//! two is the step alone. So nothing here may depend on time, chance or a file. Steps that live inside the program
//! (routing, records, sockets) are counted there, with whole requests.

use std::hint::black_box;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use clap::{Parser, ValueEnum};
use doorward_auth::{
    keys::{KeySet, SigningKey, hash},
    verify,
};
use doorward_guard::Exposure;
use doorward_model::{Algorithm, Curation, Issuer, Kind, Name, Timestamp};
use doorward_protocol::{
    json::{Document, Splice, Value},
    mcp::{Method, list::ListShape},
    rpc::Message,
    sse::EventReader,
};
use serde_json::json;

/// The default of `limits.depth`.
const DEPTH: usize = 128;
/// When the token is judged: 2026-07-28T00:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_785_196_800);

#[derive(Parser)]
struct Options {
    step: Step,
    rounds: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Step {
    /// Verify the signature and the claims of a token that was not seen before.
    NewToken,
    /// Hash a token, to find what it proved before.
    KnownToken,
    /// Check a `tools/call` and replace its id.
    Call,
    /// Check a result of 0.9 KB and replace its id.
    Result,
    /// Check a result of 100 KB and replace its id.
    LargeResult,
    /// Take 180 of 200 tools out of a list.
    List,
    /// Cut one event out of a stream, check it, and write it again.
    Event,
}

fn main() -> Result<()> {
    let Options { step, rounds } = Options::parse();
    match step {
        Step::NewToken => new_token(rounds),
        Step::KnownToken => {
            known_token(rounds);
            Ok(())
        }
        Step::Call => message(rounds, &call()),
        Step::Result => message(rounds, &result(880)),
        Step::LargeResult => message(rounds, &result(100_000)),
        Step::List => list(rounds),
        Step::Event => event(rounds),
    }
}

fn new_token(rounds: u32) -> Result<()> {
    // An Ed25519 key in PKCS#8 (RFC 8410) that is the same in every run.
    let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    der.extend([42; 32]);
    let key = SigningKey::from_pkcs8(Algorithm::EdDsa, &der)?;
    let keys = KeySet::parse(json!({"keys": [key.jwk()]}).to_string().as_bytes())?;
    let issuer = Issuer {
        name: Name::parse("corp")?,
        issuer: "https://idp.example.com".into(),
        jwks_uri: None,
        algorithms: Algorithm::ALL.to_vec(),
        required_scope: None,
        id_jag: false,
    };
    let token = key.sign_jwt("at+jwt", &claims());
    for _ in 0..rounds {
        let verified = verify::peek(black_box(&token))?.verify(&issuer, &keys, NOW)?;
        ensure!(verify::audience_is(&verified.identity, "https://door.example.com/mcp/team"), "not for us");
    }
    Ok(())
}

fn claims() -> serde_json::Value {
    json!({
        "iss": "https://idp.example.com",
        "sub": "alice",
        "aud": "https://door.example.com/mcp/team",
        "exp": NOW.as_secs() + 3600,
        "iat": NOW.as_secs(),
        "scope": "mcp:read mcp:call",
        "client_id": "editor",
        "groups": ["eng", "ops"],
    })
}

fn known_token(rounds: u32) {
    let token = "e".repeat(700);
    for _ in 0..rounds {
        black_box(hash::sha256(black_box(token.as_bytes())));
    }
}

/// What happens to the text of a message in either direction.
fn message(rounds: u32, text: &Bytes) -> Result<()> {
    for _ in 0..rounds {
        let document = Document::parse(black_box(text.clone()), DEPTH)?;
        let id = Message::read(&document)?.id().context("no id")?;
        let mut splice = Splice::new(&document);
        splice.replace(id, &b"\"dw.AAAAAAAAAAAA.1\""[..]);
        black_box(splice.finish());
    }
    Ok(())
}

fn call() -> Bytes {
    let call = json!({
        "jsonrpc": "2.0",
        "id": 17,
        "method": "tools/call",
        "params": {
            "name": "tool-000",
            "arguments": {"query": "a modest question", "limit": 3},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            },
        },
    });
    call.to_string().into()
}

fn result(length: usize) -> Bytes {
    let text = "All work and no play makes Jack a dull boy. ".repeat(length / 44);
    let result = json!({"content": [{"type": "text", "text": text}], "isError": false});
    json!({"jsonrpc": "2.0", "id": "dw.AAAAAAAAAAAA.1", "result": result}).to_string().into()
}

fn list(rounds: u32) -> Result<()> {
    let tool = |number: u32| {
        json!({
            "name": format!("tool-{number:03}"),
            "description": "Looks something up in a place that does not matter and gives back what it found there.",
            "inputSchema": {
                "type": "object",
                "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}},
                "required": ["query"],
            },
        })
    };
    let tools: Vec<_> = (0..200).map(tool).collect();
    let text = Bytes::from(json!({"jsonrpc": "2.0", "id": 17, "result": {"tools": tools}}).to_string());
    let shown = (0..20).map(|number| format!("tool-{number:03}")).collect();
    let exposure = Exposure::compile(&Curation { tools: Some(shown), ..Curation::default() })?;
    let shape = ListShape::of(Method::ToolsList).context("no list")?;
    for _ in 0..rounds {
        let document = Document::parse(black_box(text.clone()), DEPTH)?;
        let result = document.root().as_object().and_then(|root| root.get("result"));
        let result = result.and_then(Value::as_object).context("no result")?;
        let mut splice = Splice::new(&document);
        let filtered = shape.retain(result, &mut splice, |name| exposure.lists(Kind::Tool, name))?;
        ensure!(filtered == 180, "{filtered} were filtered");
        black_box(splice.finish());
    }
    Ok(())
}

fn event(rounds: u32) -> Result<()> {
    let message = String::from_utf8(result(880).to_vec())?;
    let text = Bytes::from(format!("event: message\nid: 17\ndata: {message}\n\n"));
    let mut reader = EventReader::new(1 << 20);
    for _ in 0..rounds {
        reader.push(black_box(text.clone()));
        let event = reader.next_event()?.context("no event")?;
        let document = Document::parse(event.data().context("no data")?, DEPTH)?;
        black_box(event.with_data(document.bytes()));
    }
    Ok(())
}
