use crate::audit::{self, Event};
use crate::config::settings;
use crate::db::{self, Tx};
use crate::kernel::{Token, UserId};
use crate::sessions::{self, Opened, Remember};

/// Opens a session for somebody who has proved who they are: a new id and new cookies, whatever this browser
/// held before ends.
pub fn finish(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    user: UserId,
    remember: Remember,
    previous: Option<&Token>,
) -> Result<Opened, db::Error> {
    if let Some(previous) = previous {
        sessions::revoke_by_token(tx, previous)?;
    }
    let opened = sessions::open(tx, rules, user, remember)?;
    tx.origin = tx.origin.clone().acting_as(user, opened.id);
    audit::record(tx, Event::about(user, "session.opened").with("method", "password"))?;
    Ok(opened)
}
