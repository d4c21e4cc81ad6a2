use diesel::prelude::*;
use serde_json::Value;

use crate::db::schema::mail_outbox::dsl;
use crate::db::{self, Tx};
use crate::kernel::{EmailAddress, LetterId, UserId};

pub(super) struct NewLetter {
    pub id: LetterId,
    pub to: EmailAddress,
    pub about: Option<UserId>,
    pub letter: &'static str,
    pub details: Value,
    pub sealed: Option<Vec<u8>>,
}

pub(super) fn insert(tx: &mut Tx<'_>, letter: &NewLetter) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(dsl::mail_outbox)
        .values((
            dsl::id.eq(letter.id),
            dsl::recipient.eq(letter.to.as_str()),
            dsl::user_id.eq(letter.about),
            dsl::letter.eq(letter.letter),
            dsl::details.eq(&letter.details),
            dsl::sealed.eq(letter.sealed.as_deref()),
            dsl::created_at.eq(now),
            dsl::next_attempt_at.eq(now),
        ))
        .execute(tx.conn())?;
    Ok(())
}
