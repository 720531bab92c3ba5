//! Why upstreams and agents give no answer, in words and codes.

use doorward_model::Fault;

/// What an upstream did wrong; or that Doorward has nothing to present to it, which is its own fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpstreamFailure {
    Unreachable,
    Timeout,
    Broken,
    TooLarge,
    Invalid,
    Unauthorized,
    Redirect,
    Status(u16),
    NoCredential,
}

impl UpstreamFailure {
    /// What the caller is told; `kind` is what it is that is called `name`.
    pub(super) fn message(self, kind: &str, name: &str) -> String {
        let what = match self {
            Self::Unreachable => "cannot be reached".into(),
            Self::Timeout => "did not answer in time".into(),
            Self::Broken => "broke off its answer".into(),
            Self::TooLarge => "sent more than the limit".into(),
            Self::Invalid => "sent something that is not a valid answer".into(),
            Self::Unauthorized => "refused the credential that is configured for it".into(),
            Self::Redirect => "answered with a redirect, which is never followed".into(),
            Self::Status(status) => format!("answered with HTTP status {status}"),
            Self::NoCredential => "cannot be asked: a credential for it is missing here".into(),
        };
        format!("{kind} `{name}` {what}")
    }

    /// Its code in records.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "upstream_unreachable",
            Self::Timeout => "upstream_timeout",
            Self::Broken => "upstream_broken",
            Self::TooLarge => "upstream_too_large",
            Self::Invalid => "upstream_invalid",
            Self::Unauthorized => "upstream_unauthorized",
            Self::Redirect => "upstream_redirect",
            Self::Status(_) => "upstream_status",
            Self::NoCredential => "upstream_no_credential",
        }
    }

    /// Whose fault it is.
    pub(super) fn fault(self) -> Fault {
        if self == Self::NoCredential { Fault::Gateway } else { Fault::Upstream }
    }
}
