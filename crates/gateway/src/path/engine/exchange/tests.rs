//! What crosses on the way back, and what does not: lists, answers and events that nobody thought of.
//!
//! The expectations are assembled from the pieces that a message was generated from, never with the program's own
//! reader or splicer.

mod ids;
mod lists;
mod relay;
mod sessions;

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use doorward_auth::keys::envelope::DataKey;
use doorward_config::{Environment, Overrides};
use doorward_guard::uri_template::UriTemplate;
use doorward_model::{Caller, Timestamp};
use doorward_protocol::mcp::{Era, Method, request_id::Tag};
use serde_json::{Value, json};

use super::{Broken, Exchange, Fate, Purpose, Verdict};
use crate::{
    handles::Sealers,
    metrics::Metrics,
    routes::{Published, Routes},
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const TAG: [u8; 9] = *b"nine byte";

/// A virtual server over one upstream. `exposure` is lines of the `[[server]]` section.
fn published(exposure: &str) -> Arc<Published> {
    let text = format!(
        "public_url = \"http://127.0.0.1:8420\"\n\
         [[upstream]]\nname = \"up\"\nurl = \"http://127.0.0.1:9/mcp\"\n\
         [[server]]\nname = \"demo\"\nupstreams = [\"up\"]\naccess = \"open\"\n{exposure}\n"
    );
    let environment = Environment::of_process(Path::new("/nonexistent"), Overrides::default());
    let loaded = match doorward_config::parse(&text, "test.toml", &environment) {
        Ok(loaded) => loaded,
        Err(mistakes) => panic!("{mistakes:?} in {text}"),
    };
    let routes = Routes::compile(loaded.snapshot, &Metrics::new(), None).expect("the snapshot compiles");
    routes.server("demo").expect("the virtual server")
}

/// One line of TOML that exposes exactly these.
fn only<'a>(kind: &str, names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&String> = names.into_iter().collect();
    // A JSON array of strings is a TOML array of basic strings.
    format!("{kind} = {}\n", serde_json::to_string(&names).expect("names"))
}

/// What translates: an exchange and the keys of its handles.
struct Door {
    sealers: Sealers,
    exchange: Exchange,
}

impl Door {
    fn new(published: Arc<Published>, era: Era, purpose: Purpose) -> Self {
        let exchange = Exchange {
            published,
            caller: Caller::Anonymous.key(),
            on_behalf: Caller::Anonymous,
            era,
            purpose,
            tag: Tag::new(TAG),
            about: String::new(),
            templates: Vec::new(),
            progress: None,
            page: None,
            lease: crate::path::lease::Lease::Unlimited,
            session: None,
            client: super::Client::default(),
            presented: None,
        };
        Self { sealers: Sealers::derive(&DataKey::generate()), exchange }
    }

    /// For the answer to a request with the JSON text `client_id`.
    fn answering(published: Arc<Published>, era: Era, method: Method, client_id: &str) -> Self {
        let client_id = Bytes::copy_from_slice(client_id.as_bytes());
        Self::new(published, era, Purpose::Answer { method, client_id })
    }

    fn with_templates(mut self, templates: &[&str]) -> Self {
        self.exchange.templates =
            templates.iter().map(|text| UriTemplate::parse(text).expect("a template")).collect();
        self
    }

    fn examine(&self, message: impl AsRef<[u8]>) -> Result<Verdict, Broken> {
        self.exchange.examine(&self.sealers, NOW, 128, Bytes::copy_from_slice(message.as_ref()))
    }

    /// The bytes that go on to the caller; none when the message is dropped.
    fn passed(&self, message: impl AsRef<[u8]>) -> Option<Bytes> {
        let message = message.as_ref();
        match self.examine(message).expect("a valid message").fate {
            Fate::Pass => Some(Bytes::copy_from_slice(message)),
            Fate::Replace(bytes) => Some(bytes),
            Fate::Drop => None,
        }
    }
}

/// Our id for a client's, as the upstream sees it.
fn own(client_id: &str) -> String {
    Tag::new(TAG).own(client_id.as_bytes())
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}
