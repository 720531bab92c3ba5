//! Accepting connections: bounded in number, in head size, in time; drained at the end.

mod admin;
mod spawner;
mod tls;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

pub(crate) use admin::{Probe, serve as serve_admin, unrecorded};
use spawner::Spawner;
pub(crate) use tls::{ClientCertificate, Tls, read_capped};

use crate::{App, path};

/// What HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Serves connections in clear until `stop` is done, then lets open requests finish within `limits.drain`.
///
/// Streams that would never end by themselves are ended when `stop` is done.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) {
    serve_with(app, listener, None, stop).await;
}

/// The same, with TLS when there is one.
pub(crate) async fn serve_with(
    app: Arc<App>,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(app.routes().snapshot.limits.connections));
    let front = Front { app, tls, graceful: GracefulShutdown::new(), spawner: Spawner::default() };
    tokio::select! {
        () = front.accept_all(&listener, &connections) => {}
        () = stop => {}
    }
    front.accept_waiting(&listener, &connections);
    drop(listener);
    front.finish().await;
}

/// One listener at work.
struct Front {
    app: Arc<App>,
    tls: Option<Arc<Tls>>,
    graceful: GracefulShutdown,
    spawner: Spawner,
}

/// A connection that was accepted, and what it holds while it lives.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
}

impl Front {
    /// Accepts as long as it is polled.
    async fn accept_all(&self, listener: &TcpListener, connections: &Arc<Semaphore>) {
        while let Ok(permit) = Arc::clone(connections).acquire_owned().await {
            if let Some((stream, peer)) = accept(listener).await {
                self.connect(Accepted { stream, peer, permit });
            }
        }
    }

    /// Accepts what the system has accepted already: those callers may have sent something.
    fn accept_waiting(&self, listener: &TcpListener, connections: &Arc<Semaphore>) {
        while let Ok(permit) = Arc::clone(connections).try_acquire_owned()
            && let Some(Ok((stream, peer))) = listener.accept().now_or_never()
        {
            self.connect(Accepted { stream, peer, permit });
        }
    }

    fn connect(&self, accepted: Accepted) {
        if let Err(error) = accepted.stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch off delays");
        }
        let (app, watcher) = (Arc::clone(&self.app), self.graceful.watcher());
        let Accepted { stream, peer, permit } = accepted;
        let spawner = self.spawner.clone();
        let held = (permit, app.metrics().connection());
        // Two kinds of tasks: one in clear has no room for what TLS remembers.
        match self.tls.clone() {
            None => self.spawner.connection(async move {
                let _held = held;
                if let Some(spoken) = overhear(&app, &stream).await {
                    converse(app, stream, spoken, (peer, None), watcher, spawner).await;
                }
            }),
            Some(tls) => self.spawner.connection(async move {
                let _held = held;
                if let Some(stream) = handshake(&app, &tls, stream).await {
                    let client = (peer, ClientCertificate::of(&stream));
                    converse(app, stream, Spoken::Either, client, watcher, spawner).await;
                }
            }),
        }
    }

    /// Open requests may finish; what takes longer than `limits.drain` is cut off, and leaves its record.
    async fn finish(self) {
        self.app.close();
        let drain = self.app.routes().snapshot.limits.drain;
        if tokio::time::timeout(drain, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not finish in time and are cut off");
            self.spawner.cut_off();
        }
        if !self.spawner.ended().await {
            tracing::warn!("some connections did not end; their records may be missing");
        }
    }
}

/// The next connection; nothing after an error, and a pause.
async fn accept(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            // Out of file descriptors, most likely: nothing gets better by asking again at once.
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Agrees on keys. While it goes on nothing was asked, so it ends with the listener.
async fn handshake(
    app: &App,
    tls: &Tls,
    stream: TcpStream,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let shaken = tokio::time::timeout(HANDSHAKE_TIME, tls.acceptor().accept(stream));
    let outcome = tokio::select! {
        outcome = shaken => outcome,
        () = app.closing().cancelled() => return None,
    };
    match outcome {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
    app.metrics().tls_failure();
    None
}

/// What is known of a connection before its first request is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoken {
    /// HTTP/1.1, for certain.
    Http1,
    /// HTTP/1.1 or HTTP/2.
    Either,
}

/// Looks at the first bytes of a connection and leaves them there. Were they taken to find out, hyper's buffer would be
/// twice as large for as long as the connection lives. Nothing when none came in time; at the end of the program
/// nobody waits for them.
async fn overhear(app: &App, stream: &TcpStream) -> Option<Spoken> {
    let limit = app.routes().snapshot.limits.request_time;
    let mut first = [0; PREFACE.len()];
    let peeked = tokio::select! {
        peeked = tokio::time::timeout(limit, stream.peek(&mut first)) => peeked.ok()?.ok()?,
        () = app.closing().cancelled() => return Some(Spoken::Either),
    };
    Some(if PREFACE.starts_with(&first[..peeked]) { Spoken::Either } else { Spoken::Http1 })
}

/// Answers the requests of one connection until it ends.
async fn converse<S>(
    app: Arc<App>,
    stream: S,
    spoken: Spoken,
    (peer, certificate): (SocketAddr, Option<ClientCertificate>),
    watcher: Watcher,
    spawner: Spawner,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = match spoken {
        Spoken::Http1 => builder(&app, spawner).http1_only(),
        Spoken::Either => builder(&app, spawner),
    };
    let service = service_fn(move |mut request: Request<Incoming>| {
        let app = Arc::clone(&app);
        if let Some(certificate) = &certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        // hyper keeps the room of a request for as long as the connection lives; boxed, it is given back when the
        // answer begins, which matters to streams.
        Box::pin(async move { Ok::<_, Infallible>(path::handle(&app, request, peer).await) })
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// HTTP/1.1 and HTTP/2 under the limits of the present snapshot.
fn builder(app: &App, spawner: Spawner) -> auto::Builder<Spawner> {
    let routes = app.routes();
    let limits = &routes.snapshot.limits;
    let mut builder = auto::Builder::new(spawner);
    // hyper's own minimum for its buffer.
    let header_bytes = limits.header_bytes.max(8 << 10);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_time)
        // Of headers hyper takes 100, and only that number without allocating.
        .max_buf_size(header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(256)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
