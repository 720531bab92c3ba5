//! An MCP upstream with everything that the official conformance suite asks of a server, on the official Rust SDK.
//!
//! It is the fixed point of the conformance comparison: what passes here directly must pass through the gateway. It speaks
//! 2024-11-05 to 2025-11-25 with sessions and 2026-07-28 without, on one URL. What it offers is data in `catalogue.json`,
//! what it asks of clients is data in `questions.json`. It does not misbehave; for that there is [`crate::recorder`].

mod catalogue;
mod content;
mod jobs;
mod listeners;
mod rounds;
mod server;
mod sessions;
mod talk;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, io, net::Ipv4Addr, str::FromStr, sync::Arc};

use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{body::Bytes, service::service_fn};
use rmcp::{
    model::ProtocolVersion,
    transport::{StreamableHttpServerConfig, StreamableHttpService},
};
use tokio::net::TcpListener;

use self::{server::Upstream, sessions::Sessions};
use crate::listen;

/// Which revisions the upstream speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Eras {
    /// All of them.
    #[default]
    Both,
    /// Up to 2025-11-25 only: `initialize` and sessions.
    Legacy,
    /// 2026-07-28 only: no sessions.
    Modern,
}

impl Eras {
    fn versions(self) -> Vec<ProtocolVersion> {
        let modern = |version: &ProtocolVersion| *version >= ProtocolVersion::V_2026_07_28;
        let known = ProtocolVersion::KNOWN_VERSIONS.iter().cloned();
        match self {
            Self::Both => known.collect(),
            Self::Legacy => known.filter(|version| !modern(version)).collect(),
            Self::Modern => known.filter(modern).collect(),
        }
    }
}

impl FromStr for Eras {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "both" => Ok(Self::Both),
            "legacy" => Ok(Self::Legacy),
            "modern" => Ok(Self::Modern),
            _ => Err(format!("`{text}` is none of both, legacy, modern")),
        }
    }
}

/// The upstream within a test; it stops when it is dropped.
#[derive(Debug)]
pub struct ConformanceUpstream {
    url: String,
    _running: listen::Running,
}

impl ConformanceUpstream {
    /// Starts the upstream on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(eras: Eras) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/mcp", listener.local_addr()?);
        let running = listen::Running::start(async move {
            // Only a broken listener or broken definitions end it, and then every request fails.
            let _ = serve(listener, eras).await;
        });
        Ok(Self { url, _running: running })
    }

    /// Its MCP endpoint: `http://127.0.0.1:<port>/mcp`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Serves the upstream at `/mcp` on `listener` until the process ends.
///
/// # Errors
/// When the built-in definitions cannot be read or the listener breaks.
pub async fn serve(listener: TcpListener, eras: Eras) -> io::Result<()> {
    let sessions = Arc::new(Sessions::default());
    let first = Upstream::new(eras.versions())?;
    let origins = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];
    let config = StreamableHttpServerConfig::default().with_allowed_origins(origins);
    let service = StreamableHttpService::new(move || Ok(first.next_session()), sessions, config);
    let handler = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let service = service.clone();
        async move {
            Ok::<_, Infallible>(match request.uri().path() {
                "/mcp" => service.handle(request).await,
                _ => nowhere(),
            })
        }
    });
    listen::serve(listener, handler).await
}

fn nowhere() -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::default().boxed());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
