//! The HTTP client: pooled, without redirects, bounded in time.
//!
//! There is a pool for each kind of trust and for each [`Protocol`]: a connection never serves two of them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Builder, Client},
    rt::{TokioExecutor, TokioTimer},
};
use ipnet::IpNet;

use crate::{
    AddressError, BodyError, Trust,
    connector::Connector,
    http2::{self, Http2Connector, NotHttp2},
    tls,
};

/// What the client needs to know; nothing is dialled when it is made.
#[derive(Debug, Clone, Default)]
pub struct EgressConfig {
    /// Private networks that guarded destinations may be in.
    pub allow_private: Vec<IpNet>,
    /// PEM text of extra certificate roots.
    pub extra_roots: Option<Vec<u8>>,
}

/// One request to send. Built from nothing: there is no way to put a caller's header map in here whole.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// HTTP method.
    pub method: Method,
    /// Where to.
    pub uri: Uri,
    /// Headers, credential included.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// How far the destination is trusted.
    pub trust: Trust,
    /// What is spoken there.
    pub protocol: Protocol,
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1, or over TLS what the handshake agrees on.
    #[default]
    Http1OrAlpn,
    /// HTTP/2 and nothing else, as gRPC needs it: in clear with prior knowledge, over TLS by ALPN `h2` (RFC 9113
    /// sections 3.2 and 3.3). The request says `te: trailers`, and the answer's body ends with its trailers.
    Http2,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The address must not be dialled.
    #[error(transparent)]
    Refused(#[from] AddressError),
    /// No connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// There is a connection, and no HTTP/2 on it.
    #[error("the other side does not speak HTTP/2 there")]
    NotHttp2,
    /// The limit passed before the answer's head came.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection broke, or what came was not HTTP.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The answer's status was not 200.
    #[error("the answer's status was {0}")]
    Status(u16),
    /// The answer was too large or broke off.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The extra certificate roots cannot be read.
    #[error("the extra certificate roots are not PEM certificates")]
    Roots,
}

/// When an [`EgressError`] happened, for deciding whether a retry is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing of the request reached the other side.
    BeforeSending,
    /// The other side may have acted on it.
    AfterSending,
}

impl EgressError {
    /// When it happened.
    pub fn phase(&self) -> Phase {
        match self {
            // Whoever does not speak HTTP/2 cannot have read the request.
            Self::Refused(_) | Self::Connect(_) | Self::NotHttp2 | Self::Roots => Phase::BeforeSending,
            _ => Phase::AfterSending,
        }
    }
}

type Pool = Client<HttpsConnector<Connector>, Full<Bytes>>;
type Http2Pool = Client<Http2Connector, Full<Bytes>>;

/// The one client of the program.
#[derive(Debug, Clone)]
pub struct Egress {
    declared: Pools,
    guarded: Pools,
    allow_private: Arc<[IpNet]>,
}

/// The connections of one kind of trust.
#[derive(Debug, Clone)]
struct Pools {
    usual: Pool,
    http2: Http2Pool,
}

/// Time for resolving, connecting and the TLS handshake.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept; below the keep-alive of common servers, so that we close first.
const POOL_IDLE: Duration = Duration::from_secs(4);
/// Largest head of an answer, in bytes.
const MAX_HEAD: u32 = 64 << 10;
/// How much of one answer may wait in memory until its reader takes it, in bytes.
const STREAM_WINDOW: u32 = 64 << 10;
/// As much for all answers of one connection together: so many readers must stand still before others wait for them.
const CONNECTION_WINDOW: u32 = 512 * STREAM_WINDOW;
/// How often a connection with open requests on it is asked whether anybody is there, and how long that may take.
const ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

impl Egress {
    /// Makes the client.
    pub fn new(config: &EgressConfig) -> Result<Self, EgressError> {
        let tls = tls::client_config(config.extra_roots.as_deref())?;
        let allow_private: Arc<[IpNet]> = config.allow_private.clone().into();
        let pools = |trust| Pools::new(&tls, trust, Arc::clone(&allow_private));
        Ok(Self { declared: pools(Trust::Declared), guarded: pools(Trust::Guarded), allow_private })
    }

    /// Whether a destination may be dialled now, as far as its addresses say. Whoever keeps the answer knows nothing:
    /// they are checked again whenever a request is sent.
    ///
    /// # Errors
    /// [`EgressError::Refused`] when an address of it may not be dialled, [`EgressError::Connect`] when it has none.
    pub async fn check(&self, uri: &Uri, trust: Trust) -> Result<(), EgressError> {
        let allow_private = Arc::clone(&self.allow_private);
        let connector = Connector { trust, allow_private, connect_timeout: CONNECT_TIMEOUT };
        connector.check(uri).await.map_err(|error| {
            let refused = error.get_ref().and_then(|inner| inner.downcast_ref::<AddressError>());
            refused.map_or_else(|| EgressError::Connect(error.to_string()), |refused| (*refused).into())
        })
    }

    /// Sends a request; `limit` runs until the answer's head. The body of the answer is not bounded here.
    ///
    /// Requests by [`Protocol::Http2`] to one place share a connection. Beyond as many as the other side allows at
    /// a time they wait, within `limit`.
    pub fn send(
        &self,
        outbound: Outbound,
        limit: Duration,
    ) -> impl Future<Output = Result<Response<Incoming>, EgressError>> + Send + use<> {
        let pools = match outbound.trust {
            Trust::Declared => &self.declared,
            Trust::Guarded => &self.guarded,
        };
        let mut request = Request::new(Full::new(outbound.body));
        *request.method_mut() = outbound.method;
        *request.uri_mut() = outbound.uri;
        *request.headers_mut() = outbound.headers;
        let answer = match outbound.protocol {
            Protocol::Http1OrAlpn => pools.usual.request(request),
            Protocol::Http2 => {
                request.headers_mut().insert(header::TE, HeaderValue::from_static("trailers"));
                pools.http2.request(request)
            }
        };
        // The request is made at once, so that nobody who waits carries the room for it.
        async move {
            let answer = tokio::time::timeout(limit, answer).await;
            answer.map_err(|_| EgressError::Timeout(limit))?.map_err(|error| classify(&error))
        }
    }
}

impl Pools {
    fn new(tls: &rustls::ClientConfig, trust: Trust, allow_private: Arc<[IpNet]>) -> Self {
        let connector = Connector { trust, allow_private, connect_timeout: CONNECT_TIMEOUT };
        let https = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let either = https().enable_http1().enable_http2().wrap_connector(connector.clone());
        let only = https().enable_http2().wrap_connector(connector);
        Self {
            usual: builder().build(either),
            http2: builder().http2_only(true).build(http2::connector(only)),
        }
    }
}

fn builder() -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(256)
        .http1_max_buf_size(64 << 10)
        .http2_max_header_list_size(MAX_HEAD)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(ALIVE.0)
        .http2_keep_alive_timeout(ALIVE.1);
    builder
}

/// The error's own words for its innermost cause, and the refusal of an address wherever it hides.
fn classify(error: &hyper_util::client::legacy::Error) -> EgressError {
    let mut innermost: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(refused) = innermost.downcast_ref::<AddressError>() {
            return EgressError::Refused(*refused);
        }
        if NotHttp2::is(innermost) {
            return EgressError::NotHttp2;
        }
        let inner = innermost.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        match inner.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| innermost.source()) {
            Some(source) => innermost = source,
            None => break,
        }
    }
    let cause = innermost.to_string();
    if error.is_connect() { EgressError::Connect(cause) } else { EgressError::Broken(cause) }
}
