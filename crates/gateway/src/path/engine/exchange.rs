//! The way back: what an upstream says, translated for the caller who asked.
//!
//! Ids become the caller's again, handles are sealed, hidden capabilities go, everything else passes byte
//! for byte. What is not a valid message of the protocol does not pass.

use std::sync::Arc;

use bytes::Bytes;
use doorward_guard::uri_template::UriTemplate;
use doorward_model::{Caller, CallerKey, Kind, Scope, Timestamp};
use doorward_protocol::{
    json::Document,
    mcp::{Era, Method, Revision, request_id::Tag},
    rpc::Message,
};

mod back;
mod verdict;

use back::Back;
pub(in crate::path) use verdict::{Broken, Fate, Verdict};

use crate::{
    connections::Presented,
    handles::{Holder, Sealers, Session},
    lists::PageKey,
    path::{lease::Lease, refusal::Manner},
    routes::Published,
};

/// Everything that can be curated.
const KINDS: [Kind; 4] = [Kind::Tool, Kind::Prompt, Kind::Resource, Kind::ResourceTemplate];

/// What is remembered of a request until its answer is complete.
pub(in crate::path) struct Exchange {
    pub(in crate::path) published: Arc<Published>,
    pub(in crate::path) caller: CallerKey,
    /// For whom Doorward speaks upstream, where it presents something for each caller.
    pub(in crate::path) on_behalf: Caller,
    pub(in crate::path) era: Era,
    pub(in crate::path) purpose: Purpose,
    pub(in crate::path) tag: Tag,
    /// What a request state is bound to.
    pub(in crate::path) about: String,
    pub(in crate::path) templates: Vec<UriTemplate>,
    /// The progress token, where the request has one.
    pub(in crate::path) progress: Option<Progress>,
    /// Where the answer is kept, if it is a page of a list that may be.
    pub(in crate::path) page: Option<PageKey>,
    /// An endless stream does not outlive the caller's credential.
    pub(in crate::path) lease: Lease,
    /// The caller's session.
    pub(in crate::path) session: Option<OwnSession>,
    pub(in crate::path) client: Client,
    /// Whose account the upstream is asked with, where each caller may have their own; known once it is presented.
    pub(in crate::path) presented: Option<Presented>,
}

/// What a client says of itself that Doorward needs to answer it.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::path) struct Client {
    /// The revision that `initialize` asks for.
    pub(in crate::path) revision: Option<Revision>,
    /// Whether it can send its person to an address, and the person has not just declined to go.
    pub(in crate::path) elicits_urls: bool,
}

/// A progress token, as JSON text.
#[derive(Debug, Clone)]
pub(in crate::path) struct Progress {
    /// What the caller gave.
    pub(in crate::path) given: Bytes,
    /// What the upstream got: on a shared channel a token must be unique, so it is the request's own id.
    pub(in crate::path) sent: Bytes,
}

/// What a request wants of the upstream.
#[derive(Debug, Clone)]
pub(in crate::path) enum Purpose {
    /// An answer.
    Answer {
        /// What is asked.
        method: Method,
        /// The caller's id, as JSON text.
        client_id: Bytes,
    },
    /// To be heard: a notification, or the response to a request of the server.
    Hearing,
    /// The stream of a session: GET.
    Stream,
    /// The end of a session: DELETE.
    End,
}

/// A session that a request named.
#[derive(Debug, Clone)]
pub(in crate::path) struct OwnSession {
    pub(in crate::path) handle: Session,
    /// What its end is remembered by.
    pub(in crate::path) hash: String,
}

impl Exchange {
    /// The scope that a token of Doorward's must have for this. Notifications, and what only opens or ends a
    /// session, need none.
    pub(in crate::path) fn scope(&self) -> Option<Scope> {
        match &self.purpose {
            Purpose::Answer { method, .. } if method.acts() => Some(Scope::McpCall),
            Purpose::Answer { method, .. } if method.reads() => Some(Scope::McpRead),
            _ => None,
        }
    }

    /// Translates one message of the upstream.
    pub(in crate::path) fn examine(
        &self,
        sealers: &Sealers,
        now: Timestamp,
        depth: usize,
        data: Bytes,
    ) -> Result<Verdict, Broken> {
        let document = Document::parse(data, depth).map_err(|error| Broken(error.to_string()))?;
        let message = Message::read(&document).map_err(|error| Broken(error.to_string()))?;
        let back = Back { exchange: self, sealers, now };
        match message {
            Message::Response { id, outcome } => back.response(&document, id, outcome),
            Message::Notification { method, params } => {
                let method = method.as_str().unwrap_or_default();
                let list_changed = method.ends_with("/list_changed").then(|| method.to_string());
                Ok(Verdict {
                    list_changed,
                    ..Verdict::message(back.notification(&document, &method, params))
                })
            }
            // Requests from a server are a thing of sessions; 2026-07-28 forbids them.
            Message::Request { .. } if self.era == Era::Legacy => Ok(Verdict::message(Fate::Pass)),
            Message::Request { .. } => Ok(Verdict::message(Fate::Drop)),
        }
    }

    /// Who handles are given to.
    pub(in crate::path) fn holder(&self) -> Holder<'_> {
        Holder { published: &self.published, caller: &self.caller }
    }

    /// The caller's id, as JSON text, when an answer is owed.
    pub(in crate::path) fn client_id(&self) -> Option<&Bytes> {
        match &self.purpose {
            Purpose::Answer { client_id, .. } => Some(client_id),
            _ => None,
        }
    }

    /// The method of a request that is owed an answer.
    pub(in crate::path) fn method(&self) -> Option<Method> {
        match &self.purpose {
            Purpose::Answer { method, .. } => Some(*method),
            _ => None,
        }
    }

    /// Whether nothing ends the answer but one of the two sides: a session's stream, or a listen stream.
    pub(in crate::path) fn is_endless(&self) -> bool {
        matches!(self.purpose, Purpose::Stream) || self.listens()
    }

    /// In which way the client can follow where a connection is missing.
    pub(in crate::path) fn manner(&self) -> Manner {
        self.method().map_or(Manner::Error, |method| Manner::of(self.era, method, self.client.elicits_urls))
    }

    /// Whose account the upstream is asked with. What is kept of the answer is kept for that.
    pub(in crate::path) fn presents(&mut self, presented: Option<Presented>) {
        if let Some(presented) = &presented {
            self.page = self.page.take().map(|page| page.of(presented.held.id));
        }
        self.presented = presented;
    }

    /// Whether this is a listen stream: every message on it names the request that opened it.
    pub(in crate::path) fn listens(&self) -> bool {
        self.method() == Some(Method::SubscriptionsListen)
    }
}

#[cfg(test)]
mod tests;
