//! `doorward user`: the people that Doorward itself knows.

use std::process::ExitCode;

use anyhow::{bail, ensure};
use doorward_auth::keys::password;
use doorward_model::{Name, Record, Secret};
use doorward_store::{User as Stored, UserChange as Change};
use serde_json::{Value, json};

use super::{
    opened::{Absent, Opened, with_store},
    say, say_aside, terminal,
};
use crate::cli::{
    ConfigArgs,
    access::{PasswordArgs, User, UserAdd, UserChange, UserPassword, UserRemove},
};

/// Does what was asked for.
pub(crate) fn run(user: &User) -> anyhow::Result<ExitCode> {
    match user {
        User::Add(args) => with_store(&args.config, Absent::Make, async |opened| add(opened, args).await),
        User::List(args) => with_store(args, Absent::Refuse, async |opened| list(opened, args).await),
        User::Password(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| set_password(opened, args).await)
        }
        User::Change(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| change(opened, args).await)
        }
        User::Remove(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| remove(opened, args).await)
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn add(opened: &Opened, args: &UserAdd) -> anyhow::Result<()> {
    let name = Name::parse(&args.name)?;
    let groups = groups(&args.groups)?;
    if opened.store.user(name.as_str()).await?.is_some() {
        return taken(&name);
    }
    let user = Stored {
        password_hash: hashed(&args.password)?,
        name: name.to_string(),
        administrator: args.admin,
        groups,
        created: opened.now(),
    };
    if !opened.store.add_user(&user).await? {
        return taken(&name);
    }
    recorded(opened, "user add", &user.name, &as_text(&user)).await?;
    tell(&args.config, &as_json(&user), &format!("added {}", as_text(&user)));
    Ok(())
}

fn taken(name: &Name) -> anyhow::Result<()> {
    bail!("there is a user `{name}` already; see `doorward user change` and `doorward user password`");
}

async fn list(opened: &Opened, args: &ConfigArgs) -> anyhow::Result<()> {
    let users = opened.store.users().await?;
    if args.json {
        say(&users.iter().map(as_json).collect::<Value>().to_string());
        return Ok(());
    }
    for user in &users {
        say(&as_text(user));
    }
    if users.is_empty() {
        say_aside("there are no local users; add one with `doorward user add NAME`");
    }
    Ok(())
}

async fn set_password(opened: &Opened, args: &UserPassword) -> anyhow::Result<()> {
    let user = known(opened, &args.name).await?;
    let change = Change { password_hash: Some(hashed(&args.password)?), ..Change::default() };
    apply(opened, &user.name, &change).await?;
    recorded(opened, "user password", &user.name, &format!("{} has a new password", user.name)).await?;
    let said = format!(
        "{name} has a new password, and is signed out of every browser; clients keep their access: \
         `doorward token list --user {name}`",
        name = user.name
    );
    tell(&args.config, &as_json(&user), &said);
    Ok(())
}

async fn change(opened: &Opened, args: &UserChange) -> anyhow::Result<()> {
    let mut user = known(opened, &args.name).await?;
    let administrator = (args.admin || args.no_admin).then_some(args.admin);
    let groups = if args.groups.is_empty() && !args.no_groups { None } else { Some(groups(&args.groups)?) };
    let change = Change { administrator, groups: groups.clone(), ..Change::default() };
    apply(opened, &user.name, &change).await?;
    user.administrator = administrator.unwrap_or(user.administrator);
    user.groups = groups.unwrap_or(user.groups);
    recorded(opened, "user change", &user.name, &as_text(&user)).await?;
    tell(&args.config, &as_json(&user), &as_text(&user));
    warn_without_administrator(opened).await
}

async fn remove(opened: &Opened, args: &UserRemove) -> anyhow::Result<()> {
    let user = known(opened, &args.name).await?;
    let question = format!("Remove {}, with everything that clients may do for them?", user.name);
    if !args.yes && !terminal::confirm(&question, "--yes")? {
        bail!("nothing was changed");
    }
    if !opened.store.remove_user(&user.name, opened.now()).await? {
        return Err(unknown(&user.name));
    }
    recorded(opened, "user remove", &user.name, &format!("removed {}", user.name)).await?;
    tell(&args.config, &as_json(&user), &format!("removed {}", user.name));
    warn_without_administrator(opened).await
}

/// The user of that name, before anybody is asked for a password.
async fn known(opened: &Opened, name: &str) -> anyhow::Result<Stored> {
    opened.store.user(name).await?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no local user `{name}`; `doorward user list` shows them")
}

async fn apply(opened: &Opened, name: &str, change: &Change) -> anyhow::Result<()> {
    if opened.store.change_user(name, change, opened.now()).await? { Ok(()) } else { Err(unknown(name)) }
}

/// The hash of the password that the person gives.
fn hashed(args: &PasswordArgs) -> anyhow::Result<String> {
    let password: Secret = terminal::new_password(args.password_stdin)?;
    password::check(&password)?;
    Ok(password::hash(&password)?)
}

fn groups(written: &[String]) -> anyhow::Result<Vec<String>> {
    ensure!(written.iter().all(|group| !group.is_empty()), "a group has a name");
    let mut groups = written.to_vec();
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

async fn recorded(opened: &Opened, command: &str, user: &str, detail: &str) -> anyhow::Result<()> {
    let record =
        Record { subject: Some(user.to_owned()), detail: Some(detail.to_owned()), ..Record::default() };
    opened.record(command, record).await
}

async fn warn_without_administrator(opened: &Opened) -> anyhow::Result<()> {
    if !opened.store.has_administrator().await? {
        say_aside("no administrator is left; make one with `doorward user change NAME --admin`");
    }
    Ok(())
}

fn tell(args: &ConfigArgs, data: &Value, text: &str) {
    say(&if args.json { data.to_string() } else { text.to_owned() });
}

fn as_json(user: &Stored) -> Value {
    json!({
        "name": user.name,
        "administrator": user.administrator,
        "groups": user.groups,
        "created": user.created.to_rfc3339(),
    })
}

fn as_text(user: &Stored) -> String {
    let mut text = user.name.clone();
    if user.administrator {
        text.push_str(", administrator");
    }
    if !user.groups.is_empty() {
        text.extend([", in ", &user.groups.join(", ")]);
    }
    text
}
