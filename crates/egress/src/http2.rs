//! Connections on which HTTP/2 is spoken and nothing else.
//!
//! Over TLS the handshake decides: `h2` is all that is offered. In clear nobody says what they speak, so the first
//! bytes are looked at: an HTTP/1 server answers the preface of HTTP/2 in its own way, and that is said as what it is
//! rather than as a broken frame.

use std::{
    error::Error,
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Uri;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::AlertDescription;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::connector::Connector;

/// How an answer of HTTP/1 begins.
const HTTP1: &[u8] = b"HTTP/1";

/// The other side speaks something else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotHttp2;

impl NotHttp2 {
    const TEXT: &str = "this is not HTTP/2";

    /// Whether an error says so.
    pub(crate) fn is(error: &(dyn Error + 'static)) -> bool {
        if let Some(rustls::Error::AlertReceived(alert)) = error.downcast_ref() {
            return *alert == AlertDescription::NoApplicationProtocol;
        }
        // The HTTP/2 library keeps the words of an I/O error and drops the error.
        error.is::<Self>() || error.is::<io::Error>() && error.to_string() == Self::TEXT
    }

    fn error() -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Self)
    }
}

impl fmt::Display for NotHttp2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::TEXT)
    }
}

impl Error for NotHttp2 {}

/// The connector above TLS.
#[derive(Debug, Clone)]
pub(crate) struct Http2Connector(HttpsConnector<Connector>);

/// Takes a connector that offers `h2` alone.
pub(crate) fn connector(inner: HttpsConnector<Connector>) -> Http2Connector {
    Http2Connector(inner)
}

impl Service<Uri> for Http2Connector {
    type Response = Http2Stream;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Http2Stream, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            let inner = connecting.await?;
            // A server that does not know ALPN agrees on nothing (RFC 7301 section 3.2), and then speaks HTTP/1.
            if matches!(inner, MaybeHttpsStream::Https(_)) && !inner.connected().is_negotiated_h2() {
                return Err(NotHttp2::error().into());
            }
            Ok(Http2Stream { inner, first: Vec::new(), looked: false })
        })
    }
}

/// A connection whose first bytes are looked at, and held back until they have been.
#[derive(Debug)]
pub(crate) struct Http2Stream {
    inner: MaybeHttpsStream<TokioIo<TcpStream>>,
    first: Vec<u8>,
    looked: bool,
}

impl Http2Stream {
    /// Done when it is certain that this is not HTTP/1.
    fn poll_look(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.looked {
            let mut room = [0; HTTP1.len()];
            let mut read = ReadBuf::new(&mut room[self.first.len()..]);
            ready!(Pin::new(&mut self.inner).poll_read(context, read.unfilled()))?;
            let ended = read.filled().is_empty();
            self.first.extend_from_slice(read.filled());
            if self.first == HTTP1 {
                return Poll::Ready(Err(NotHttp2::error()));
            }
            self.looked = ended || !HTTP1.starts_with(&self.first);
        }
        Poll::Ready(Ok(()))
    }
}

impl Read for Http2Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_look(context))?;
        if self.first.is_empty() {
            return Pin::new(&mut self.inner).poll_read(context, buffer);
        }
        let taken = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first[..taken]);
        self.first.drain(..taken);
        Poll::Ready(Ok(()))
    }
}

impl Write for Http2Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, parts)
    }
}

impl Connection for Http2Stream {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

#[cfg(test)]
mod tests;
