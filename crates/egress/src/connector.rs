//! Resolve, check, dial that address.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::net::TcpStream;

use crate::{Trust, address};

/// The connector below TLS: the only place that opens a socket.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) trust: Trust,
    pub(crate) allow_private: Arc<[IpNet]>,
    pub(crate) connect_timeout: Duration,
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let limit = connector.connect_timeout;
            let dialled = tokio::time::timeout(limit, connector.dial(&uri)).await;
            dialled.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
        })
    }
}

impl Connector {
    /// Resolves and checks as for a request, and dials nothing.
    pub(crate) async fn check(&self, uri: &Uri) -> io::Result<()> {
        let found = tokio::time::timeout(self.connect_timeout, self.addresses(uri)).await;
        let found = found.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))?;
        if found.is_empty() { Err(no_address()) } else { Ok(()) }
    }

    /// Where a name leads. Every address of it must pass: one bad answer among good ones is how rebinding starts.
    async fn addresses(&self, uri: &Uri) -> io::Result<Vec<SocketAddr>> {
        let host = uri.host().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let found = resolve(host, uri.port_u16().unwrap_or(default_port)).await?;
        for address in &found {
            address::check(address.ip(), self.trust, &self.allow_private)
                .map_err(|refused| io::Error::new(io::ErrorKind::PermissionDenied, refused))?;
        }
        Ok(found)
    }

    async fn dial(&self, uri: &Uri) -> io::Result<TokioIo<TcpStream>> {
        let mut last = no_address();
        for address in self.addresses(uri).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(TokioIo::new(stream));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = literal.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}
