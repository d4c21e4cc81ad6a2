use crate::audit::{self, Event};
use crate::config::settings;
use crate::db::{self, Tx};
use crate::kernel::{Token, UserId};
use crate::sessions::{self, EndReason, Method, Opened, Remember};

/// Somebody who has proved who they are.
#[derive(Clone, Copy, Debug)]
pub struct Proved {
    pub user: UserId,
    pub by: Method,
}

/// Opens a session for somebody who has proved who they are: a new id and new cookies, whatever this browser
/// held before ends.
pub fn finish(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    proved: Proved,
    remember: Remember,
    previous: Option<&Token>,
) -> Result<Opened, db::Error> {
    if let Some(previous) = previous {
        sessions::revoke_by_token(tx, previous, EndReason::SignedOut)?;
    }
    let Proved { user, by } = proved;
    let opened = sessions::open(tx, rules, user, by, remember)?;
    tx.origin = tx.origin.clone().acting_as(user, opened.id);
    audit::record(tx, Event::about(user, "session.opened").with("method", by.as_str()))?;
    Ok(opened)
}
