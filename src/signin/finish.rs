use super::new_place;
use super::provider_only::require_way;
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Token, UserId};
use crate::meters::Outcome;
use crate::sessions::{self, EndReason, Method, Opened, Opening, Place, Provided, Remember, Strength};
use crate::sso::provider_sessions;

/// Somebody who has proved who they are.
#[derive(Clone, Copy, Debug)]
pub struct Proved<'a> {
    pub user: UserId,
    /// Every proof they gave, in its order.
    pub by: &'a [Method],
    /// For somebody who comes by a provider.
    pub provided: Option<Provided>,
}

/// Opens a session for somebody who has proved who they are: a new id and new cookies, whatever this browser
/// held before ends. When the place is new, they are told.
pub fn finish(
    tx: &mut Tx<'_>,
    app: &App,
    proved: Proved<'_>,
    remember: Remember,
    previous: Option<&Token>,
) -> Result<Opened, db::Error> {
    require_way(tx, app, &proved)?;
    if let Some(previous) = previous {
        sessions::revoke_by_token(tx, previous, EndReason::SignedOut)?;
    }
    let Proved { user, by, provided } = proved;
    let opening = Opening { user, by, provided, remember };
    let (opened, place) = sessions::open(tx, &app.settings.session, &opening)?;
    tx.origin = tx.origin.clone().acting_as(user, opened.id);
    if app.settings.step_up.login_counts {
        // The session knows by which proofs it was opened.
        sessions::confirm(tx, opened.id, Strength::OneFactor)?;
    }
    let words: Vec<&str> = by.iter().copied().map(Method::as_str).collect();
    let event = Event::about(user, "session.opened").with("methods", words);
    let event = naming(tx, event, provided)?;
    audit::record(tx, event)?;
    if let Some(last) = by.last() {
        app.db.meters().attempted(last.as_str(), Outcome::Success);
    }
    match place {
        Place::Usual => {}
        Place::New => new_place::tell(tx, app, &opened)?,
    }
    Ok(opened)
}

/// By which connection they came, where it was one.
fn naming(tx: &mut ReadTx<'_>, event: Event, provided: Option<Provided>) -> Result<Event, db::Error> {
    let Some(provided) = provided else { return Ok(event) };
    Ok(match provider_sessions::find(tx, provided.session)? {
        Some(came_by) => event.with("connection", came_by.connection.to_string()),
        None => event,
    })
}
