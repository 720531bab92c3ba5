//! `doorward secret`: what is presented upstream, kept in the store. Values go in and never come out.

use std::process::ExitCode;

use anyhow::{anyhow, ensure};
use doorward_model::{Name, Record, Timestamp};
use doorward_store::PutSecret;
use serde_json::{Value, json};

use super::{
    opened::{Absent, Opened, with_store},
    say, say_aside, terminal,
};
use crate::{
    cli::{
        ConfigArgs,
        secret::{Secret, SecretRemove, SecretSet},
    },
    keyring::Keyring,
    secrets,
};

/// Does what was asked for.
pub(crate) fn run(secret: &Secret) -> anyhow::Result<ExitCode> {
    match secret {
        Secret::Set(args) => with_store(&args.config, Absent::Make, async |opened| set(opened, args).await),
        Secret::List(args) => with_store(args, Absent::Refuse, async |opened| list(opened, args).await),
        Secret::Remove(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| remove(opened, args).await)
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn set(opened: &Opened, args: &SecretSet) -> anyhow::Result<()> {
    let name = Name::parse(&args.name)?;
    let master = &opened.loaded.settings.master_key;
    // Before anybody is asked for a secret.
    let keyring = Keyring::open(master, &opened.store, opened.now()).await?;
    let value = terminal::secret_of_others(args.stdin)?;
    secrets::check(&value)?;
    let sealed = secrets::seal(&keyring.envelope, &name, &value);
    let put = opened.store.put_secret(&name, &sealed, secrets::MOST, opened.now()).await?;
    ensure!(
        put != PutSecret::TooMany,
        "the store has {} secrets and takes no more; `doorward secret list` shows which of them are not used, and \
         `doorward secret remove` makes room",
        secrets::MOST
    );
    let new = put == PutSecret::New;
    recorded(opened, "secret set", &name).await?;
    let text = format!("the secret `{name}` {}", if new { "is stored" } else { "has a new value" });
    tell(&args.config, &json!({ "name": name.as_str(), "new": new }), &text);
    if !is_used(opened, &name) {
        say_aside(&format!("the configuration does not refer to it: {{ stored = \"{name}\" }} does"));
    }
    Ok(())
}

async fn list(opened: &Opened, args: &ConfigArgs) -> anyhow::Result<()> {
    let seen = opened.store.secrets().await?;
    let missing =
        opened.loaded.snapshot.stored_secrets.iter().filter(|name| !seen.iter().any(|it| it.name == **name));
    if args.json {
        let as_json = |it: &doorward_store::SecretSeen| {
            json!({
                "name": it.name.as_str(),
                "created": it.created.to_rfc3339(),
                "changed": it.changed.to_rfc3339(),
                "used": is_used(opened, &it.name),
            })
        };
        say(&seen.iter().map(as_json).collect::<Value>().to_string());
    } else {
        for it in &seen {
            let unused =
                if is_used(opened, &it.name) { "" } else { "; the configuration does not refer to it" };
            say(&format!("{}, since {}{unused}", it.name, Timestamp::to_rfc3339(it.changed)));
        }
    }
    for name in missing {
        say_aside(&format!(
            "`{name}` is missing, and the configuration refers to it: `doorward secret set {name}`"
        ));
    }
    Ok(())
}

async fn remove(opened: &Opened, args: &SecretRemove) -> anyhow::Result<()> {
    let name = Name::parse(&args.name)?;
    let missing = || anyhow!("the store has no secret `{name}`; `doorward secret list` shows what it has");
    ensure!(opened.store.secrets().await?.iter().any(|it| it.name == name), missing());
    ensure!(
        args.force || !is_used(opened, &name),
        "the configuration refers to `{name}`, and what needs it would be refused; --force removes it all the same"
    );
    let removed = opened.store.remove_secret(&name).await?;
    ensure!(removed, missing());
    recorded(opened, "secret remove", &name).await?;
    tell(&args.config, &json!({ "name": name.as_str() }), &format!("removed the secret `{name}`"));
    Ok(())
}

/// Whether a credential of the configuration refers to it.
fn is_used(opened: &Opened, name: &Name) -> bool {
    opened.loaded.snapshot.stored_secrets.contains(name)
}

async fn recorded(opened: &Opened, command: &str, name: &Name) -> anyhow::Result<()> {
    let record = Record { detail: Some(format!("secret {name}")), ..Record::default() };
    opened.record(command, record).await
}

fn tell(args: &ConfigArgs, data: &Value, text: &str) {
    say(&if args.json { data.to_string() } else { text.to_owned() });
}
