//! A missing connection, told in the way that the client can follow: the address of Doorward's own page, in an input
//! request (2026-07-28), in the error for it (2025-11-25), or in words.
//!
//! The address is never the third party's, and nothing that an upstream said reaches the client.

use doorward_protocol::{
    json::quote,
    mcp::{Era, Method},
    rpc::code,
};
use serde_json::{Value, json};

use super::{Reason, Refusal};
use crate::{
    connections::NotConnected,
    path::{engine::CONNECT, record::OpenRecord},
};

/// How a client can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::path) enum Manner {
    /// It reads errors.
    Error,
    /// It shows results of tools, errors of tools included, to whoever called.
    ToolResult(Era),
    /// It sends its person to an address and asks again (2026-07-28, multi round-trip requests).
    InputRequired(Method),
    /// It sends its person to an address that an error names (2025-11-25).
    UrlElicitation,
}

impl Manner {
    /// That of the request of a client which can, or cannot, send its person to an address.
    pub(in crate::path) fn of(era: Era, method: Method, elicits_urls: bool) -> Self {
        match era {
            Era::Modern if elicits_urls && method.may_require_input() => Self::InputRequired(method),
            Era::Legacy if elicits_urls => Self::UrlElicitation,
            _ if method == Method::ToolsCall => Self::ToolResult(era),
            _ => Self::Error,
        }
    }

    /// The same, where there is nothing that the caller's own person could do at the address.
    fn without_address(self) -> Self {
        match self {
            Self::InputRequired(method) => Self::of(Era::Modern, method, false),
            Self::UrlElicitation => Self::Error,
            other => other,
        }
    }
}

impl Refusal {
    /// To be told in this manner, if it is one that can be.
    pub(in crate::path) fn told(self, manner: Manner) -> Self {
        let manner = match &self.reason {
            Reason::NotConnected(missing) if missing.is_for_the_person() => manner,
            Reason::NotConnected(_) => manner.without_address(),
            _ => Manner::Error,
        };
        Self { manner, ..self }
    }

    /// Notes it in the record of a request that is answered all the same.
    pub(in crate::path) fn remark(&self, record: &mut OpenRecord) {
        let row = self.reason.row();
        record.failed(row.reason, self.detail.as_deref().map(str::to_owned), row.fault);
    }

    /// What is missing, if that is why.
    pub(in crate::path) fn not_connected(&self) -> Option<&NotConnected> {
        match &self.reason {
            Reason::NotConnected(missing) => Some(missing),
            _ => None,
        }
    }

    /// Whether the session that was named is none.
    pub(in crate::path) fn is_of_an_unknown_session(&self) -> bool {
        matches!(self.reason, Reason::SessionUnknown)
    }

    /// The code of the error; none where it is told by a result.
    pub(super) fn code(&self) -> Option<i64> {
        match self.manner {
            Manner::ToolResult(_) | Manner::InputRequired(_) => None,
            Manner::UrlElicitation => Some(code::URL_ELICITATION_REQUIRED),
            Manner::Error => Some(self.reason.row().code),
        }
    }

    /// The result that tells it.
    pub(super) fn result(&self) -> Option<String> {
        let missing = self.not_connected()?;
        let result = match self.manner {
            Manner::ToolResult(era) => tool_result(era, &missing.message(), true),
            Manner::InputRequired(_) => json!({
                "resultType": "input_required",
                "inputRequests": { CONNECT: { "method": "elicitation/create", "params": {
                    "mode": "url", "message": missing.message(), "url": missing.link,
                } } },
            }),
            Manner::Error | Manner::UrlElicitation => return None,
        };
        Some(result.to_string())
    }

    /// The `data` of the error that sends a person to an address.
    pub(super) fn elicitations(&self, record: &OpenRecord) -> Option<String> {
        let missing = self.not_connected().filter(|_| self.manner == Manner::UrlElicitation)?;
        let elicitation = json!({
            "mode": "url",
            "elicitationId": format!("connect-{}", record.id.hex()),
            "message": missing.message(),
            "url": missing.link,
        });
        Some(json!({ "elicitations": [elicitation] }).to_string())
    }
}

/// The result of a tool that says this.
pub(in crate::path) fn tool_result(era: Era, text: &str, is_error: bool) -> Value {
    let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": is_error });
    if era == Era::Modern {
        result["resultType"] = "complete".into();
    }
    result
}

/// The `data` of an error in words.
pub(super) fn data(missing: &NotConnected, request_id: &str) -> String {
    let (kind, name) = (missing.place.kind(), quote(missing.place.name().as_str()));
    let reason = missing.reason();
    let link = missing.address().map(|link| format!(r#""connect":{},"#, quote(link))).unwrap_or_default();
    format!(r#"{{"{kind}":{name},{link}"fault":"caller","reason":"{reason}","requestId":"{request_id}"}}"#)
}
