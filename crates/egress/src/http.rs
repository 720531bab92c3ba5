//! The HTTP client: pooled, without redirects, bounded in time.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{client::legacy::Client, rt::TokioExecutor, rt::TokioTimer};
use ipnet::IpNet;
use url::Url;

use crate::{AddressError, BodyError, Trust, connector::Connector, read_capped, tls};

/// What the client needs to know; nothing is dialled when it is made.
#[derive(Debug, Clone, Default)]
pub struct EgressConfig {
    /// Private networks that guarded destinations may be in.
    pub allow_private: Vec<IpNet>,
    /// PEM text of extra certificate roots.
    pub extra_roots: Option<Vec<u8>>,
}

/// One request to send. Built from nothing: there is no way to put a caller's header map in here whole.
#[derive(Debug)]
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
            Self::Refused(_) | Self::Connect(_) | Self::Roots => Phase::BeforeSending,
            _ => Phase::AfterSending,
        }
    }
}

type Pool = Client<HttpsConnector<Connector>, Full<Bytes>>;

/// The one client of the program.
#[derive(Debug, Clone)]
pub struct Egress {
    declared: Pool,
    guarded: Pool,
}

/// Time for resolving, connecting and the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept; below the keep-alive of common servers, so that we close first.
const POOL_IDLE: Duration = Duration::from_secs(4);

impl Egress {
    /// Makes the client.
    pub fn new(config: &EgressConfig) -> Result<Self, EgressError> {
        let tls = tls::client_config(config.extra_roots.as_deref())?;
        let allow_private: Arc<[IpNet]> = config.allow_private.clone().into();
        let pool = |trust| pool(&tls, trust, Arc::clone(&allow_private));
        Ok(Self { declared: pool(Trust::Declared), guarded: pool(Trust::Guarded) })
    }

    /// Sends a request; `limit` runs until the answer's head. The body of the answer is not bounded here.
    pub async fn send(&self, outbound: Outbound, limit: Duration) -> Result<Response<Incoming>, EgressError> {
        let pool = match outbound.trust {
            Trust::Declared => &self.declared,
            Trust::Guarded => &self.guarded,
        };
        let mut request = Request::new(Full::new(outbound.body));
        *request.method_mut() = outbound.method;
        *request.uri_mut() = outbound.uri;
        *request.headers_mut() = outbound.headers;
        let answer = tokio::time::timeout(limit, pool.request(request)).await;
        answer.map_err(|_| EgressError::Timeout(limit))?.map_err(|error| classify(&error))
    }

    /// Fetches a JSON document with GET: 200 only, no redirects, bounded in size and time.
    ///
    /// Returns the text and its `Cache-Control: max-age`, in seconds.
    pub async fn fetch(
        &self,
        url: &Url,
        trust: Trust,
        limit: usize,
    ) -> Result<(Bytes, Option<u64>), EgressError> {
        let uri: Uri =
            url.as_str().parse().map_err(|_| EgressError::Connect("the URL is not usable".into()))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
        let outbound = Outbound { method: Method::GET, uri, headers, body: Bytes::new(), trust };
        let fetched = tokio::time::timeout(CONNECT_TIMEOUT, async {
            let answer = self.send(outbound, CONNECT_TIMEOUT).await?;
            if answer.status() != http::StatusCode::OK {
                return Err(EgressError::Status(answer.status().as_u16()));
            }
            let max_age = max_age(answer.headers());
            Ok((read_capped(answer.into_body(), limit).await?, max_age))
        });
        fetched.await.unwrap_or(Err(EgressError::Timeout(CONNECT_TIMEOUT)))
    }
}

fn pool(tls: &rustls::ClientConfig, trust: Trust, allow_private: Arc<[IpNet]>) -> Pool {
    let connector = Connector { trust, allow_private, connect_timeout: CONNECT_TIMEOUT };
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(256)
        .http1_max_buf_size(64 << 10)
        .build(https)
}

/// The error's own words for its innermost cause, and the refusal of an address wherever it hides.
fn classify(error: &hyper_util::client::legacy::Error) -> EgressError {
    let mut innermost: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(refused) = innermost.downcast_ref::<AddressError>() {
            return EgressError::Refused(*refused);
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

fn max_age(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CACHE_CONTROL)?.to_str().ok()?;
    value.split(',').find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok())
}
