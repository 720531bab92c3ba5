//! Which era a child speaks: the one question that is asked of it before a caller's.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use doorward_protocol::{
    json::{Document, Value},
    mcp::modern::OWN_META,
    rpc::{Message, Outcome},
};

use super::Conversation;

/// How long a child may take to say which era it speaks.
const PROBE: Duration = Duration::from_secs(10);
/// The own id of the probing request.
const PROBE_ID: &str = "dw.probe";

/// A conversation that ends unless it is kept.
pub(super) struct Probing(Option<Arc<Conversation>>);

impl Probing {
    pub(super) fn of(conversation: &Arc<Conversation>) -> Self {
        Self(Some(Arc::clone(conversation)))
    }

    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        if let Some(conversation) = self.0.take() {
            conversation.close();
        }
    }
}

/// Asks a child which era it speaks (2026-07-28, versioning: probing over stdio). A result with a modern
/// version, or an error that only modern servers have, is modern; anything else, silence and death included,
/// is legacy.
pub(super) async fn is_modern(conversation: &Arc<Conversation>, depth: usize) -> bool {
    let probe = Bytes::from(format!(
        r#"{{"jsonrpc":"2.0","id":"{PROBE_ID}","method":"server/discover","params":{{{OWN_META}}}}}"#
    ));
    let Ok(mut reading) = conversation.ask(PROBE_ID, None, &probe).await else { return false };
    let answer = tokio::time::timeout(PROBE, reading.next()).await;
    let Ok(Some(answer)) = answer else { return false };
    let Ok(document) = Document::parse(answer, depth) else { return false };
    match Message::read(&document) {
        Ok(Message::Response { outcome: Outcome::Result(result), .. }) => {
            let versions = result.get("supportedVersions").and_then(Value::as_array);
            versions.is_some_and(|versions| {
                versions.iter().any(|version| version.as_str().as_deref() == Some("2026-07-28"))
            })
        }
        Ok(Message::Response { outcome: Outcome::Error(error), .. }) => {
            error.get("code").and_then(Value::as_i64).is_some_and(|code| (-32099..=-32020).contains(&code))
        }
        _ => false,
    }
}
