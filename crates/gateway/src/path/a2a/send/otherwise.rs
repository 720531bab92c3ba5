//! What is asked once more in another form, because agents over HTTP+JSON do not agree on one: how a task is subscribed to,
//! and what is around the webhook of 0.3. Only the answer tells which form an agent reads.

use doorward_egress::Outbound;
use doorward_protocol::a2a::{Operation, Version, rest};
use http::{Method, Response, StatusCode, header};
use hyper::body::Incoming;

use super::{
    super::super::{Refusal, record::OpenRecord},
    Binding, Params, Presented, Talk,
};
use crate::App;

/// The other form of a request.
pub(super) enum Otherwise {
    /// Got instead of posted: the proto says GET, the text says POST (A2A issue 1574).
    Got(Outbound),
    /// A webhook without the request around it, or with it.
    Webhook { request: Outbound, bare: bool },
}

impl Talk {
    /// The other form of what was asked, where the status says that the first was not understood. Whether that was a bare
    /// webhook is said by who sent it: what the agent is known for may be another thing by now.
    pub(super) fn otherwise(
        &self,
        operation: Operation,
        params: &Params,
        was_bare: bool,
        status: StatusCode,
    ) -> Result<Option<Otherwise>, Refusal> {
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
                if operation == Operation::SubscribeToTask && self.interface.binding == Binding::HttpJson =>
            {
                let mut request = self.http_json(operation, params)?;
                request.method = Method::GET;
                request.headers.remove(header::CONTENT_TYPE);
                Ok(Some(Otherwise::Got(request)))
            }
            StatusCode::BAD_REQUEST if self.is_old_webhook(operation) => {
                let bare = !was_bare;
                let request =
                    if bare { self.bare_webhook(params)? } else { self.http_json(operation, params)? };
                Ok(Some(Otherwise::Webhook { request, bare }))
            }
            _ => Ok(None),
        }
    }

    /// Asks in the other form. Where a webhook is not taken in that one either, what was said of the first stands, for it is
    /// the form that the agent is known to read, or that most do.
    pub(super) async fn ask_otherwise(
        &self,
        app: &App,
        otherwise: Otherwise,
        first: (Response<Incoming>, Option<Presented>),
        record: &mut OpenRecord,
    ) -> Result<(Response<Incoming>, Option<Presented>), Refusal> {
        match otherwise {
            Otherwise::Got(mut request) => {
                self.write_origin(app, &mut request.headers, record);
                self.dial(app, request, record).await
            }
            Otherwise::Webhook { mut request, bare } => {
                self.write_origin(app, &mut request.headers, record);
                let second = self.dial(app, request, record).await?;
                if !second.0.status().is_success() {
                    return Ok(first);
                }
                self.call.agent.known.note_bare_webhooks(bare);
                Ok(second)
            }
        }
    }

    /// A webhook of 0.3 without the request around it.
    pub(super) fn bare_webhook(&self, params: &Params) -> Result<Outbound, Refusal> {
        let params = params.to(self.interface.dialect(), Operation::CreatePushConfig)?;
        self.rest(rest::format_bare_webhook(self.interface.tenant.as_deref(), &params))
    }

    /// Whether SDKs disagree on the body.
    pub(super) fn is_old_webhook(&self, operation: Operation) -> bool {
        operation == Operation::CreatePushConfig
            && self.interface.binding == Binding::HttpJson
            && self.interface.version == Version::V0_3
    }
}
