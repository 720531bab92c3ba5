//! Where an agent is asked: the interfaces of its approved card, and which of them suits a caller best.

use doorward_egress::{Protocol, Trust};
use doorward_model::Binding;
use doorward_protocol::a2a::{Dialect, Version, card::UpstreamCard};
use http::Uri;
use url::Url;

use super::Approved;

/// One interface that Doorward can use (A2A 1.0 section 8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) binding: Binding,
    pub(crate) version: Version,
    /// To be echoed exactly in every request.
    pub(crate) tenant: Option<String>,
    /// Without a slash at its end.
    base: String,
    /// `base`, parsed.
    uri: Uri,
    pub(crate) trust: Trust,
}

/// The interfaces of a card that can be used, in its order: of several tenants only those of the first. A task is known by
/// its agent and its id, and each tenant may give its own tasks any ids.
pub(super) fn usable(card: &UpstreamCard, declared: &Url) -> Vec<Interface> {
    let mut all = understood(card, declared);
    let tenant = all.first().and_then(|first| first.tenant.clone());
    all.retain(|interface| interface.tenant == tenant);
    all
}

/// What an operator should know of a card's interfaces before it is approved, and when it is taken into use.
pub(crate) fn findings(card: &UpstreamCard, declared: &Url) -> Vec<String> {
    let (all, used) = (understood(card, declared), usable(card, declared));
    let mut findings: Vec<_> = used
        .iter()
        .filter(|interface| interface.trust != Trust::Declared)
        .map(|interface| format!("leads to another origin: {} at {}", interface.label(), interface.base))
        .collect();
    let other = all.iter().filter(|interface| used.first().is_some_and(|it| it.tenant != interface.tenant));
    findings.extend(other.map(|interface| {
        format!(
            "is not used, for its tenant is not that of the first: {} at {}",
            interface.label(),
            interface.base
        )
    }));
    findings
}

fn understood(card: &UpstreamCard, declared: &Url) -> Vec<Interface> {
    let has_tls = declared.scheme() == "https";
    let read = |interface: &doorward_protocol::a2a::card::Interface| {
        let target = interface.target(has_tls)?;
        let base = target.as_str().trim_end_matches('/').to_owned();
        // What the operator declares is trusted at exactly its host and port; where a card leads is not.
        let trust = if target.origin() == declared.origin() { Trust::Declared } else { Trust::Guarded };
        Some(Interface {
            binding: interface.binding?,
            version: interface.version?,
            tenant: interface.tenant.clone(),
            uri: target.as_str().parse().ok()?,
            base,
            trust,
        })
    };
    card.usable().filter_map(read).collect()
}

impl Interface {
    /// Its URL, as the card has it.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// An address below it.
    pub(crate) fn below(&self, path: &str) -> Option<Uri> {
        format!("{}{path}", self.base).parse().ok()
    }

    /// How payloads are written there.
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect::of(self.version, self.binding)
    }

    /// Whether it is at the origin of what the operator declares, or at that of `resource`.
    pub(crate) fn is_declared_or_at(&self, resource: &Url) -> bool {
        let is_there = |base: Url| base.origin() == resource.origin();
        self.trust == Trust::Declared || Url::parse(&self.base).is_ok_and(is_there)
    }

    /// The protocol below.
    pub(crate) fn protocol(&self) -> Protocol {
        match self.binding {
            Binding::Grpc => Protocol::Http2,
            Binding::JsonRpc | Binding::HttpJson => Protocol::Http1OrAlpn,
        }
    }

    /// What records call it.
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.binding.word(), self.version)
    }
}

impl Approved {
    /// The interface at which the least has to be translated, of those that `may` be used; among equals the card's order
    /// decides (section 8.3.2).
    pub(crate) fn choose(
        &self,
        version: Version,
        binding: Binding,
        may: impl Fn(&Interface) -> bool,
    ) -> Option<&Interface> {
        let differences = |interface: &&Interface| {
            let is_other_dialect = interface.dialect() != Dialect::of(version, binding);
            let is_grpc = (interface.binding == Binding::Grpc) != (binding == Binding::Grpc);
            (is_other_dialect, is_grpc, interface.version != version, interface.binding != binding)
        };
        // The first of the least: `min_by_key` takes the first of equals.
        self.interfaces.iter().filter(|interface| may(interface)).min_by_key(differences)
    }
}

#[cfg(test)]
mod tests {
    use doorward_model::Timestamp;

    use super::*;

    fn approved(interfaces: &[(&str, &str, &str)]) -> Approved {
        let interfaces: Vec<_> = interfaces
            .iter()
            .map(|(binding, version, url)| {
                serde_json::json!({"url": url, "protocolBinding": binding, "protocolVersion": version})
            })
            .collect();
        let card = card(&serde_json::json!(interfaces));
        let interfaces = usable(&card, &declared());
        Approved { card, digest: String::new(), since: Timestamp::from_secs(0), interfaces }
    }

    fn card(interfaces: &serde_json::Value) -> UpstreamCard {
        let card = serde_json::json!({
            "name": "Helper", "description": "Helps.", "version": "1", "supportedInterfaces": interfaces,
            "capabilities": {}, "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
            "skills": [{"id": "help", "name": "Help", "description": "Helps.", "tags": ["help"]}],
        });
        let document = super::super::document(card.to_string().into()).expect("a document");
        doorward_protocol::a2a::card::read(&document).expect("a card")
    }

    fn declared() -> Url {
        Url::parse("http://127.0.0.1:9999/.well-known/agent-card.json").expect("a URL")
    }

    #[test]
    fn the_interface_that_needs_the_least_translation_is_taken() {
        let all = approved(&[
            ("GRPC", "1.0", "127.0.0.1:9999"),
            ("JSONRPC", "0.3", "http://127.0.0.1:9999/old"),
            ("HTTP+JSON", "1.0", "http://127.0.0.1:9999/rest/"),
            ("JSONRPC", "1.0", "http://127.0.0.1:9999/rpc"),
        ]);
        let chosen = |version, binding| all.choose(version, binding, |_| true).map(Interface::label);
        assert_eq!(chosen(Version::V1_0, Binding::JsonRpc).as_deref(), Some("jsonrpc 1.0"));
        assert_eq!(chosen(Version::V1_0, Binding::HttpJson).as_deref(), Some("http+json 1.0"));
        assert_eq!(chosen(Version::V1_0, Binding::Grpc).as_deref(), Some("grpc 1.0"));
        assert_eq!(chosen(Version::V0_3, Binding::JsonRpc).as_deref(), Some("jsonrpc 0.3"));
        assert_eq!(chosen(Version::V0_3, Binding::HttpJson).as_deref(), Some("jsonrpc 0.3"));
        let rest =
            all.choose(Version::V1_0, Binding::HttpJson, |_| true).and_then(|rest| rest.below("/tasks"));
        assert_eq!(rest.expect("a URI").to_string(), "http://127.0.0.1:9999/rest/tasks");
    }

    #[test]
    fn interfaces_of_other_tenants_are_left_out_and_told() {
        let card = |tenants: &[&str]| {
            let interfaces: Vec<_> = tenants
                .iter()
                .enumerate()
                .map(|(at, tenant)| {
                    serde_json::json!({
                        "url": format!("http://127.0.0.1:9999/{at}"), "protocolBinding": "JSONRPC",
                        "protocolVersion": "1.0", "tenant": tenant,
                    })
                })
                .collect();
            card(&serde_json::json!(interfaces))
        };
        let declared = declared();
        let used = |tenants: &[&str]| {
            let bases = usable(&card(tenants), &declared).into_iter().map(|interface| interface.base);
            bases.map(|base| base.trim_start_matches("http://127.0.0.1:9999/").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(used(&["a", "b", "a", ""]), ["0", "2"]);
        assert_eq!(used(&["", "b", ""]), ["0", "2"]);
        assert!(findings(&card(&["a", "a"]), &declared).is_empty());
        assert_eq!(
            findings(&card(&["a", "b"]), &declared),
            ["is not used, for its tenant is not that of the first: jsonrpc 1.0 at http://127.0.0.1:9999/1"]
        );
    }

    #[test]
    fn only_the_declared_host_and_port_are_trusted() {
        let all = approved(&[
            ("JSONRPC", "1.0", "http://127.0.0.1:9999/rpc"),
            ("JSONRPC", "1.0", "http://127.0.0.1:9998/rpc"),
            ("JSONRPC", "1.0", "https://127.0.0.1:9999/rpc"),
        ]);
        let trust: Vec<_> = all.interfaces.iter().map(|interface| interface.trust).collect();
        assert_eq!(trust, [Trust::Declared, Trust::Guarded, Trust::Guarded]);
        assert_eq!(
            findings(&all.card, &declared()),
            [
                "leads to another origin: jsonrpc 1.0 at http://127.0.0.1:9998/rpc",
                "leads to another origin: jsonrpc 1.0 at https://127.0.0.1:9999/rpc"
            ]
        );
    }
}
