//! Questions to the person at the terminal, and passwords that do not show there.
//!
//! A terminal means standard input: what is piped in is never taken for an answer unless the command line says so.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use anyhow::{Context as _, bail};
use doorward_model::Secret;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Longest line that is read, in bytes.
const MAX_LINE: usize = 4096;
/// What Ctrl-C sends.
const INTERRUPT: u8 = 3;

/// A new password: all of standard input, or asked for twice at the terminal.
pub(crate) fn new_password(from_stdin: bool) -> anyhow::Result<Secret> {
    if from_stdin {
        return piped_password();
    }
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to ask for a password at; pipe it in with --password-stdin");
    }
    let password = ask_quietly("Password: ")?;
    let again = ask_quietly("The same again: ")?;
    if password.expose() == again.expose() {
        Ok(password)
    } else {
        bail!("these were two different passwords; nothing was changed");
    }
}

/// Whether the person at the terminal says yes.
pub(crate) fn confirm(question: &str, instead: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to ask at; say {instead} if it is meant");
    }
    prompt(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Standard input without the line end that `echo` and editors leave.
fn piped_password() -> anyhow::Result<Secret> {
    // As large as it gets, so that no copy stays behind.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_LINE + 1));
    io::stdin().lock().take(MAX_LINE as u64 + 1).read_to_end(&mut text)?;
    if text.len() > MAX_LINE {
        bail!("this is longer than any password: {MAX_LINE} bytes are taken");
    }
    let line = text.strip_suffix(b"\n").unwrap_or(&text);
    secret(line.strip_suffix(b"\r").unwrap_or(line))
}

fn ask_quietly(question: &str) -> anyhow::Result<Secret> {
    let quiet = Quiet::begin().context("the terminal cannot be made to hide what is typed")?;
    prompt(question)?;
    let mut line = Zeroizing::new([0; MAX_LINE]);
    // A terminal that reads by lines gives one line at a time.
    let length = rustix::io::read(io::stdin(), &mut *line)?;
    drop(quiet);
    let Some((end, typed)) = line[..length].split_last() else { bail!("nothing was typed") };
    match *end {
        b'\n' => secret(typed),
        INTERRUPT => bail!("interrupted; nothing was changed"),
        _ => bail!("the line does not end"),
    }
}

fn secret(bytes: &[u8]) -> anyhow::Result<Secret> {
    let text = std::str::from_utf8(bytes).context("a password is UTF-8 text")?;
    Ok(Secret::new(text.to_owned()))
}

/// Questions are not data: they go to standard error.
fn prompt(question: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn begin() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut modes = before.clone();
        modes.local_modes.insert(LocalModes::ICANON | LocalModes::ECHONL);
        // Without signals nobody leaves the terminal mute; Ctrl-C ends the line instead.
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(&stdin, OptionalActions::Flush, &modes)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone needs no repair.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
