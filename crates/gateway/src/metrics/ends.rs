//! How often children and streams of upstreams ended by themselves. Why is told by the log and by records.

use doorward_model::Name;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::Label;

/// The label of one upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfUpstream {
    upstream: Label,
}

/// Counts them, by upstream.
#[derive(Debug, Clone)]
pub(crate) struct Ends(Family<OfUpstream, Counter>);

impl Ends {
    pub(super) fn new(counters: Family<OfUpstream, Counter>) -> Self {
        Self(counters)
    }

    /// One ended, or could not be started.
    pub(crate) fn count(&self, upstream: &Name) {
        self.0.get_or_create_owned(&OfUpstream { upstream: Label::new(upstream.to_string()) }).inc();
    }
}
