//! What a caller wants deliveries to carry. At rest it is sealed, in a row of its own.

use doorward_auth::keys::Envelope;
use doorward_model::Secret;
use doorward_store::PushConfig;
use serde_json::{Value, json};

/// What deliveries to one webhook carry.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    /// For `X-A2A-Notification-Token`.
    pub(crate) token: Option<Secret>,
    /// For `Authorization`, before the credentials. Not secret.
    pub(crate) scheme: Option<String>,
    /// For `Authorization`.
    pub(crate) credentials: Option<Secret>,
}

impl Secrets {
    /// Seals them for the webhook of this callback: they open nowhere else.
    pub(crate) fn seal(&self, envelope: &Envelope, callback_hash: &str) -> String {
        let expose = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
        let text = json!({
            "token": expose(&self.token),
            "scheme": self.scheme,
            "credentials": expose(&self.credentials),
        });
        envelope.seal(text.to_string().as_bytes(), &place(callback_hash))
    }

    /// Opens those of a webhook. None when they were not sealed for it.
    pub(crate) fn open(envelope: &Envelope, push: &PushConfig) -> Option<Self> {
        let text = envelope.open(&push.sealed, &place(&push.callback_hash)).ok()?;
        let value: Value = serde_json::from_slice(&text).ok()?;
        let member = |name: &str| value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        Some(Self {
            token: member("token").map(Secret::new),
            scheme: member("scheme"),
            credentials: member("credentials").map(Secret::new),
        })
    }
}

fn place(callback_hash: &str) -> [&[u8]; 3] {
    [b"push_config", callback_hash.as_bytes(), b"sealed"]
}

#[cfg(test)]
mod tests {
    use doorward_auth::keys::envelope::DataKey;
    use doorward_model::{Caller, Name, Timestamp};
    use doorward_store::Owner;

    use super::*;

    fn push(callback_hash: &str, sealed: String) -> PushConfig {
        PushConfig {
            callback_hash: callback_hash.to_owned(),
            agent: Name::parse("helper").expect("a name"),
            task: None,
            config: "c".to_owned(),
            owner: Owner::of(&Caller::Anonymous.key()),
            url: "https://hook.example/".to_owned(),
            sealed,
            dialect: "1.0".to_owned(),
            created: Timestamp::from_secs(0),
        }
    }

    #[test]
    fn what_is_sealed_for_one_webhook_opens_for_no_other() {
        let envelope = Envelope::new(&DataKey::generate(), []);
        let secrets = Secrets {
            token: Some(Secret::new("token-7".to_owned())),
            scheme: Some("Bearer".to_owned()),
            credentials: None,
        };
        let sealed = secrets.seal(&envelope, "one");
        assert!(!sealed.contains("token-7"));
        let opened = Secrets::open(&envelope, &push("one", sealed.clone())).expect("its own");
        assert_eq!(opened.token.as_ref().map(Secret::expose), Some("token-7"));
        assert_eq!((opened.scheme.as_deref(), opened.credentials.is_none()), (Some("Bearer"), true));
        assert!(Secrets::open(&envelope, &push("two", sealed)).is_none());
        assert!(!format!("{secrets:?}").contains("token-7"));
    }
}
