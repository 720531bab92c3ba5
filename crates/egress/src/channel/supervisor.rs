//! When something that keeps failing may be started again: a crash loop is to be seen, not to be busy.
//!
//! A state machine without a clock, a task or a process of its own.

use std::time::{Duration, Instant};

/// The first wait after an early exit; each further one in a row is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// An exit before this time is an early one.
const EARLY: Duration = Duration::from_secs(10);

/// Says when a start may be tried. Several instances of the same thing may share one: what one of them runs
/// into, the others would too.
#[derive(Debug, Clone, Default)]
pub struct Supervisor {
    /// Early exits in a row.
    failures: u32,
    wait_until: Option<Instant>,
    running: u32,
}

/// What a [`Supervisor`] knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartState {
    /// Nothing runs, and a start may be tried.
    Ready,
    /// This many run.
    Running(u32),
    /// The last ones exited early; no start before that moment.
    Waiting {
        /// Early exits in a row.
        failures: u32,
        /// When a start may be tried again.
        until: Instant,
    },
}

impl Supervisor {
    /// One that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a start may be tried now.
    pub fn may_start(&self, now: Instant) -> bool {
        self.wait_until.is_none_or(|until| now >= until)
    }

    /// A start is being tried. Each call is followed by one of [`Self::exited`] or [`Self::stopped`], also when
    /// the start itself fails.
    pub fn started(&mut self) {
        self.running += 1;
    }

    /// It exited of itself after that time, or could not be started (after no time). Exits while a wait is on
    /// already, of others that were running, do not make it longer.
    pub fn exited(&mut self, now: Instant, ran_for: Duration) {
        self.running = self.running.saturating_sub(1);
        if ran_for >= EARLY {
            self.succeeded();
        } else if self.may_start(now) {
            let doublings = self.failures.min(16);
            self.failures = self.failures.saturating_add(1);
            let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
            self.wait_until = Some(now + wait);
        }
    }

    /// It was ended on purpose: no failure, and no proof that it works.
    pub fn stopped(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// It has been seen to work: the next early exit is the first one again.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.wait_until = None;
    }

    /// What is the case now.
    pub fn state(&self, now: Instant) -> StartState {
        match self.wait_until {
            Some(until) if now < until => StartState::Waiting { failures: self.failures, until },
            _ if self.running > 0 => StartState::Running(self.running),
            _ => StartState::Ready,
        }
    }
}

#[cfg(test)]
mod tests;
