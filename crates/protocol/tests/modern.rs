//! Which requests are modern, for every combination of header and body, told by the versions alone.

use bytes::Bytes;
use doorward_protocol::{
    json::Document,
    mcp::modern::{HeaderText, Mirror, check_version, is_modern},
    rpc::Message,
};
use serde_json::json;

const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const OTHERS: [&str; 4] = ["2026-07-28", "v999", "", "2025-11-26"];

fn header(text: Option<&str>) -> HeaderText {
    text.map_or(HeaderText::Absent, |text| HeaderText::Text(text.to_owned()))
}

/// The verdict on a request: legacy, or the code that it is refused with (0 when it is not).
fn verdict(version_header: &HeaderText, in_body: Option<&str>) -> Option<i64> {
    let meta = in_body.map(|version| {
        json!({ "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {} })
    });
    let params = meta.map_or_else(|| json!({}), |meta| json!({ "_meta": meta }));
    // The method never decides, not even this one.
    let text = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string();
    let document = Document::parse(Bytes::from(text), 32).expect("JSON");
    let message = Message::read(&document).expect("a request");
    if !is_modern(version_header, Some(&message)) {
        return None;
    }
    let mirror = Mirror { version: version_header.clone(), ..Mirror::default() };
    Some(check_version(&mirror, message.params()).map_or_else(|error| error.code, |_| 0))
}

#[test]
fn every_pair_of_versions_has_one_verdict() {
    let versions: Vec<Option<&str>> = LEGACY.into_iter().chain(OTHERS).map(Some).chain([None]).collect();
    for in_header in &versions {
        for in_body in &versions {
            let wanted = match (in_header, in_body) {
                (None, None) => None,
                (Some(version), None) if LEGACY.contains(version) => None,
                (Some(_), None) => Some(-32602),
                (Some(header), Some(body)) if header == body && *header == "2026-07-28" => Some(0),
                (Some(header), Some(body)) if header == body => Some(-32022),
                _ => Some(-32020),
            };
            assert_eq!(verdict(&header(*in_header), *in_body), wanted, "{in_header:?} {in_body:?}");
        }
    }
    // A header that cannot be read is never the way into a session.
    assert_eq!(verdict(&HeaderText::Malformed, None), Some(-32602));
    assert_eq!(verdict(&HeaderText::Malformed, Some("2026-07-28")), Some(-32020));
}
