//! What upstreams and agents do wrong, in words and codes.

/// What an upstream did wrong.
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
        }
    }
}
