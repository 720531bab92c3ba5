//! A caller of agents: one operation, over any binding, in any version. Correct unless the test makes it otherwise.

mod grpc;
mod said;
pub(crate) mod script;
mod what;

use doorward_testkit::agent::{Binding, Dialect, Version};
use serde_json::Value;

pub(crate) use self::{
    grpc::{GrpcCall, GrpcFeed, decode_request, encode},
    said::{Failed, Said},
    what::{Message, What},
};
use super::{Answer, Call, Events, Gateway};

/// A binding and a version: how a caller asks, or how an agent is asked.
pub(crate) type Face = (Binding, Version);

/// JSON-RPC of 1.0.
pub(crate) const V1_RPC: Face = (Binding::JsonRpc, Version::V1_0);
/// HTTP+JSON of 1.0.
pub(crate) const V1_REST: Face = (Binding::HttpJson, Version::V1_0);
/// gRPC of 1.0.
pub(crate) const V1_GRPC: Face = (Binding::Grpc, Version::V1_0);
/// JSON-RPC of 0.3.
pub(crate) const V03_RPC: Face = (Binding::JsonRpc, Version::V0_3);
/// HTTP+JSON of 0.3.
pub(crate) const V03_REST: Face = (Binding::HttpJson, Version::V0_3);
/// gRPC of 0.3.
pub(crate) const V03_GRPC: Face = (Binding::Grpc, Version::V0_3);
/// All of them.
pub(crate) const FACES: [Face; 6] = [V1_RPC, V1_REST, V1_GRPC, V03_RPC, V03_REST, V03_GRPC];
/// Those of 1.0.
pub(crate) const V1_FACES: [Face; 3] = [V1_RPC, V1_REST, V1_GRPC];

/// The dialect of a face.
pub(crate) fn dialect((binding, version): Face) -> Dialect {
    Dialect::of(version, binding)
}

/// An operation that is being put together.
#[derive(Clone)]
pub(crate) struct AgentCall<'g> {
    gateway: &'g Gateway,
    agent: String,
    face: Face,
    what: What,
    headers: Vec<(String, String)>,
}

/// The answer to an operation, whole.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Of gRPC: the head and the trailers as headers, and the message as JSON.
    pub(crate) answer: Answer,
    pub(crate) face: Face,
}

/// A stream that is being read. Dropping it is going away.
pub(crate) enum Feed<'g> {
    /// Server-sent events, and whether they are answers of JSON-RPC.
    Sse(Events<'g>, Face),
    /// Messages of gRPC.
    Grpc(GrpcFeed<'g>),
}

impl Gateway {
    /// The resource of an agent, as tokens must name it.
    pub(crate) fn agent_resource(&self, agent: &str) -> String {
        self.resource("x").replace("/mcp/x", &format!("/a2a/{agent}"))
    }

    /// An operation at an agent, with the version that it is of.
    pub(crate) fn ask(&self, agent: &str, face: Face, what: What) -> AgentCall<'_> {
        let version = if face.1 == Version::V1_0 { "1.0" } else { "0.3" };
        let headers = vec![("A2A-Version".to_owned(), version.to_owned())];
        AgentCall { gateway: self, agent: agent.to_owned(), face, what, headers }
    }

    /// A POST of this text to an agent, as JSON-RPC of 1.0.
    pub(crate) fn post_agent(&self, agent: &str, body: impl Into<Vec<u8>>) -> Call<'_> {
        self.call("POST", &format!("/a2a/{agent}"))
            .header("Content-Type", "application/json")
            .header("A2A-Version", "1.0")
            .body(body)
    }

    /// A fetch of an agent's card.
    pub(crate) fn card(&self, agent: &str) -> Call<'_> {
        self.call("GET", &format!("/a2a/{agent}/.well-known/agent-card.json"))
    }
}

impl<'g> AgentCall<'g> {
    /// With this header in addition.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this header in the place of all others of its name.
    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        self.without(name).header(name, value)
    }

    /// Without any header of this name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// With this access token, which is a secret from now on.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// The request over HTTP/1.1; none of gRPC is.
    pub(crate) fn call(&self) -> Call<'g> {
        let mut call = match self.face.0 {
            Binding::JsonRpc => {
                let body = self.what.json_rpc(self.face.1).to_string();
                let call = self.gateway.call("POST", &format!("/a2a/{}", self.agent)).body(body);
                call.header("Content-Type", "application/json")
            }
            Binding::HttpJson => {
                let (method, path, body) = self.what.http_json(self.face.1);
                let call = self.gateway.call(method, &format!("/a2a/{}{path}", self.agent));
                match body {
                    Some(body) if self.face.1 == Version::V1_0 => {
                        call.header("Content-Type", "application/a2a+json").body(body.to_string())
                    }
                    Some(body) => call.header("Content-Type", "application/json").body(body.to_string()),
                    None => call,
                }
            }
            Binding::Grpc => panic!("gRPC is not HTTP/1.1"),
        };
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        call
    }

    /// The request over gRPC. The agent is the tenant, as its card says; 0.3 has no tenants.
    pub(crate) fn grpc(&self) -> GrpcCall<'g> {
        let mut json = self.what.params(dialect(self.face));
        if self.face.1 == Version::V1_0 {
            json["tenant"] = self.agent.clone().into();
        }
        let mut call = GrpcCall::of(self.gateway, self.face.1, self.what.operation(), &json);
        for (name, value) in &self.headers {
            call = call.header(&name.to_ascii_lowercase(), value);
        }
        call
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn send(self) -> Told {
        let face = self.face;
        let answer = match face.0 {
            Binding::Grpc => self.grpc().send().await,
            _ => self.call().send().await,
        };
        Told { answer, face }
    }

    /// Sends it and reads a stream.
    pub(crate) async fn open(self) -> Feed<'g> {
        match self.face.0 {
            Binding::Grpc => Feed::Grpc(self.grpc().open().await),
            _ => Feed::Sse(self.call().stream().await, self.face),
        }
    }
}

impl Told {
    /// The result, or a panic that shows what came instead.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        assert!(self.failed().is_none(), "{:?}: {} {}", self.face, self.answer.status, self.answer.text());
        match self.face.0 {
            Binding::JsonRpc => self.answer.json()["result"].clone(),
            _ => self.answer.json(),
        }
    }

    /// What it says, whichever way it is written.
    #[track_caller]
    pub(crate) fn said(&self) -> Said {
        Said::read(dialect(self.face), &self.result())
    }

    /// The error, if it is one.
    pub(crate) fn failed(&self) -> Option<Failed> {
        Failed::of_answer(self.face, &self.answer)
    }

    /// The error, or a panic that shows what came instead.
    #[track_caller]
    pub(crate) fn failure(&self) -> Failed {
        let failed = self.failed();
        failed.unwrap_or_else(|| panic!("{:?}: no error but {}", self.face, self.answer.text()))
    }
}

impl<'g> Feed<'g> {
    /// The events as they come over HTTP/1.1.
    pub(crate) fn events(self) -> Events<'g> {
        match self {
            Self::Sse(events, _) => events,
            Self::Grpc(_) => panic!("gRPC has no server-sent events"),
        }
    }

    /// The next event, or the error that ends the stream; none at the end. Comments are passed over.
    pub(crate) async fn next(&mut self) -> Option<Result<Said, Failed>> {
        let (events, face) = match self {
            Feed::Grpc(feed) => return feed.next().await,
            Feed::Sse(events, face) => (events, *face),
        };
        loop {
            let Some(event) = events.next().await else {
                // An error before the first event is no stream.
                let whole: Value = serde_json::from_str(&events.left()).ok()?;
                return Failed::of_event(face, events.status, &whole).map(Err);
            };
            let data: Vec<_> = event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
            if !data.is_empty() {
                let value: Value = serde_json::from_str(&data.join("\n")).unwrap();
                if let Some(failed) = Failed::of_event(face, events.status, &value) {
                    return Some(Err(failed));
                }
                let said = if face.0 == Binding::JsonRpc { &value["result"] } else { &value };
                return Some(Ok(Said::read(dialect(face), said)));
            }
        }
    }

    /// The next event, or a panic that shows what came instead.
    pub(crate) async fn said(&mut self) -> Said {
        match self.next().await {
            Some(Ok(said)) => said,
            other => panic!("no event but {other:?}"),
        }
    }

    /// Everything that is still to come.
    pub(crate) async fn rest(mut self) -> Vec<Result<Said, Failed>> {
        let mut all = Vec::new();
        while let Some(next) = self.next().await {
            all.push(next);
        }
        all
    }
}
