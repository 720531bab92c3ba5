//! Debian packages, by Debian's own client.

use std::fs;
use std::path::Path;
use std::process::Command;

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
    eprintln!("  installing Debian packages: {list}");
    let install = ["apt-get", "install", "-y", "--no-install-recommends"];
    if !with_lists(|| attempt(command(&as_root(&[&install, packages].concat())))) {
        bail!("apt-get could not install {list}; {way_out}");
    }
    if !present() {
        bail!("{list} are installed, but what they should bring is still missing; {way_out}");
    }
    Ok(())
}

/// Puts the files of `package` below `target`, without installing it: nothing of it is set up or started.
pub(crate) fn unpack(package: &str, target: &Path) -> Result<()> {
    if target.exists() {
        fs::remove_dir_all(target)?;
    }
    fs::create_dir_all(target)?;
    eprintln!("  unpacking Debian package: {package}");
    let script = "apt-get download \"$1\" && dpkg-deb --extract ./*.deb . && rm ./*.deb";
    let fetch = || {
        let mut shell = command(&["sh", "-c", script, "sh", package]);
        shell.current_dir(target);
        attempt(shell)
    };
    if !with_lists(fetch) {
        bail!("apt-get could not fetch {package}; install by hand what it brings, then run this again");
    }
    Ok(())
}

/// Tries again with new package lists: a fresh machine has none yet, or stale ones.
fn with_lists(act: impl Fn() -> bool) -> bool {
    act() || (attempt(command(&as_root(&["apt-get", "update"]))) && act())
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

fn as_root<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let prefix: &[&str] = if is_root() { &[] } else { &["sudo", "-n"] };
    [prefix, words].concat()
}

fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().map_or(("false", words), |(first, rest)| (*first, rest));
    let mut command = run::command(program, arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn attempt(command: Command) -> bool {
    run::run(command).is_ok()
}
