//! The far end of push notifications: keeps every delivery, and refuses those that the script names.
//!
//! It checks nothing: whether a delivery is what the standard wants is the test's question.

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::{
    ledger::Ledger,
    listen::Running,
    recorder::{Fate, Host, Recorded, Reply, accept},
};

/// A running receiver; it stops when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    origin: String,
    shared: Arc<Shared>,
    _running: Running,
}

#[derive(Debug, Default)]
struct Shared {
    seen: Ledger<Recorded>,
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    next: Vec<Reply>,
    always: Option<Reply>,
}

impl Receiver {
    /// Starts a receiver on a free port of 127.0.0.1 that answers every delivery with 204.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::default());
        let running = Running::start(accept(listener, Arc::clone(&shared)));
        Ok(Self { origin, shared, _running: running })
    }

    /// Where it takes deliveries: `http://127.0.0.1:<port>/hook`. Every other path is answered and kept alike.
    pub fn url(&self) -> String {
        self.url_of("hook")
    }

    /// Another address of it.
    pub fn url_of(&self, name: &str) -> String {
        format!("{}/{name}", self.origin)
    }

    /// Answers the next delivery so. Earlier ones come first.
    pub fn once(&self, reply: Reply) {
        self.shared.lock().next.push(reply);
    }

    /// Answers every delivery so, after those of [`Receiver::once`], until [`Receiver::behave`].
    pub fn always(&self, reply: Reply) {
        self.shared.lock().always = Some(reply);
    }

    /// Throws the script away.
    pub fn behave(&self) {
        *self.shared.lock() = Script::default();
    }

    /// Every delivery so far, oldest first.
    pub fn deliveries(&self) -> Vec<Recorded> {
        self.shared.seen.all()
    }

    /// Whether these bytes were in the head or the body of any delivery.
    pub fn saw(&self, needle: &str) -> bool {
        self.shared.seen.any(|delivery, _| delivery.contains(needle.as_bytes()))
    }

    /// Waits until `count` deliveries came, and returns them.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] after ten seconds.
    pub async fn wait_for(&self, count: usize) -> io::Result<Vec<Recorded>> {
        let enough = || {
            let deliveries = self.deliveries();
            (deliveries.len() >= count).then_some(deliveries)
        };
        self.shared.seen.wait_until(enough).await
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for Shared {
    fn receive(&self, request: Recorded) -> (usize, Reply) {
        let mut script = self.lock();
        let next = (!script.next.is_empty()).then(|| script.next.remove(0));
        let reply = next.or_else(|| script.always.clone()).unwrap_or_else(|| Reply::empty(204));
        drop(script);
        (self.seen.add(request), reply)
    }

    fn settle(&self, number: usize, fate: Fate) {
        self.seen.settle(number, fate);
    }
}

/// Posts JSON to an address in clear and returns the status.
pub(crate) async fn post(url: &str, headers: &[(&str, &str)], body: &Value) -> io::Result<u16> {
    let uri: Uri = url.parse().map_err(io::Error::other)?;
    let authority = uri.authority().ok_or(io::ErrorKind::InvalidInput)?.as_str();
    let stream = TcpStream::connect(authority).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let _running = Running::start(async {
        // What breaks shows in the answer that does not come.
        let _ = connection.await;
    });
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request =
        Request::post(path).header("host", authority).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_string()))).map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok(response.status().as_u16())
}
