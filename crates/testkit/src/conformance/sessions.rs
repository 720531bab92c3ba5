//! Sessions of the SDK, plus one thing that it keeps to itself: which event stream a request came in on.
//!
//! A tool that wants to be polled (SEP-1699) must close its own stream; [`OwnStream`] travels with the request for that.

use std::time::Duration;

use futures_util::{Stream, stream};
use rmcp::{
    model::{ClientJsonRpcMessage, GetExtensions as _, ServerJsonRpcMessage},
    transport::streamable_http_server::{
        SessionId, SessionManager,
        session::{
            ServerSseMessage,
            local::{LocalSessionHandle, LocalSessionManager, LocalSessionManagerError},
        },
    },
};

/// The event stream that carries the answer to one request.
#[derive(Clone)]
pub(super) struct OwnStream {
    session: LocalSessionHandle,
    id: u64,
}

impl OwnStream {
    /// Closes the stream and tells the client to come back after `retry`. What follows is kept for it.
    pub(super) async fn close(&self, retry: Duration) {
        // A session that ended meanwhile has no stream to close.
        let _ = self.session.close_sse_stream(self.id, Some(retry)).await;
    }
}

/// The SDK's sessions in memory.
#[derive(Default)]
pub(super) struct Sessions(LocalSessionManager);

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        self.0.create_session().await
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        self.0.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.0.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.0.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        mut message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let session = self.0.sessions.read().await.get(id).cloned();
        let session = session.ok_or_else(|| LocalSessionManagerError::SessionNotFound(id.clone()))?;
        let mut receiver = session.establish_request_wise_channel().await?;
        if let (ClientJsonRpcMessage::Request(request), Some(stream)) =
            (&mut message, receiver.http_request_id)
        {
            let own = OwnStream { session: session.clone(), id: stream };
            request.request.extensions_mut().insert(own);
        }
        session.push_message(message, receiver.http_request_id).await?;
        Ok(stream::poll_fn(move |context| receiver.inner.poll_recv(context)))
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        self.0.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.0.create_standalone_stream(id).await
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.0.resume(id, last_event_id).await
    }
}
