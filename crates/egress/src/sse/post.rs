//! The requests that carry messages to the endpoint.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{
    Egress, EgressError, Outbound, Protocol, Trust,
    channel::{ChannelError, Parcel, State},
    read_capped,
};

/// Requests that may be under way together.
const TOGETHER: usize = 32;
/// The answer to a message says nothing, so little of it is taken, for a short time: only to keep the connection.
const ANSWER_BYTES: usize = 64 << 10;
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// Where messages go, and with what.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) egress: Egress,
    pub(super) endpoint: Uri,
    pub(super) headers: watch::Receiver<HeaderMap>,
    pub(super) trust: Trust,
    pub(super) first_byte: Duration,
}

/// Sends messages until the channel ends.
pub(super) async fn post(target: Target, mut outbox: mpsc::Receiver<Parcel>, state: Arc<State>) {
    let target = Arc::new(target);
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = state.closing() => break,
            Some(_) = under_way.join_next() => {}
            parcel = outbox.recv(), if under_way.len() < TOGETHER => {
                let Some(parcel) = parcel else { break };
                under_way.spawn(post_one(Arc::clone(&target), parcel, Arc::clone(&state)));
            }
        }
    }
    drop(outbox);
    // They see the end themselves, and tell those who wait.
    while under_way.join_next().await.is_some() {}
}

async fn post_one(target: Arc<Target>, parcel: Parcel, state: Arc<State>) {
    let Parcel { message, done } = parcel;
    let sent = tokio::select! {
        biased;
        // The answer to the message would have come over the stream.
        cause = state.closing() => Err(ChannelError::Interrupted(cause)),
        sent = target.send(message) => sent,
    };
    // Whoever sent it may have gone.
    let _ = done.send(sent);
}

impl Target {
    async fn send(&self, message: Bytes) -> Result<(), ChannelError> {
        let mut headers = self.headers.borrow().clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = Outbound {
            method: Method::POST,
            uri: self.endpoint.clone(),
            headers,
            body: message,
            trust: self.trust,
            protocol: Protocol::Http1OrAlpn,
        };
        let answer = self.egress.send(request, self.first_byte).await?;
        let status = answer.status();
        tokio::spawn(timeout(ANSWER_TIME, read_capped(answer.into_body(), ANSWER_BYTES)));
        if status.is_success() { Ok(()) } else { Err(EgressError::Status(status.as_u16()).into()) }
    }
}
