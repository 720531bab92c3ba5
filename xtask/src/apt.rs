//! Debian packages, by Debian's own client.

use std::path::Path;

use anyhow::{Result, bail};

use crate::run;

/// Installs `packages` unless `present` says that what they bring is there already.
pub(crate) fn ensure(packages: &[&str], present: impl Fn() -> bool) -> Result<()> {
    if present() {
        return Ok(());
    }
    let list = packages.join(" ");
    let way_out = format!("install them by hand: `sudo apt-get install {list}`, then run this again");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "{list} are missing and this is no Debian: install what they bring with your own package manager"
        );
    }
    let prefix: &[&str] = if is_root() { &[] } else { &["sudo", "-n"] };
    eprintln!("  installing Debian packages: {list}");
    let install = ["apt-get", "install", "-y", "--no-install-recommends"];
    let words: Vec<&str> = prefix.iter().chain(&install).chain(packages).copied().collect();
    if !attempt(&words) {
        // A fresh machine has no package lists yet, or stale ones.
        let update: Vec<&str> = prefix.iter().chain(&["apt-get", "update"]).copied().collect();
        if !(attempt(&update) && attempt(&words)) {
            bail!("apt-get could not install {list}; {way_out}");
        }
    }
    if !present() {
        bail!("{list} are installed, but what they should bring is still missing; {way_out}");
    }
    Ok(())
}

/// Whether we may do everything on this machine.
pub(crate) fn is_root() -> bool {
    run::output(run::command("id", &["-u"])).is_ok_and(|uid| uid.trim() == "0")
}

/// Whether a program of this name is on the search path (or where Debian keeps those of root).
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    directories.into_iter().any(|directory| directory.join(program).is_file())
}

fn attempt(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let mut command = run::command(program, arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    run::run(command).is_ok()
}
