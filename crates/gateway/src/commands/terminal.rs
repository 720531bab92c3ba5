//! Questions to the person at the terminal, and passwords that do not show there.
//!
//! A terminal means standard input: what is piped in is never taken for an answer unless the command line says so.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use anyhow::{Context as _, bail};
use doorward_model::Secret;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::secrets;

/// Longest line that is read, in bytes.
const MAX_LINE: usize = 4096;
/// What Ctrl-C sends.
const INTERRUPT: u8 = 3;

/// A new password: all of standard input, or asked for twice at the terminal.
pub(crate) fn new_password(from_stdin: bool) -> anyhow::Result<Secret> {
    if from_stdin {
        return piped(MAX_LINE, "a password");
    }
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to ask for a password at; pipe it in with --password-stdin");
    }
    let password = ask_quietly("Password: ", "a password")?;
    let again = ask_quietly("The same again: ", "a password")?;
    if password.expose() == again.expose() {
        Ok(password)
    } else {
        bail!("these were two different passwords; nothing was changed");
    }
}

/// A secret that others made: all of standard input, or asked for at the terminal.
pub(crate) fn secret_of_others(from_stdin: bool) -> anyhow::Result<Secret> {
    if from_stdin {
        return piped(secrets::LONGEST, "a secret");
    }
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to ask for the secret at; pipe it in with --stdin");
    }
    ask_quietly("Secret: ", "a secret")
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
fn piped(longest: usize, what: &str) -> anyhow::Result<Secret> {
    // As large as it gets, with room for the line end, so that no copy stays behind.
    let most = longest + 2;
    let mut text = Zeroizing::new(Vec::with_capacity(most + 1));
    io::stdin().lock().take(most as u64 + 1).read_to_end(&mut text)?;
    let line = text.strip_suffix(b"\n").unwrap_or(&text);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > longest {
        bail!("this is too long for {what}: {longest} bytes are taken");
    }
    secret(line, what)
}

fn ask_quietly(question: &str, what: &str) -> anyhow::Result<Secret> {
    let quiet = Quiet::begin().context("the terminal cannot be made to hide what is typed")?;
    prompt(question)?;
    let mut line = Zeroizing::new([0; MAX_LINE]);
    // A terminal that reads by lines gives one line at a time.
    let length = rustix::io::read(io::stdin(), &mut *line)?;
    drop(quiet);
    let Some((end, typed)) = line[..length].split_last() else { bail!("nothing was typed") };
    match *end {
        b'\n' => secret(typed, what),
        INTERRUPT => bail!("interrupted; nothing was changed"),
        _ => bail!("the line does not end"),
    }
}

fn secret(bytes: &[u8], what: &str) -> anyhow::Result<Secret> {
    let text = std::str::from_utf8(bytes).with_context(|| format!("{what} is UTF-8 text"))?;
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
