//! Sending in a conversation: children over stdio, and HTTP+SSE.
//!
//! A legacy session has a conversation of its own, begun by `initialize`; what the caller presented is never
//! part of it. Modern requests share one, since every message of theirs is complete in itself.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use doorward_egress::{ChannelError, Phase};
use doorward_model::{Caller, Credential};
use doorward_protocol::mcp::{Era, Method};
use http::HeaderMap;

use super::{belongs, failed, no_credential};
use crate::{
    App,
    connections::Presented,
    conversations::{Begun, Conversation, Reading, StartError},
    credentials,
    handles::Session,
    path::{
        Reason, Refusal, engine::Exchange, engine::Purpose, record::OpenRecord, refusal::UpstreamFailure,
    },
    routes::Published,
};

/// What was said in a conversation, and what is to be heard.
pub(in crate::path) enum Said {
    /// An answer is coming, or a session's stream is open. With the answer a session may have begun.
    Hearing { reading: Reading, begun: Option<Begun> },
    /// It was heard; nothing comes back.
    Heard,
    /// The session has ended.
    Ended,
}

/// Says what was asked.
pub(super) async fn send(
    app: &App,
    message: &Bytes,
    exchange: &mut Exchange,
    record: &mut OpenRecord,
) -> Result<Said, Refusal> {
    record.upstream(exchange.published.server.upstream.name.as_str());
    let since = Instant::now();
    let said = match exchange.era {
        Era::Modern => in_shared(app, message, exchange).await,
        Era::Legacy if exchange.method() == Some(Method::Initialize) => begin(app, message, exchange).await,
        Era::Legacy => in_session(app, message, exchange).await,
    };
    record.waited(since);
    said
}

async fn begin(app: &App, message: &Bytes, exchange: &mut Exchange) -> Result<Said, Refusal> {
    let opened = open(app, exchange).await.map_err(|error| not_begun(exchange, &error))?;
    opened.ask(message, exchange).await
}

/// A session's conversation in which nothing has been said.
pub(super) struct Opened {
    begun: Begun,
    conversation: Arc<Conversation>,
}

/// Opens the conversation of a new session. Nothing is sent of the message that it is for.
pub(super) async fn open(app: &App, exchange: &mut Exchange) -> Result<Opened, StartError> {
    let published = Arc::clone(&exchange.published);
    let credential = &published.server.upstream.credential;
    let mut is_last = false;
    loop {
        let mut headers = HeaderMap::new();
        let presented = credentials::attach(app, credential, &exchange.on_behalf, &mut headers).await?;
        let begun = app.conversations().begin_session(&published, &exchange.caller, headers).await;
        exchange.presents(presented.clone());
        match (begun, credential, presented) {
            (Err(error), Credential::Connection(connecting), Some(presented)) if error.is_unauthorized() => {
                // Of the answer no more is known than its status: what is shared does not end by it.
                let said = (is_last, false);
                if !credentials::connection::refused(app, connecting, &presented, said).await? {
                    return Err(error);
                }
                is_last = true;
            }
            (begun, _, presented) => {
                let (begun, conversation) = begun?;
                if let Some(presented) = presented {
                    end_with(app, presented, begun.name(), &conversation);
                }
                return Ok(Opened { begun, conversation });
            }
        }
    }
}

impl Opened {
    /// Asks what the session begins with.
    pub(super) async fn ask(self, message: &Bytes, exchange: &Exchange) -> Result<Said, Refusal> {
        let reading = ask(&self.conversation, message, exchange).await?;
        Ok(Said::Hearing { reading, begun: Some(self.begun) })
    }
}

/// Ends a session's conversation with the connection that it is of. Whoever disconnects need not wait until somebody asks
/// or reads: Doorward's own request for the stream, which carries the token, ends as well.
fn end_with(app: &App, presented: Presented, name: &str, conversation: &Arc<Conversation>) {
    let (connections, conversations) = (Arc::clone(app.connections()), Arc::clone(app.conversations()));
    let (name, conversation) = (name.to_owned(), Arc::clone(conversation));
    tokio::spawn(async move {
        tokio::select! {
            () = connections.ended(&presented) => conversations.end_session(&name),
            () = conversation.ended() => {}
        }
    });
}

async fn in_session(app: &App, message: &Bytes, exchange: &mut Exchange) -> Result<Said, Refusal> {
    let session = exchange.session.as_ref().ok_or(Reason::SessionMissing)?.handle.clone();
    let (conversation, presented) = held(app, (&exchange.published, &exchange.on_behalf), &session).await?;
    exchange.presents(presented);
    match exchange.purpose {
        Purpose::Answer { .. } => {
            let reading = ask(&conversation, message, exchange).await?;
            Ok(Said::Hearing { reading, begun: None })
        }
        Purpose::Hearing => {
            conversation.tell(message).await.map_err(|error| unheard(exchange, &error))?;
            Ok(Said::Heard)
        }
        Purpose::Stream => Ok(Said::Hearing { reading: conversation.listen(), begun: None }),
        Purpose::End => {
            app.conversations().end_session(&session.upstream_id);
            Ok(Said::Ended)
        }
    }
}

/// The conversation of a session, with what goes with its messages from now on, and whose account that is. The
/// conversation of who is connected no more ends.
pub(in crate::path) async fn held(
    app: &App,
    (published, caller): (&Published, &Caller),
    session: &Session,
) -> Result<(Arc<Conversation>, Option<Presented>), Refusal> {
    let mut headers = HeaderMap::new();
    let presented =
        credentials::attach(app, &published.server.upstream.credential, caller, &mut headers).await;
    let presented = presented.map_err(|error| no_credential(published, &error));
    let kept = presented.and_then(|presented| {
        belongs(Some(session), presented.as_ref())?;
        Ok(presented)
    });
    match kept {
        Ok(presented) => {
            let held = app.conversations().session_with(&session.upstream_id, headers);
            // The child has died, or another process of ours holds it: for the client, both mean to begin again.
            Ok((held.ok_or(Reason::SessionUnknown)?, presented))
        }
        Err(refusal) => {
            if refusal.not_connected().is_some() || refusal.is_of_an_unknown_session() {
                app.conversations().end_session(&session.upstream_id);
            }
            Err(refusal)
        }
    }
}

async fn in_shared(app: &App, message: &Bytes, exchange: &Exchange) -> Result<Said, Refusal> {
    let upstream = &exchange.published.server.upstream;
    let shared = app.conversations().shared(&exchange.published).await;
    let shared = shared.map_err(|error| not_begun(exchange, &error))?;
    let conversation = shared.ok_or_else(|| Reason::OtherEra(upstream.name.to_string()))?;
    let reading = ask(&conversation, message, exchange).await?;
    Ok(Said::Hearing { reading, begun: None })
}

async fn ask(
    conversation: &Arc<Conversation>,
    message: &Bytes,
    exchange: &Exchange,
) -> Result<Reading, Refusal> {
    let id = exchange.client_id().map(|id| exchange.tag.own(id)).unwrap_or_default();
    let token = exchange.progress.as_ref().map(|progress| progress.sent.clone());
    conversation.ask(&id, token, message).await.map_err(|error| unheard(exchange, &error))
}

pub(super) fn not_begun(exchange: &Exchange, error: &StartError) -> Refusal {
    match error {
        StartError::TooMany => Reason::TooManySessions.into(),
        StartError::Credential(error) => no_credential(&exchange.published, error),
        StartError::CrashLoop(_) | StartError::Channel(_) => {
            failed(&exchange.published, UpstreamFailure::Unreachable).detail(error.to_string())
        }
    }
}

fn unheard(exchange: &Exchange, error: &ChannelError) -> Refusal {
    let failure = match error.phase() {
        Phase::BeforeSending => UpstreamFailure::Unreachable,
        Phase::AfterSending => UpstreamFailure::Broken,
    };
    failed(&exchange.published, failure).detail(error.to_string())
}
