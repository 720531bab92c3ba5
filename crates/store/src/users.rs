//! Local users. What befalls a user befalls what they hold, in the same transaction.

use std::fmt;

use doorward_model::Timestamp;
use sqlx::FromRow;

use crate::{
    Store, StoreError,
    browser_sessions::{change_sessions_of_user, end_sessions_of},
    client_grants::{change_groups_of, revoke_of_subject},
    codes::forget_codes_of_subject,
    columns::{list, read_list},
    connections::remove_of_person,
    consents::forget_consents_of_subject,
    engine::{Statements, raise, values, writing},
};

/// The most users of one answer.
const PAGE: i64 = 10_000;

/// A local user.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name, which is also the subject.
    pub name: String,
    /// The password's argon2id hash, as a PHC string.
    pub password_hash: String,
    /// Whether they may see and change what belongs to others.
    pub administrator: bool,
    /// Their groups.
    pub groups: Vec<String>,
    /// When they were added.
    pub created: Timestamp,
}

/// What is to be changed of a user; what is `None` stays.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The new password's argon2id hash. Ends the user's browser sessions.
    pub password_hash: Option<String>,
    /// Whether they are an administrator from now on.
    pub administrator: Option<bool>,
    /// Their groups from now on, for tokens that exist too.
    pub groups: Option<Vec<String>>,
}

/// What came of adding the first administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstAdministrator {
    /// They are it.
    Added,
    /// There is an administrator already; nothing was stored.
    Exists,
    /// There is a user of this name already; nothing was stored.
    Taken,
}

#[derive(FromRow)]
struct UserRow {
    name: String,
    password_hash: String,
    administrator: i64,
    groups: String,
    created: i64,
}

impl Store {
    /// Adds a user. False, and nothing is stored, when the name is taken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_user(&self, user: &User) -> Result<bool, StoreError> {
        Ok(writing!(self, tx => insert(&mut *tx, user, user.administrator).await?))
    }

    /// Adds a user as administrator, when there is no administrator: of any number of calls, one adds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_first_administrator(&self, user: &User) -> Result<FirstAdministrator, StoreError> {
        Ok(writing!(self, tx => {
            raise(&mut *tx, "first_administrator").await?;
            if tx.row::<(i64,)>(ANY_ADMINISTRATOR, &[]).await?.is_some() {
                FirstAdministrator::Exists
            } else if insert(&mut *tx, user, true).await? {
                FirstAdministrator::Added
            } else {
                FirstAdministrator::Taken
            }
        }))
    }

    /// Whether any local user is an administrator.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_administrator(&self) -> Result<bool, StoreError> {
        Ok(self.row::<(i64,)>(ANY_ADMINISTRATOR, &[]).await?.is_some())
    }

    /// The user of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        const SQL: &str = "SELECT name, password_hash, administrator, groups, created FROM local_user
             WHERE name = $1";
        self.row::<UserRow>(SQL, values![name]).await?.map(UserRow::read).transpose()
    }

    /// All users, in the order of their names. At most 10,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        const SQL: &str = "SELECT name, password_hash, administrator, groups, created FROM local_user
             ORDER BY name LIMIT $1";
        self.rows::<UserRow>(SQL, values![PAGE]).await?.into_iter().map(UserRow::read).collect()
    }

    /// Changes a user. False when there is none of this name.
    ///
    /// A new password ends the user's browser sessions. New groups hold for the tokens that the user gave to clients,
    /// and for open sessions, as does being an administrator.
    ///
    /// # Errors
    /// When the database fails; changing again is safe.
    pub async fn change_user(
        &self,
        name: &str,
        change: &UserChange,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(writing!(self, tx => apply(&mut *tx, name, change, now).await?))
    }

    /// Removes a user: ends their browser sessions and connections, revokes what they gave to clients, and forgets what
    /// they agreed to. False when there is none of this name.
    ///
    /// # Errors
    /// When the database fails; removing again is safe.
    pub async fn remove_user(&self, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        Ok(writing!(self, tx => {
            let removed = tx.run("DELETE FROM local_user WHERE name = $1", values![name]).await? > 0;
            if removed {
                forget_codes_of_subject(&mut *tx, name).await?;
                end_sessions_of(&mut *tx, name).await?;
                forget_consents_of_subject(&mut *tx, name).await?;
                remove_of_person(&mut *tx, name, now).await?;
                revoke_of_subject(&mut *tx, name, now).await?;
            }
            removed
        }))
    }
}

const ANY_ADMINISTRATOR: &str = "SELECT administrator FROM local_user WHERE administrator = 1 LIMIT 1";

async fn insert(tx: &mut impl Statements, user: &User, administrator: bool) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO local_user (name, password_hash, administrator, groups, created)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING";
    let groups = list(&user.groups);
    let values = values![&user.name, &user.password_hash, administrator, &groups, user.created];
    Ok(tx.run(SQL, values).await? > 0)
}

async fn apply(
    tx: &mut impl Statements,
    name: &str,
    change: &UserChange,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE local_user SET password_hash = COALESCE($1, password_hash),
             administrator = COALESCE($2, administrator), groups = COALESCE($3, groups) WHERE name = $4";
    let groups = change.groups.as_deref().map(list);
    let values = values![&change.password_hash, change.administrator, &groups, name];
    if tx.run(SQL, values).await? == 0 {
        return Ok(false);
    }
    if change.password_hash.is_some() {
        end_sessions_of(tx, name).await?;
    } else {
        change_sessions_of_user(tx, name, change.administrator, groups.as_deref()).await?;
    }
    if let Some(groups) = groups {
        change_groups_of(tx, name, &groups, now).await?;
    }
    Ok(true)
}

impl UserRow {
    fn read(self) -> Result<User, StoreError> {
        Ok(User {
            name: self.name,
            password_hash: self.password_hash,
            administrator: self.administrator != 0,
            groups: read_list(&self.groups, "local_user.groups")?,
            created: Timestamp::from_micros(self.created),
        })
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // a password can be guessed from its hash
        f.debug_struct("User")
            .field("name", &self.name)
            .field("administrator", &self.administrator)
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UserChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserChange")
            .field("password", &self.password_hash.is_some())
            .field("administrator", &self.administrator)
            .field("groups", &self.groups)
            .finish()
    }
}

#[cfg(test)]
mod tests;
