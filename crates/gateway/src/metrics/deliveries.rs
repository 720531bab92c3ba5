//! Deliveries to webhooks, counted where something becomes of them: they belong to no request.

use doorward_model::Name;
use prometheus_client::encoding::EncodeLabelSet;

use super::{Label, Metrics};

/// What becomes of a delivery to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Queued,
    Delivered,
    /// An attempt failed; there is another one.
    Failed,
    GivenUp,
}

impl Delivery {
    fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfDelivery {
    server: Label,
    outcome: &'static str,
}

impl Metrics {
    /// Something became of a delivery to a webhook.
    pub(crate) fn delivery(&self, agent: &Name, delivery: Delivery) {
        let of = OfDelivery { server: Label::new(format!("a2a/{agent}")), outcome: delivery.word() };
        self.deliveries.get_or_create_owned(&of).inc();
    }
}
