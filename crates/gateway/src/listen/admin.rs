//! `/healthz`, `/readyz` and `/metrics`: on a listener of their own when `listen.admin` is set.
//!
//! There they are not recorded: nothing crosses the gateway, and they must answer also when records cannot be
//! written. Whoever can connect there may ask; it is the operator's network.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    App,
    metrics::CONTENT_TYPE,
    path::{Answer, Body},
};

#[cfg(test)]
mod tests;

/// Open connections. Probes and scrapers need one each.
const CONNECTIONS: usize = 256;

/// Time for the head of a request, and between two.
const HEAD_TIME: Duration = Duration::from_mins(1);

/// What a supervisor or a scraper asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Is the process alive?
    Health,
    /// May it get requests?
    Readiness,
    /// What has it done?
    Metrics,
}

impl Probe {
    /// The probe of a path.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Readiness),
            "/metrics" => Some(Self::Metrics),
            _ => None,
        }
    }

    /// The answer.
    pub(crate) fn answer(self, app: &App) -> Answer {
        let plain = "text/plain; charset=utf-8";
        let mut answer = match self {
            Self::Health => Answer::whole(StatusCode::OK, plain, "ok"),
            Self::Readiness => match app.readiness() {
                Ok(()) => Answer::whole(StatusCode::OK, plain, "ready"),
                Err(why) => Answer::whole(StatusCode::SERVICE_UNAVAILABLE, plain, why),
            },
            Self::Metrics => Answer::whole(StatusCode::OK, CONTENT_TYPE, app.render_metrics()),
        };
        answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }
}

/// The answer to a request without a record; absent when it is no probe.
pub(crate) fn unrecorded<B>(app: &App, request: &Request<B>) -> Option<Response<Body>> {
    let probe = Probe::of(request.uri().path())?;
    matches!(*request.method(), Method::GET | Method::HEAD).then(|| probe.answer(app).send_unrecorded())
}

/// Serves probes until dropped.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(16);
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(permit) = Arc::clone(&connections).acquire_owned().await {
        let Some((stream, _)) = super::accept(&listener).await else { continue };
        let app = Arc::clone(&app);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = unrecorded(&app, &request).unwrap_or_else(not_found);
            async { Ok::<_, Infallible>(answer) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the admin listener ended badly");
            }
            drop(permit);
        });
    }
}

fn not_found() -> Response<Body> {
    Answer::whole(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "not found").send_unrecorded()
}
