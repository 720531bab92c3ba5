//! Through which agents a request came: agents that call agents through this door must not go in circles.
//!
//! The way is told in `tracestate`, which well-behaved agents pass on with every call that they make for a request, and
//! in a header of our own for those that copy headers. Whoever drops both begins a new chain: that cannot be seen.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    super::{Reason, Refusal},
    call::Call,
};

/// Doorward's member of `tracestate` (W3C Trace Context section 3.3), and what parts the names in it.
const MEMBER: &str = "doorward";
const BETWEEN: &str = "/";
/// Doorward's own header, with commas between the names.
pub(super) const HEADER: &str = "doorward-via";
/// Most names that are read.
const MOST: usize = 64;

/// The agents that a request came through, first to last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chain(Vec<String>);

impl Chain {
    /// What the caller's headers say.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let texts = |name: &str| {
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>()
        };
        let via: Vec<_> = texts(HEADER).iter().flat_map(|text| text.split(',')).map(clean).collect();
        let state = texts("tracestate");
        let members =
            state.iter().flat_map(|text| text.split(',')).filter_map(|member| member.trim().split_once('='));
        let traced: Vec<_> = members
            .filter(|(name, _)| *name == MEMBER)
            .flat_map(|(_, value)| value.split(BETWEEN))
            .map(clean)
            .collect();
        // The longer one: what shortens a chain is not believed.
        let mut names = if traced.len() > via.len() { traced } else { via };
        names.retain(|name| !name.is_empty());
        names.truncate(MOST);
        Self(names)
    }

    /// Adds the next agent to what goes to it.
    pub(super) fn write(&self, next: &str, headers: &mut HeaderMap) {
        let names: Vec<_> = self.0.iter().map(String::as_str).chain([next]).collect();
        if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
            headers.insert(HeaderName::from_static(HEADER), value);
        }
        let mut state = [MEMBER, "=", &names.join(BETWEEN)].concat();
        let others = headers.get("tracestate").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let others = others.split(',').map(str::trim).filter(|member| !member.is_empty());
        let others = others.filter(|member| member.split('=').next() != Some(MEMBER));
        // 32 members at most (section 3.3.1.1); what came last stands first.
        for other in others.take(31) {
            state.extend([",", other]);
        }
        if let Ok(value) = HeaderValue::from_str(&state) {
            headers.insert(HeaderName::from_static("tracestate"), value);
        }
    }
}

fn clean(name: &str) -> String {
    name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(64).collect()
}

/// Refuses a request that was at this agent before, or came through too many.
pub(super) fn within_bounds(call: Box<Call>) -> Result<Box<Call>, Refusal> {
    let agent = &call.agent.agent;
    if call.chain.0.iter().any(|name| name == agent.name.as_str()) {
        return Err(Reason::DelegationLoop.into());
    }
    if call.chain.0.len() >= agent.delegation_depth {
        return Err(Reason::DelegationTooDeep(agent.delegation_depth).into());
    }
    Ok(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    #[test]
    fn the_chain_grows_by_each_agent_whichever_way_it_is_passed_on() {
        let mut out = headers(&[("tracestate", "vendor=1,doorward=old")]);
        Chain(vec!["a".into(), "b".into()]).write("c", &mut out);
        assert_eq!(out["tracestate"], "doorward=a/b/c,vendor=1");
        let expected = Chain(vec!["a".into(), "b".into(), "c".into()]);
        assert_eq!(Chain::of(&out), expected);
        out.remove(HEADER);
        assert_eq!(Chain::of(&out), expected);
        out.insert(HEADER, HeaderValue::from_static("a, b, c, d"));
        out.remove("tracestate");
        assert_eq!(Chain::of(&out).0.len(), 4);
        assert_eq!(Chain::of(&headers(&[("tracestate", "x=y"), (HEADER, " , ")])), Chain::default());
    }

    #[test]
    fn a_chain_cannot_be_shortened_by_one_of_two_ways() {
        let both = headers(&[("tracestate", "doorward=a/b"), (HEADER, "z")]);
        assert_eq!(Chain::of(&both).0, ["a", "b"]);
    }
}
