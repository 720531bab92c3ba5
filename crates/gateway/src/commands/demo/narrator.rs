//! What the terminal shows, and the count of what holds.
//!
//! The narrator believes nobody: a tick is printed for a comparison that was true, and for nothing else.

use std::{fmt::Debug, io::Write};

/// Prints the story and keeps the score.
pub(super) struct Narrator<'w> {
    out: &'w mut dyn Write,
    colours: bool,
    step: u32,
    held: u32,
    failed: Vec<String>,
}

/// SGR parameters (ECMA-48).
const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const RED: &str = "31";

impl<'w> Narrator<'w> {
    /// Starts with nothing checked.
    pub(super) fn new(out: &'w mut dyn Write, colours: bool) -> Self {
        Self { out, colours, step: 0, held: 0, failed: Vec::new() }
    }

    /// A line as it is.
    pub(super) fn line(&mut self, line: &str) {
        // A reader that stopped reading is no failure: the exit code still tells.
        let _ = writeln!(self.out, "{line}");
    }

    /// The title.
    pub(super) fn opening(&mut self) {
        let title = self.paint(BOLD, "Doorward: one governed door for AI agents");
        self.line(&title);
        self.line("A gateway, two MCP servers, an A2A agent and an issuer of JWTs start in this process, on free ports of 127.0.0.1.");
        self.line("Every ✓ is a comparison with what really came back over a socket.");
    }

    /// The next step, and in one line what it is about.
    pub(super) fn step(&mut self, title: &str, explanation: &str) {
        self.step += 1;
        let title = self.paint(BOLD, &format!("{}. {title}", self.step));
        self.line(&format!("\n{title}"));
        self.line(&format!("   {explanation}"));
    }

    /// Evidence: what was sent, what came back, what was configured.
    pub(super) fn show(&mut self, evidence: &str) {
        for line in evidence.lines() {
            let line = if line.is_empty() { String::new() } else { self.paint(DIM, &format!("     {line}")) };
            self.line(&line);
        }
    }

    /// Checks that a claim holds.
    pub(super) fn check(&mut self, claim: &str, holds: bool) {
        if holds {
            self.held += 1;
            let tick = self.paint(GREEN, "✓");
            self.line(&format!("   {tick} {claim}"));
        } else {
            self.failed.push(format!("step {}: {claim}", self.step));
            let cross = self.paint(RED, "✗");
            self.line(&format!("   {cross} {claim}"));
        }
    }

    /// Checks that a value is the expected one; shows both when it is not.
    pub(super) fn check_eq<T: PartialEq + Debug>(&mut self, claim: &str, found: &T, expected: &T) {
        let holds = found == expected;
        self.check(claim, holds);
        if !holds {
            self.show(&format!("  expected {expected:?}\n  found    {found:?}"));
        }
    }

    /// Notes that a step could not be told to its end.
    pub(super) fn broke_off(&mut self, error: &anyhow::Error) {
        self.check(&format!("the step could not be finished: {error:#}"), false);
    }

    /// The last words. Says whether everything held, which nothing at all does not.
    pub(super) fn summary(&mut self) -> bool {
        self.outcome();
        self.line(
            "\nWhat to do next, with an MCP server or an agent of your own:\n  \
             doorward check --config gateway.example.toml    report all mistakes of a configuration\n  \
             doorward serve --config gateway.example.toml    run the gateway\n  \
             docs/guide                                      the guide",
        );
        self.holds()
    }

    /// Whether everything that was checked holds; nothing at all does not count.
    fn holds(&self) -> bool {
        self.failed.is_empty() && self.held > 0
    }

    fn outcome(&mut self) {
        let all = self.held as usize + self.failed.len();
        let (colour, words) = match (self.holds(), self.failed.len()) {
            (true, _) => (GREEN, format!("All {all} checks hold.")),
            (false, 0) => (RED, "Nothing was checked.".to_owned()),
            (false, failed) => (RED, format!("{failed} of {all} checks do not hold:")),
        };
        let words = self.paint(colour, &words);
        self.line(&format!("\n{words}"));
        for claim in self.failed.clone() {
            self.line(&format!("  {claim}"));
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
