//! The operator's file: from TOML to [`Settings`] and a [`Snapshot`], with every mistake in one run.
//!
//! Pure: it binds and connects nothing, and reads variables and secret files only through [`Environment`].
//! It knows nothing of what is kept in the store, and never creates a file (a missing master key is made by
//! whoever starts the program). Reading in order: the text becomes a tree with places, the command line and the
//! `DOORWARD_…` variables are written over it, every section reads its own keys, and the virtual servers are
//! published from what the sections declare.

mod address;
mod context;
mod environment;
mod export;
mod mistake;
mod overrides;
mod publish;
mod quantity;
mod reference;
pub mod rules;
mod section;
mod sections;
mod settings;
mod suggest;
mod tree;

pub use environment::{Environment, Overrides, StoredSecrets};
pub use mistake::{Mistake, Mistakes, Origin, Warning};
pub use reference::reference_markdown;
pub use settings::{Document, Durability, Listen, Loaded, MasterKeySource, Records, Settings, StoreUrl, Tls};
pub use suggest::did_you_mean;

use std::time::Duration;

use context::Context;
#[cfg(doc)]
use doorward_model::Snapshot;

/// Reads a configuration file's `text`; `file_name` is what complaints call it.
///
/// # Errors
/// All mistakes of the file, its overrides and the secrets that it refers to, in the order of the file.
pub fn parse(text: &str, file_name: &str, env: &Environment<'_>) -> Result<Loaded, Mistakes> {
    let context = Context::new(text, file_name, env);
    let mut root = tree::read(text, &context);
    overrides::apply(&mut root, &context);
    let read = if context.is_unreadable() { None } else { sections::read(&root, &context) };
    overrides::warn_of_unknown(&context);
    let (mistakes, warnings) = context.finish();
    match read {
        Some((settings, snapshot)) if mistakes.is_empty() => {
            Ok(Loaded { settings, snapshot, warnings, document: Document::new(root) })
        }
        _ => Err(Mistakes { mistakes, warnings }),
    }
}

/// What `serve` uses without a file: 127.0.0.1:8420, and SQLite and the master key under `doorward-data/` in the
/// base directory. Variables and the command line count here too.
///
/// # Errors
/// Mistakes in variables and on the command line.
pub fn defaults(env: &Environment<'_>) -> Result<Loaded, Mistakes> {
    parse("", "(defaults)", env)
}

/// A duration as the file writes it: a whole number of ms, s, m, h or d.
///
/// # Errors
/// What is expected, for the person who wrote it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    quantity::duration(text).map_err(|complaint| complaint.message)
}

/// The whole configuration, overrides included, as one TOML document that [`parse`] reads to the same snapshot.
///
/// Secrets are shown as the references they were given by; a password in a plain `store.url` is left out.
pub fn export(loaded: &Loaded) -> String {
    export::document(&loaded.document)
}
