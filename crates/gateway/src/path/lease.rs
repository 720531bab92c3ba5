//! How long what a credential opened may stay open: an endless stream ends with it.

use std::{future, sync::Arc};

use doorward_model::Timestamp;

use crate::{App, own_tokens::OwnToken, people::admission};

/// What a stream lives on.
#[derive(Debug, Clone)]
pub(super) enum Lease {
    /// Nobody was asked for a credential.
    Unlimited,
    /// A credential that nobody takes back.
    Until(Timestamp),
    /// A token of Doorward's, which can be revoked.
    Own(Arc<OwnToken>),
}

impl Lease {
    /// Whether it has expired, or nobody vouches any more for whom it was given to.
    pub(super) fn has_ended(&self, app: &App) -> bool {
        match self {
            Self::Unlimited => false,
            Self::Until(expires) => *expires <= app.clock().now(),
            Self::Own(token) => {
                token.expires <= app.clock().now() || !admission::vouches_for(&app.routes().snapshot, token)
            }
        }
    }

    /// Done as soon as it is taken back. That it expires is for [`Self::has_ended`] to notice.
    pub(super) async fn revoked(&self, app: &App) {
        match self {
            Self::Own(token) => app.own_tokens().revoked(token).await,
            Self::Unlimited | Self::Until(_) => future::pending().await,
        }
    }
}
