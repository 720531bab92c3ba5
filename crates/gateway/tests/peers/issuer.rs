//! A token issuer on 127.0.0.1: publishes its key, signs tokens for callers of the tests.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

use doorward_auth::keys::SigningKey;
use doorward_model::Algorithm;
use serde_json::json;

use crate::harness::Trusted;

/// Lives as long as the test's process.
pub(crate) struct Issuer {
    pub(crate) trusted: Trusted,
    key: SigningKey,
}

impl Issuer {
    /// Makes a key and publishes it.
    pub(crate) fn start() -> Self {
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let issuer = format!("http://{}", listener.local_addr().expect("its address"));
        let jwks_uri = format!("{issuer}/jwks.json");
        let keys = json!({ "keys": [key.jwk()] }).to_string();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Whoever hangs up early does not want an answer.
                let _ = answer(stream, &keys);
            }
        });
        Self { trusted: Trusted { issuer, jwks_uri }, key }
    }

    /// A token (RFC 9068) for one resource, good for an hour.
    pub(crate) fn token(&self, resource: &str) -> String {
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({
            "iss": self.trusted.issuer,
            "aud": resource,
            "sub": "ada",
            "client_id": "peer",
            "scope": "mcp:read mcp:call",
            "jti": "1",
            "iat": now,
            "exp": now + 3600,
        });
        self.key.sign_jwt("at+jwt", &claims)
    }
}

fn answer(mut stream: TcpStream, body: &str) -> std::io::Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
