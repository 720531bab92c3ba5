//! Who wants to know when something changes: legacy sessions and 2026-07-28 subscriptions.

use std::collections::{BTreeMap, BTreeSet};

use rmcp::{
    Peer, RoleServer,
    model::ResourceUpdatedNotificationParam,
    service::{SubscriptionContext, SubscriptionSink},
};
use tokio::sync::Mutex;

/// What changed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Tools,
    Prompts,
    Resources,
    Resource(&'static str),
}

/// Everybody who may be told of a [`Change`].
#[derive(Default)]
pub(super) struct Listeners(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    sessions: BTreeMap<u64, Session>,
    subscriptions: BTreeMap<u64, SubscriptionSink>,
}

struct Session {
    peer: Peer<RoleServer>,
    watched: BTreeSet<String>,
}

impl State {
    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Listeners {
    /// A legacy session began; the number names it in [`Listeners::watch`].
    pub(super) async fn join(&self, peer: Peer<RoleServer>) -> u64 {
        let mut state = self.0.lock().await;
        state.sessions.retain(|_, session| !session.peer.is_transport_closed());
        let number = state.next();
        state.sessions.insert(number, Session { peer, watched: BTreeSet::new() });
        number
    }

    /// `resources/subscribe` and `resources/unsubscribe` of a legacy session.
    pub(super) async fn watch(&self, session: u64, uri: &str, wanted: bool) {
        if let Some(session) = self.0.lock().await.sessions.get_mut(&session) {
            if wanted {
                session.watched.insert(uri.to_owned());
            } else {
                session.watched.remove(uri);
            }
        }
    }

    /// Keeps one `subscriptions/listen` until it is cancelled.
    pub(super) async fn listen(&self, subscription: SubscriptionContext) {
        let number = {
            let mut state = self.0.lock().await;
            let number = state.next();
            state.subscriptions.insert(number, subscription.sink().clone());
            number
        };
        subscription.cancelled().await;
        self.0.lock().await.subscriptions.remove(&number);
    }

    /// Tells everybody who asked for it. Whoever is gone is not missed.
    pub(super) async fn announce(&self, change: Change) {
        let (peers, sinks) = self.audience(change).await;
        for peer in peers {
            let _ = match change {
                Change::Tools => peer.notify_tool_list_changed().await,
                Change::Prompts => peer.notify_prompt_list_changed().await,
                Change::Resources => peer.notify_resource_list_changed().await,
                Change::Resource(uri) => {
                    peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await
                }
            };
        }
        for sink in sinks {
            // The sink knows its filter and refuses what was not asked for.
            let _ = match change {
                Change::Tools => sink.notify_tool_list_changed().await,
                Change::Prompts => sink.notify_prompt_list_changed().await,
                Change::Resources => sink.notify_resource_list_changed().await,
                Change::Resource(uri) => sink.notify_resource_updated(uri).await,
            };
        }
    }

    async fn audience(&self, change: Change) -> (Vec<Peer<RoleServer>>, Vec<SubscriptionSink>) {
        let state = self.0.lock().await;
        let concerned = |session: &&Session| match change {
            Change::Resource(uri) => session.watched.contains(uri),
            Change::Tools | Change::Prompts | Change::Resources => true,
        };
        let peers = state.sessions.values().filter(concerned).map(|session| session.peer.clone()).collect();
        (peers, state.subscriptions.values().cloned().collect())
    }
}
