//! Confirming by the identity provider that somebody came by: it has asked them again, whether or not it knew them.

use chrono::{DateTime, Utc};

use super::Way;
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::kernel::{Origin, SessionId, UserId};
use crate::sessions;
use crate::sso::arrival::{self, Who};
use crate::sso::connections::Ready;
use crate::sso::saml::{Answer, Check, Report, TOLERATED_DIFFERENCE};
use crate::sso::{identities, mapping, provider_sessions};

/// A good answer to somebody who is signed in.
#[derive(Debug)]
pub struct Answered {
    pub ready: Ready,
    pub answer: Answer,
    pub report: Report,
    pub user: UserId,
    pub session: SessionId,
    pub asked_at: DateTime<Utc>,
}

#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The report says why.
    #[error("a check failed")]
    Check(Box<Report>),
    /// Or its holder is disabled.
    #[error("the session has ended")]
    Ended,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// The session's confirmation begins now, if the answer is about its holder, who has just proved it.
pub async fn confirm_by_sso(app: &App, origin: &Origin, answered: Answered) -> Result<(), Refused> {
    app.db
        .write(origin, move |tx| {
            let Answered { ready, answer, mut report, user, session, asked_at } = answered;
            let is_proved = is_proved_since(&answer, asked_at, &mut report);
            if !is_proved || !is_same_person(tx, &ready, &answer, (user, session), &mut report)? {
                let event = Event::about(user, "session.confirmation_failed").with("method", Way::Sso.as_str());
                audit::record(tx, event)?;
                return Ok(Err(Refused::Check(Box::new(report))));
            }
            accept(tx, (user, session), &answer).map(Ok)
        })
        .await?
}

fn is_proved_since(answer: &Answer, asked_at: DateTime<Utc>, report: &mut Report) -> bool {
    let earliest = asked_at - TOLERATED_DIFFERENCE;
    if answer.authn_instant >= earliest {
        report.pass(Check::ProvedAgain);
        return true;
    }
    report.fail(Check::ProvedAgain, answer.authn_instant.to_rfc3339(), format!("{} or later", earliest.to_rfc3339()));
    false
}

fn is_same_person(
    tx: &mut Tx<'_>,
    ready: &Ready,
    answer: &Answer,
    (user, session): (UserId, SessionId),
    report: &mut Report,
) -> Result<bool, Refused> {
    let (holder, came_by) = sessions::find_provider_session(tx, session)?.ok_or(Refused::Ended)?;
    let came_by = provider_sessions::find(tx, came_by)?.ok_or(Refused::Ended)?;
    let is_by_same = holder == user && came_by.connection == ready.connection.id;
    let is_named_so = if identities::is_lasting(&answer.name_id) {
        came_by.name.value == answer.name_id.value
    } else {
        is_account_of(tx, ready, answer, user)?
    };
    let is_same = is_by_same && is_named_so;
    if is_same {
        report.pass(Check::SamePerson);
    } else {
        report.fail(Check::SamePerson, answer.name_id.value.as_str(), came_by.name.value);
    }
    Ok(is_same)
}

/// For a provider that calls them something else every time.
fn is_account_of(tx: &mut Tx<'_>, ready: &Ready, answer: &Answer, user: UserId) -> Result<bool, db::Error> {
    let mut aside = Report { checks: Vec::new(), document: None, outcome: Ok(answer.clone()) };
    match arrival::meet(tx, ready, answer, &mut aside) {
        Ok(guest) => Ok(matches!(guest.who, Who::Known(found) | Who::Holder(_, Some(found)) if found == user)),
        Err(arrival::Error::Refused) => Ok(false),
        Err(arrival::Error::Db(error)) => Err(error),
    }
}

fn accept(tx: &mut Tx<'_>, (user, session): (UserId, SessionId), answer: &Answer) -> Result<(), Refused> {
    let is_disabled = crate::accounts::lock_credentials(tx, user)?.is_none_or(|held| held.is_disabled);
    let (_, came_by) = sessions::find_provider_session(tx, session)?.ok_or(Refused::Ended)?;
    if is_disabled || !sessions::confirm(tx, session, mapping::strength(answer))? {
        return Err(Refused::Ended);
    }
    provider_sessions::renew(tx, came_by, answer)?;
    if let Some(end) = answer.session_ends_at {
        sessions::end_by(tx, session, end)?;
    }
    Ok(audit::record(tx, Event::about(user, "session.confirmed").with("method", Way::Sso.as_str()))?)
}
