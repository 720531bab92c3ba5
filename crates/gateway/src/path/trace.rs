//! W3C trace context: taken from the caller, passed on as a child of ours.
//!
//! In headers always; in `_meta` (SEP-414) where the caller brought a context of either kind. `baggage` is
//! the caller's word and travels only where the caller put it.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::identifiers::RequestId;

/// Longest `tracestate` or `baggage` that is passed on, in bytes.
const MAX_STATE: usize = 8 << 10;

/// One request's place in a trace.
#[derive(Debug, Clone)]
pub(crate) struct TraceContext {
    trace_id: String,
    flags: String,
    span: String,
    pub(super) from_caller: bool,
    state: Option<HeaderValue>,
}

impl TraceContext {
    /// The caller's trace when its header is well-formed, else a new one.
    pub(super) fn of(headers: &HeaderMap, id: RequestId) -> Self {
        let parent = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parse);
        let state = headers.get("tracestate").filter(|state| state.len() <= MAX_STATE).cloned();
        match parent {
            Some((trace_id, flags)) => Self { trace_id, flags, span: id.span(), from_caller: true, state },
            None => Self {
                trace_id: id.hex(),
                flags: "00".into(),
                span: id.span(),
                from_caller: false,
                state: None,
            },
        }
    }

    /// 32 hex digits.
    pub(super) fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// Takes the context that a message's `_meta` carries; it is closer to the call than the header.
    pub(super) fn adopt(&mut self, traceparent: &str) {
        if let Some((trace_id, flags)) = parse(traceparent) {
            if trace_id != self.trace_id {
                self.state = None;
            }
            (self.trace_id, self.flags, self.from_caller) = (trace_id, flags, true);
        }
    }

    /// `traceparent` with Doorward's own span.
    pub(super) fn traceparent(&self) -> String {
        ["00", &*self.trace_id, &*self.span, &*self.flags].join("-")
    }

    /// Adds the headers for the upstream.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.traceparent()) {
            headers.insert(HeaderName::from_static("traceparent"), value);
        }
        if let Some(state) = &self.state {
            headers.insert(HeaderName::from_static("tracestate"), state.clone());
        }
    }
}

/// Trace id and flags of a `traceparent` (W3C Trace Context, version 00; later versions by their prefix).
fn parse(text: &str) -> Option<(String, String)> {
    let mut parts = text.trim().split('-');
    let (version, trace_id, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let well_formed = is_hex(version, 2) && is_hex(trace_id, 32) && is_hex(span, 16) && is_hex(flags, 2);
    let meaningful = version != "ff" && !is_zero(trace_id) && !is_zero(span);
    let complete = version != "00" || parts.next().is_none();
    (well_formed && meaningful && complete).then(|| (trace_id.to_owned(), flags.to_owned()))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_contexts_are_taken() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(parse(good), Some(("4bf92f3577b34da6a3ce929d0e0e4736".into(), "01".into())));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
