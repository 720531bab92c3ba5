//! What a child says on its standard error, brought into our log: cut, counted, and without the secrets that it
//! was given.

use std::time::{Duration, Instant};

use doorward_model::{Command, Secret};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much of a line is kept while it is read, in bytes.
const KEPT: usize = 8 << 10;
/// How much of a line is logged, in characters.
const LOGGED: usize = 2 << 10;
/// Shorter values (`1`, `true`) are no secrets, and would make holes in every line.
const SHORTEST_SECRET: usize = 6;

/// Brings lines to the log.
pub(super) struct Log {
    name: String,
    secrets: Vec<Secret>,
    rate: Rate,
}

impl Log {
    pub(super) fn new(name: &str, command: &Command, per_second: u32) -> Self {
        let values = command.env.iter().flat_map(|(_, value)| value.expose().lines());
        let mut secrets: Vec<Secret> = values
            .map(str::trim)
            .filter(|line| line.len() >= SHORTEST_SECRET)
            .map(|line| Secret::new(line.to_owned()))
            .collect();
        // A secret that contains another goes first, or its rest would stay.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self { name: name.to_owned(), secrets, rate: Rate::new(per_second) }
    }

    /// Reads to the end.
    pub(super) async fn run<R: AsyncRead + Unpin>(self, stderr: R) {
        let name = self.name.clone();
        self.relay(stderr, |line| match line {
            Said::Line(text) => tracing::info!(upstream = %name, text, "the command says"),
            Said::LeftOut(lines) => {
                tracing::info!(upstream = %name, lines, "the command says more than is logged");
            }
        })
        .await;
    }

    async fn relay<R: AsyncRead + Unpin>(mut self, mut stderr: R, mut say: impl FnMut(Said)) {
        let mut chunk = [0; 4 << 10];
        let mut line = Vec::new();
        loop {
            let read = stderr.read(&mut chunk).await.unwrap_or(0);
            for byte in &chunk[..read] {
                match byte {
                    b'\n' => self.finish(&mut line, &mut say),
                    _ if line.len() < KEPT => line.push(*byte),
                    _ => {}
                }
            }
            if read == 0 {
                break;
            }
        }
        self.finish(&mut line, &mut say);
        if let Some(lines) = self.rate.left_out() {
            say(Said::LeftOut(lines));
        }
    }

    fn finish(&mut self, line: &mut Vec<u8>, say: &mut impl FnMut(Said)) {
        if line.trim_ascii().is_empty() {
            line.clear();
            return;
        }
        let (admitted, left_out) = self.rate.admit(Instant::now());
        if let Some(lines) = left_out {
            say(Said::LeftOut(lines));
        }
        if admitted {
            say(Said::Line(self.clean(line)));
        }
        line.clear();
    }

    /// One line of plain text, without the secrets, of a bounded length.
    fn clean(&self, line: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(line).into_owned();
        for secret in &self.secrets {
            if text.contains(secret.expose()) {
                text = text.replace(secret.expose(), "[secret]");
            }
        }
        // Where the line was cut, a secret may have been cut in two: what could be its beginning goes too.
        let cut = line.len() == KEPT;
        let longest = self.secrets.first().map_or(0, |secret| secret.expose().len());
        let length = text.chars().count().saturating_sub(if cut { longest } else { 0 }).min(LOGGED);
        text.trim_end().chars().take(length).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

/// What comes to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Line(String),
    LeftOut(u64),
}

/// So many per second, and how many were too many.
#[derive(Debug)]
struct Rate {
    per_second: u32,
    second: Option<Instant>,
    admitted: u32,
    left_out: u64,
}

impl Rate {
    fn new(per_second: u32) -> Self {
        Self { per_second, second: None, admitted: 0, left_out: 0 }
    }

    /// Whether one more may pass; with it, at the start of a second, how many were left out in the last one.
    fn admit(&mut self, now: Instant) -> (bool, Option<u64>) {
        let mut left_out = None;
        if self.second.is_none_or(|second| now.duration_since(second) >= Duration::from_secs(1)) {
            self.second = Some(now);
            self.admitted = 0;
            left_out = self.left_out();
        }
        let admitted = self.admitted < self.per_second;
        self.admitted += u32::from(admitted);
        self.left_out += u64::from(!admitted);
        (admitted, left_out)
    }

    fn left_out(&mut self) -> Option<u64> {
        let left_out = std::mem::take(&mut self.left_out);
        (left_out > 0).then_some(left_out)
    }
}

#[cfg(test)]
mod tests;
