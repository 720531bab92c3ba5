//! `doorward key`: a new master key, or another key to sign with, while `serve` goes on.

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};
use doorward_auth::keys::MasterKey;
use doorward_config::MasterKeySource;
use doorward_model::{Record, Secret};
use serde_json::json;

use super::{
    counted,
    opened::{Absent, Opened, with_store},
    say, say_aside,
};
use crate::{
    cli::access::{KeyRotate, KeyRotateSigning},
    keyring::{Keyring, Rotated, Rotation},
    signer,
};

/// Puts a new master key in the place of the present one.
pub(crate) fn rotate(args: &KeyRotate) -> anyhow::Result<ExitCode> {
    with_store(&args.config, Absent::Refuse, async |opened| {
        let source = &opened.loaded.settings.master_key;
        let (new, printed) = match source {
            MasterKeySource::File(_) => {
                ensure!(
                    args.new_env.is_none(),
                    "--new-env is for a master key in a variable; here keys.master is a file, which gets the new key"
                );
                (None, false)
            }
            MasterKeySource::Value(present) => match new_value(present, args.new_env.as_deref())? {
                New::Given(key) => (Some(key), false),
                New::Present => (None, false),
                New::Made(key) => {
                    print(&key, args.config.json)?;
                    (Some(key), true)
                }
            },
        };
        let rotated = Rotation { source, store: &opened.store, new }.run(opened.now()).await?;
        recorded(opened, &rotated).await?;
        tell(source, &rotated, args.config.json && !printed);
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The new key for a variable.
enum New {
    /// Of another variable.
    Given(Secret),
    /// The first of several that the variable has.
    Present,
    /// Made here.
    Made(Secret),
}

fn new_value(present: &Secret, variable: Option<&str>) -> anyhow::Result<New> {
    if let Some(variable) = variable {
        let text = env::var(variable).with_context(|| format!("--new-env {variable}"))?;
        ensure!(text.split_whitespace().count() == 1, "--new-env {variable}: expected one master key");
        return Ok(New::Given(Secret::new(text)));
    }
    let several = present.expose().split_whitespace().count() > 1;
    Ok(if several { New::Present } else { New::Made(MasterKey::generate().1) })
}

/// Before anything is changed: a key that nobody saw would be lost with this process.
fn print(new: &Secret, as_json: bool) -> anyhow::Result<()> {
    let key = new.expose().trim();
    let text = if as_json { format!("{}\n", json!({ "master_key": key })) } else { format!("{key}\n") };
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    printed.context("the new key cannot be printed, so nothing was changed")
}

async fn recorded(opened: &Opened, rotated: &Rotated) -> anyhow::Result<()> {
    let detail = format!("master key {} wraps {} now", rotated.key, counted(rotated.data_keys, "data key"));
    opened.record("key rotate", Record { detail: Some(detail), ..Record::default() }).await
}

fn tell(source: &MasterKeySource, rotated: &Rotated, as_json: bool) {
    if as_json {
        let data = json!({
            "key_id": rotated.key,
            "data_keys": rotated.data_keys,
            "finished": rotated.finished,
            "old_key_left": rotated.old_left,
        });
        say(&data.to_string());
    }
    say_aside(&format!(
        "the store is sealed with the master key {} now; running processes go on",
        rotated.key
    ));
    match source {
        MasterKeySource::File(path) if rotated.old_left => {
            say_aside(&format!("take the old key out of {}; it is not needed any more", path.display()));
        }
        MasterKeySource::File(path) => say_aside(&format!(
            "{} has the new key; other hosts need a copy before their next start, and backups from before the old key",
            path.display()
        )),
        MasterKeySource::Value(_) => {
            say_aside(
                "set the variable of keys.master to the new key, and to it alone, before the next start",
            );
        }
    }
}

/// Puts the next signing key in the place of the current one.
pub(crate) fn rotate_signing(args: &KeyRotateSigning) -> anyhow::Result<ExitCode> {
    with_store(&args.config, Absent::Refuse, async |opened| {
        let now = opened.now();
        let keyring = Keyring::open(&opened.loaded.settings.master_key, &opened.store, now).await?;
        let (store, envelope, compromised) = (&opened.store, &keyring.envelope, args.compromised);
        let rotated = signer::Rotation { store, envelope, compromised }.run(now).await?;
        let (current, next) = match rotated {
            signer::Rotated::Done { current, next } => (current, next),
            signer::Rotated::TooEarly(when) => bail!(
                "the next key has not been published for long enough: others may not have it before {}; if somebody \
                 else may have the keys, use --compromised",
                when.to_rfc3339()
            ),
            signer::Rotated::Meanwhile => {
                bail!("the signing keys were rotated at the same time by another command")
            }
        };
        let detail = format!("signing key {current} signs now, {next} comes next");
        opened.record("key rotate-signing", Record { detail: Some(detail), ..Record::default() }).await?;
        if args.config.json {
            say(&json!({ "signing_key": current, "next_key": next }).to_string());
        }
        say_aside(&format!("{current} signs now; running processes follow within seconds"));
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}
