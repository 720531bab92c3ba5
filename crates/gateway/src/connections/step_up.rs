//! Scopes that an upstream asked for beyond what was granted (2026-07-28, authorization, scope challenges).
//!
//! What was asked for is noted with the connection, so that connecting again asks for the union. Whether to lead a person
//! there once more is bounded: an upstream that is never content is told to be so.

use doorward_auth::client::scope::ScopeList;
use doorward_model::Timestamp;
use serde::{Deserialize, Serialize};

/// How often a person is led to connect again for the same scopes within [`WINDOW`].
const MOST: usize = 3;
/// In seconds.
const WINDOW: i64 = 3600;
/// How many challenges are remembered.
const REMEMBERED: usize = 16;

/// The challenges of the last hour, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct StepUps(Vec<Step>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Step {
    scopes: String,
    at: i64,
}

impl StepUps {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes a challenge; false when the same was asked for too often already.
    pub(super) fn note(&mut self, challenged: &ScopeList, now: Timestamp) -> bool {
        self.forget(now);
        let scopes = challenged.to_string();
        if self.0.iter().filter(|step| step.scopes == scopes).count() >= MOST {
            return false;
        }
        if self.0.len() >= REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(Step { scopes, at: now.as_secs() });
        true
    }

    /// All that was challenged.
    pub(super) fn wished(&self, now: Timestamp) -> ScopeList {
        let recent = self.0.iter().filter(|step| is_recent(step, now));
        let lists = recent.filter_map(|step| ScopeList::parse(&step.scopes));
        lists.fold(ScopeList::default(), |all, scopes| all.union(&scopes))
    }

    fn forget(&mut self, now: Timestamp) {
        self.0.retain(|step| is_recent(step, now));
    }
}

fn is_recent(step: &Step, now: Timestamp) -> bool {
    step.at > now.as_secs() - WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> ScopeList {
        ScopeList::parse(text).unwrap_or_default()
    }

    #[test]
    fn the_same_scopes_are_asked_for_three_times_an_hour() {
        let (mut steps, now) = (StepUps::default(), Timestamp::from_secs(1_000_000));
        for _ in 0..MOST {
            assert!(steps.note(&scopes("files:write"), now));
        }
        assert!(!steps.note(&scopes("files:write"), now));
        assert!(steps.note(&scopes("files:admin"), now), "others are others");
        assert!(steps.note(&scopes("files:write"), now.plus_secs(WINDOW)), "an hour later it may help");
    }

    #[test]
    fn what_was_challenged_is_wished_together() {
        let (mut steps, now) = (StepUps::default(), Timestamp::from_secs(1_000_000));
        steps.note(&scopes("a b"), now);
        steps.note(&scopes("b c"), now);
        assert_eq!(steps.wished(now).to_string(), "a b c");
        assert!(steps.wished(now.plus_secs(WINDOW)).is_empty());
    }

    #[test]
    fn little_is_remembered() {
        let (mut steps, now) = (StepUps::default(), Timestamp::from_secs(1_000_000));
        for n in 0..100 {
            steps.note(&scopes(&format!("s{n}")), now);
        }
        assert_eq!(steps.0.len(), REMEMBERED);
    }
}
