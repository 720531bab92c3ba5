//! The approved card of each agent, and another one that waits for approval.
//!
//! The first card that is seen is approved by being seen. From then on a card that differs is kept beside the approved
//! one until somebody approves or rejects it, or yet another one takes its place. What differs, and how bad that is, is
//! for others to say: cards are compared by digest here.
//!
//! Running processes poll with a cursor, as for revocations: whatever they have to know raises `change`.

use doorward_model::{Name, Timestamp};
use sqlx::FromRow;

use crate::{
    Store, StoreError,
    engine::{Statements, raise, values, writing},
};

/// Selects pins.
macro_rules! pin_query {
    ($which:literal) => {
        concat!(
            "SELECT agent, card, digest, provenance, approved, approved_by, waiting_card, waiting_digest,
                 waiting_provenance, first_seen, last_seen, rejected, change FROM card_pin ",
            $which
        )
    };
}

/// A card as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCard {
    /// Its text.
    pub card: String,
    /// The SHA-256, in hex, of the form in which cards are compared.
    pub digest: String,
    /// Where it came from and who signed it, in words of whoever fetched it.
    pub provenance: String,
}

/// The approved card of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardPin {
    /// Whose it is.
    pub agent: Name,
    /// The card.
    pub approved: SeenCard,
    /// Since when it is the approved one.
    pub approved_at: Timestamp,
    /// Who approved it; absent when it was the first.
    pub approved_by: Option<String>,
    /// Another one that was seen since.
    pub waiting: Option<WaitingCard>,
    /// The digest of the last one that was rejected, unless another one was seen since.
    pub rejected: Option<String>,
}

/// A card that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingCard {
    /// The card.
    pub card: SeenCard,
    /// When it was first seen since another one was.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
}

/// What a card, or an authorization server, that was seen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// The first of its agent or place: it is approved.
    First,
    /// The approved one.
    Approved,
    /// One that waits for approval from now on.
    New,
    /// The one that waits for approval already.
    Waiting,
    /// The one that was rejected.
    Rejected,
}

/// A place in the sequence of changes. The default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CardPinCursor(i64);

#[derive(FromRow)]
struct PinRow {
    agent: String,
    card: String,
    digest: String,
    provenance: String,
    approved: i64,
    approved_by: Option<String>,
    waiting_card: Option<String>,
    waiting_digest: Option<String>,
    waiting_provenance: Option<String>,
    first_seen: Option<i64>,
    last_seen: Option<i64>,
    rejected: Option<String>,
    change: i64,
}

impl Store {
    /// Compares a card that was just fetched with the approved one, and keeps it when it differs. The first card of an
    /// agent is approved; of two replicas that fetch it at once, one approves its own.
    ///
    /// # Errors
    /// When the database fails, or the card has a NUL in it.
    pub async fn observe_card(
        &self,
        agent: &Name,
        seen: &SeenCard,
        now: Timestamp,
    ) -> Result<(Observed, CardPin), StoreError> {
        // The rule, which writes nothing.
        if let Some(pin) = self.card_pin(agent).await?
            && pin.approved.digest == seen.digest
        {
            return Ok((Observed::Approved, pin));
        }
        Ok(writing!(self, tx => {
            let change = raise(&mut *tx, "card_pin").await?;
            let observed = match find(&mut *tx, agent).await? {
                None => pin_first(&mut *tx, agent, seen, now, change).await?,
                Some(pin) => compare(&mut *tx, &pin, seen, now, change).await?,
            };
            let pin = find(&mut *tx, agent).await?;
            (observed, pin.ok_or(sqlx::Error::RowNotFound)?)
        }))
    }

    /// Approves the card that waits, if it is the one of this digest. True for the one call that did.
    ///
    /// # Errors
    /// When the database fails; approving again is safe.
    pub async fn approve_card(
        &self,
        agent: &Name,
        digest: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE card_pin SET card = waiting_card, digest = waiting_digest,
                 provenance = waiting_provenance, approved = $1, approved_by = $2, waiting_card = NULL,
                 waiting_digest = NULL, waiting_provenance = NULL, first_seen = NULL, last_seen = NULL,
                 rejected = NULL, change = $3
             WHERE agent = $4 AND waiting_digest = $5";
        Ok(writing!(self, tx => {
            let change = raise(&mut *tx, "card_pin").await?;
            tx.run(SQL, values![now, by, change, agent, digest]).await? > 0
        }))
    }

    /// Rejects the card that waits, if it is the one of this digest: it does not wait again unless another one was seen
    /// in between. True for the one call that did.
    ///
    /// # Errors
    /// When the database fails; rejecting again is safe.
    pub async fn reject_card(&self, agent: &Name, digest: &str) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE card_pin SET rejected = waiting_digest, waiting_card = NULL,
                 waiting_digest = NULL, waiting_provenance = NULL, first_seen = NULL, last_seen = NULL, change = $1
             WHERE agent = $2 AND waiting_digest = $3";
        Ok(writing!(self, tx => {
            let change = raise(&mut *tx, "card_pin").await?;
            tx.run(SQL, values![change, agent, digest]).await? > 0
        }))
    }

    /// Puts a card in the place of the approved one, whatever waits or was rejected, as long as `before` is still that.
    /// True for the one call that did. It is for cards that the operator has declared anew, from another address.
    ///
    /// # Errors
    /// When the database fails, or the card has a NUL in it; replacing again is safe.
    pub async fn replace_card(
        &self,
        agent: &Name,
        (before, card): (&SeenCard, &SeenCard),
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE card_pin SET card = $1, digest = $2, provenance = $3, approved = $4,
                 approved_by = $5, waiting_card = NULL, waiting_digest = NULL, waiting_provenance = NULL,
                 first_seen = NULL, last_seen = NULL, rejected = NULL, change = $6
             WHERE agent = $7 AND digest = $8 AND provenance = $9";
        let SeenCard { card, digest, provenance } = card;
        Ok(writing!(self, tx => {
            let change = raise(&mut *tx, "card_pin").await?;
            let (was, of) = (&before.digest, &before.provenance);
            tx.run(SQL, values![card, digest, provenance, now, by, change, agent, was, of]).await? > 0
        }))
    }

    /// The approved card of an agent, if one was ever seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn card_pin(&self, agent: &Name) -> Result<Option<CardPin>, StoreError> {
        self.row::<PinRow>(pin_query!("WHERE agent = $1"), values![agent])
            .await?
            .map(PinRow::read)
            .transpose()
    }

    /// The approved cards of all agents, by name: there are as many as were ever configured.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn card_pins(&self) -> Result<Vec<CardPin>, StoreError> {
        let rows = self.rows::<PinRow>(pin_query!("ORDER BY agent"), &[]).await?;
        rows.into_iter().map(PinRow::read).collect()
    }

    /// The pins that came, waited, were approved or were rejected after `cursor`, in that order, as they are now, and
    /// where to go on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn card_pins_since(
        &self,
        cursor: CardPinCursor,
    ) -> Result<(Vec<CardPin>, CardPinCursor), StoreError> {
        let sql = pin_query!("WHERE change > $1 ORDER BY change");
        let rows = self.rows::<PinRow>(sql, values![cursor.0]).await?;
        let last = rows.last().map_or(cursor, |row| CardPinCursor(row.change));
        Ok((rows.into_iter().map(PinRow::read).collect::<Result<_, _>>()?, last))
    }
}

async fn find(tx: &mut impl Statements, agent: &Name) -> Result<Option<CardPin>, StoreError> {
    let row: Option<PinRow> = tx.row(pin_query!("WHERE agent = $1"), values![agent]).await?;
    row.map(PinRow::read).transpose()
}

async fn pin_first(
    tx: &mut impl Statements,
    agent: &Name,
    seen: &SeenCard,
    now: Timestamp,
    change: i64,
) -> Result<Observed, StoreError> {
    const SQL: &str = "INSERT INTO card_pin (agent, card, digest, provenance, approved, change)
         VALUES ($1, $2, $3, $4, $5, $6)";
    let SeenCard { card, digest, provenance } = seen;
    tx.run(SQL, values![agent, card, digest, provenance, now, change]).await?;
    Ok(Observed::First)
}

/// Tells what a card is beside a pin, and keeps it if it is neither approved nor rejected.
async fn compare(
    tx: &mut impl Statements,
    pin: &CardPin,
    seen: &SeenCard,
    now: Timestamp,
    change: i64,
) -> Result<Observed, StoreError> {
    const AGAIN: &str = "UPDATE card_pin SET last_seen = $1 WHERE agent = $2";
    const NEW: &str = "UPDATE card_pin SET waiting_card = $1, waiting_digest = $2, waiting_provenance = $3,
             first_seen = $4, last_seen = $4, rejected = NULL, change = $5
         WHERE agent = $6";
    let SeenCard { card, digest, provenance } = seen;
    if *digest == pin.approved.digest {
        Ok(Observed::Approved)
    } else if pin.rejected.as_ref() == Some(digest) {
        Ok(Observed::Rejected)
    } else if pin.waiting.as_ref().is_some_and(|waiting| waiting.card.digest == *digest) {
        tx.run(AGAIN, values![now, &pin.agent]).await?;
        Ok(Observed::Waiting)
    } else {
        tx.run(NEW, values![card, digest, provenance, now, change, &pin.agent]).await?;
        Ok(Observed::New)
    }
}

impl PinRow {
    fn read(self) -> Result<CardPin, StoreError> {
        let waiting = match (self.waiting_card, self.waiting_digest, self.waiting_provenance) {
            (Some(card), Some(digest), Some(provenance)) => Some(WaitingCard {
                card: SeenCard { card, digest, provenance },
                first_seen: Timestamp::from_micros(self.first_seen.unwrap_or_default()),
                last_seen: Timestamp::from_micros(self.last_seen.unwrap_or_default()),
            }),
            _ => None,
        };
        Ok(CardPin {
            agent: Name::parse(&self.agent).map_err(|_| StoreError::Unreadable("card_pin.agent"))?,
            approved: SeenCard { card: self.card, digest: self.digest, provenance: self.provenance },
            approved_at: Timestamp::from_micros(self.approved),
            approved_by: self.approved_by,
            waiting,
            rejected: self.rejected,
        })
    }
}

#[cfg(test)]
mod tests;
