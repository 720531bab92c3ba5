//! Webhooks: what agents tell Doorward about a task is delivered to whoever registered for it (A2A 1.0.1 section 4.3.3).
//!
//! An agent never learns where a caller wants to be told, nor what proves it there. It calls Doorward; what it says is
//! in the store before it is answered, and from there a [`Courier`] carries it on. Who may register, and what an agent
//! may say, is decided on the way of a request.

mod attempt;
mod courier;
mod secrets;
mod verdict;

use doorward_auth::keys::hash;
use doorward_model::Name;
use doorward_protocol::a2a::{Dialect, Version};

pub(crate) use courier::{Courier, follow};
pub(crate) use secrets::Secrets;

/// Most webhooks of one task.
pub(crate) const MOST_PER_TASK: u32 = 10;
/// Most deliveries that wait for one webhook.
pub(crate) const MOST_WAITING: u32 = 1_000;
/// For how long a delivery is attempted, in seconds. As long the agent's repeats of it are known as such.
pub(crate) const KEPT: i64 = 24 * 3_600;

/// What records and metrics call what an agent says by itself.
pub(crate) const METHOD: &str = "PushNotification";

/// What a webhook is known by: the digest of what an agent must know to call back for it.
pub(crate) fn callback_hash(agent: &Name, id: &str, token: &str) -> String {
    hash::hex(&hash::sha256(format!("{agent}/{id}/{token}").as_bytes()))
}

/// The id of a webhook at the agent: of Doorward's own making, so that no two webhooks meet there.
pub(crate) fn id_at_agent(callback_hash: &str) -> &str {
    callback_hash.get(..32).unwrap_or(callback_hash)
}

/// How a webhook's deliveries are written, by the version under which it was registered.
pub(crate) fn dialect(version: &str) -> Dialect {
    if version == Version::V0_3.name() { Dialect::V03Rpc } else { Dialect::V1 }
}
