//! `cargo xtask tidy`: house rules that no lint knows. All problems are reported, not only the first.

mod crates;
mod licence;
mod source;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run;

/// Finds everything that is against the rules and fails if there is anything.
pub(crate) fn run() -> Result<()> {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for directory in ["crates", "xtask"] {
        rust_files(&run::root().join(directory), &mut files)?;
    }
    files.sort();
    for path in &files {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let shown = path.strip_prefix(run::root()).unwrap_or(path);
        problems.extend(source::problems(shown, &text));
    }
    let manifest = fs::read_to_string(run::root().join("Cargo.toml"))?;
    problems.extend(crates::uncommented(&manifest));
    let metadata = run::output(run::cargo(&["metadata", "--format-version", "1", "--locked"]))
        .context("Cargo.lock does not fit the manifests: run any cargo command and commit the result")?;
    let metadata = serde_json::from_str(&metadata)?;
    problems.extend(crates::problems(&metadata)?);
    problems.extend(crates::unwanted(&crates::Trees::read()?));
    for problem in &problems {
        eprintln!("  {problem}");
    }
    if !problems.is_empty() {
        bail!("{} problems of tidiness, listed above", problems.len());
    }
    eprintln!("  {} files are in order", files.len());
    Ok(())
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}
