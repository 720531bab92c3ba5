//! Upstreams that keep ending: when they are started again, and that somebody sees it.
//!
//! How long a start waits is the [`Supervisor`]'s to say. Here is what is remembered for people: how often, how, and
//! since when, in the log once, in a metric always, and in the error of each start that has to wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use doorward_egress::{Cause, ChannelError, Ending, StartState, Supervisor};
use doorward_model::Name;

use crate::{metrics::Ends, routes::Published};

/// From this many ends in a row on, it is a loop, and the log says so.
const LOOP: u32 = 3;

/// All upstreams that were started, by identity.
pub(super) struct Restarts {
    known: Mutex<HashMap<String, Known>>,
    ends: Ends,
}

/// What is known of one upstream.
#[derive(Default)]
struct Known {
    supervisor: Supervisor,
    row: Option<Row>,
}

/// Ends in a row.
struct Row {
    since: Instant,
    last: String,
    is_said: bool,
}

/// A start has to wait, because the ones before it ended early.
#[derive(Debug, thiserror::Error)]
#[error("it keeps ending: {last}, {}; the next start waits {}", how_often(*.times, *.within), span(*.wait))]
pub(crate) struct KeepsEnding {
    last: String,
    times: u32,
    within: Duration,
    wait: Duration,
}

/// A start that was admitted; it has to be told how it ended.
pub(super) struct Start {
    restarts: Arc<Restarts>,
    upstream: Name,
    identity: String,
    began: Instant,
}

impl Restarts {
    pub(super) fn new(ends: Ends) -> Self {
        Self { known: Mutex::default(), ends }
    }

    /// Whether an upstream may be started now.
    pub(super) fn admit(self: &Arc<Self>, published: &Published) -> Result<Start, KeepsEnding> {
        let (identity, now) = (published.identity.clone(), Instant::now());
        let mut all = self.known();
        let known = all.entry(identity.clone()).or_default();
        if let StartState::Waiting { failures, until } = known.supervisor.state(now) {
            return Err(known.keeps_ending(failures, until, now));
        }
        known.supervisor.started();
        let upstream = published.server.upstream.name.clone();
        Ok(Start { restarts: Arc::clone(self), upstream, identity, began: now })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn keeps_ending(&self, times: u32, until: Instant, now: Instant) -> KeepsEnding {
        let (last, since) = self.row.as_ref().map_or(("", now), |row| (&row.last, row.since));
        KeepsEnding { last: last.to_owned(), times, within: now - since, wait: until - now }
    }

    /// Takes an end into account; what to say of it, when it makes a loop.
    fn ended(&mut self, last: String, now: Instant, ran_for: Duration) -> Option<KeepsEnding> {
        self.supervisor.exited(now, ran_for);
        let StartState::Waiting { failures, until } = self.supervisor.state(now) else {
            self.row = None;
            return None;
        };
        let row = self.row.get_or_insert_with(|| Row { since: now, last: String::new(), is_said: false });
        row.last = last;
        if failures == 1 {
            (row.since, row.is_said) = (now, false);
        }
        let says = failures >= LOOP && !row.is_said;
        row.is_said |= says;
        says.then(|| self.keeps_ending(failures, until, now))
    }
}

impl Start {
    /// It ran, and ended like this.
    pub(super) fn ended(self, ending: &Ending) {
        if ending.cause == Cause::Closed {
            if let Some(known) = self.restarts.known().get_mut(&self.identity) {
                known.supervisor.stopped();
            }
            return;
        }
        let how = ending.exit.map_or_else(|| ending.cause.to_string(), |exit| exit.to_string());
        let ran_for = self.began.elapsed();
        self.note(how, ran_for);
    }

    /// It could not be started.
    pub(super) fn failed(self, error: &ChannelError) {
        self.note(error.to_string(), Duration::ZERO);
    }

    fn note(self, how: String, ran_for: Duration) {
        self.restarts.ends.count(&self.upstream);
        let mut all = self.restarts.known();
        let known = all.entry(self.identity).or_default();
        if let Some(error) = known.ended(how, Instant::now(), ran_for) {
            tracing::warn!(upstream = %self.upstream, %error, "an upstream keeps ending");
        }
    }
}

fn how_often(times: u32, within: Duration) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times in {}", span(within)) }
}

/// For people: whole seconds, or minutes.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{} s", seconds.max(1)),
        seconds => format!("{} minutes", seconds / 60),
    }
}

#[cfg(test)]
mod tests;
