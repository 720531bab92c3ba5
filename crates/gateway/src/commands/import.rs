//! `doorward import`: the `mcp.json` of a desktop client, written as Doorward configuration.
//!
//! The result goes to standard output and nowhere else: a command that a file of somebody else's names is
//! started only after an operator has put it into Doorward's own file. No secret of the file is in the output or
//! in what is said about it; the output refers to variables, and standard error says which to set. What cannot
//! be said in Doorward's configuration is written as a comment, with the reason. Nothing is connected or started.
//!
//! | module | what |
//! |---|---|
//! | `jsonc` | JSON as editors write it, with comments |
//! | `file` | the shapes of the clients' files |
//! | `names` | names of upstreams and of variables |
//! | `secrets` | what must not be written down |
//! | `references` | `${…}` in the file |
//! | `convert` | one server of the file as an upstream and a virtual server |
//! | `block` | the text of those |

mod block;
mod convert;
mod file;
mod jsonc;
mod names;
mod references;
mod secrets;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use doorward_config::Overrides;

use self::{block::Block, convert::Converter, file::File};
use super::{load, say, say_aside};
use crate::cli::ConfigArgs;

/// The longest file, in bytes: larger ones are something else.
const FILE_MAX: u64 = 1 << 20;

/// Prints the configuration, and on standard error what there is to know and to do about it.
pub(crate) fn run(path: &Path, args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let taken = if args.config.is_some() {
        let snapshot = load(args, Overrides::default())?.snapshot;
        snapshot.upstreams.keys().chain(snapshot.servers.keys()).map(ToString::to_string).collect()
    } else {
        BTreeSet::new()
    };
    let called = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let result = read(path).and_then(|bytes| import(&bytes, &called, taken));
    let import = result.with_context(|| format!("cannot import {}", path.display()))?;
    if args.json {
        say(&import.to_json().to_string());
    } else {
        for line in import.aside() {
            say_aside(&line);
        }
        say(import.toml.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// The file, or standard input for `-`.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        return bounded(io::stdin().lock());
    }
    bounded(fs::File::open(path)?)
}

fn bounded(source: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_MAX) {
        bail!("it is larger than 1 MiB, so it is no configuration of MCP servers");
    }
    Ok(bytes)
}

/// What came out of a file.
struct Import {
    toml: String,
    /// The names of the upstreams that are not comments.
    upstreams: Vec<String>,
    /// Each variable to set, and what to.
    variables: Vec<(String, String)>,
    notes: Vec<String>,
}

/// Converts a whole file; `taken` are names that are not free any more.
fn import(bytes: &[u8], called: &str, taken: BTreeSet<String>) -> anyhow::Result<Import> {
    let file = File::read(&jsonc::plain(bytes))?;
    let mut converter = Converter::new(&file, taken);
    let blocks: Vec<Block> = file.servers.iter().map(|server| converter.convert(server)).collect();
    let (variables, mut notes) = converter.finish();
    if !file.ignored.is_empty() {
        notes.push(format!("not read, because it is not about MCP servers: {}", listed(&file.ignored)));
    }
    let mut toml = format!("# From {}, by `doorward import`.\n", shown(called));
    toml.push_str(block::HEAD);
    for block in &blocks {
        toml.push('\n');
        toml.push_str(&block.text());
    }
    let upstreams = blocks.into_iter().filter(|block| !block.is_comment()).map(|block| block.name).collect();
    Ok(Import { toml, upstreams, variables, notes })
}

impl Import {
    fn aside(&self) -> Vec<String> {
        let set = self.variables.iter().map(|(name, what)| format!("set {name}: {what}"));
        let notes = self.notes.iter().map(|note| format!("note: {note}"));
        set.chain(notes).collect()
    }

    fn to_json(&self) -> serde_json::Value {
        let variable = |(name, what): &(String, String)| serde_json::json!({ "name": name, "what": what });
        serde_json::json!({
            "toml": self.toml,
            "upstreams": self.upstreams,
            "variables": self.variables.iter().map(variable).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

/// A text of the file as a line may show it: quoted, without control characters, not too long.
fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
    let mut text = names.iter().take(MOST).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(MOST).filter(|more| *more > 0) {
        text = format!("{text} and {more} more");
    }
    text
}
