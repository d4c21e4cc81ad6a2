use diesel::prelude::*;
use ipnet::IpNet;

use super::{Request, Wish};
use crate::db::schema::letter_requests::dsl;
use crate::db::{self, Tx};
use crate::kernel::{Digest, EmailAddress, Hand, LetterRequestId, Origin, SessionId, UserId};

const NEW_PASSWORD: &str = "new_password";
const MAGIC_LINK: &str = "magic_link";

type Row = (
    LetterRequestId,
    String,
    Option<Vec<u8>>,
    Option<UserId>,
    Option<SessionId>,
    Option<IpNet>,
    Option<String>,
    String,
);

pub(super) fn insert(tx: &mut Tx<'_>, email: &EmailAddress, wish: Wish) -> Result<(), db::Error> {
    let origin = tx.origin.clone();
    let (word, browser) = match &wish {
        Wish::NewPassword => (NEW_PASSWORD, None),
        Wish::MagicLink { browser } => (MAGIC_LINK, Some(browser.as_bytes())),
    };
    diesel::insert_into(dsl::letter_requests)
        .values((
            dsl::id.eq(LetterRequestId::new(tx.now)),
            dsl::email.eq(email.as_str()),
            dsl::wish.eq(word),
            dsl::browser_digest.eq(browser),
            dsl::actor_id.eq(origin.actor),
            dsl::session_id.eq(origin.session),
            dsl::address.eq(origin.address.map(IpNet::from)),
            dsl::user_agent.eq(origin.user_agent),
            dsl::request_id.eq(origin.request_id),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// The oldest one, passing over those that others hold just now, and wishes that only a newer node knows.
pub(super) fn lock_next(tx: &mut Tx<'_>) -> Result<Option<Request>, db::Error> {
    let row: Option<Row> = dsl::letter_requests
        .filter(dsl::wish.eq_any([NEW_PASSWORD, MAGIC_LINK]))
        .order(dsl::id)
        .select((
            dsl::id,
            dsl::email,
            dsl::browser_digest,
            dsl::actor_id,
            dsl::session_id,
            dsl::address,
            dsl::user_agent,
            dsl::request_id,
        ))
        .for_update()
        .skip_locked()
        .first(tx.conn())
        .optional()?;
    row.map(request).transpose()
}

pub(super) fn delete(tx: &mut Tx<'_>, id: LetterRequestId) -> Result<(), db::Error> {
    diesel::delete(dsl::letter_requests.find(id)).execute(tx.conn())?;
    Ok(())
}

fn request((id, email, browser, actor, session, address, user_agent, request_id): Row) -> Result<Request, db::Error> {
    let email = EmailAddress::parse(&email)
        .map_err(|error| db::Error::Internal(format!("the address of the request {id}: {error}")))?;
    // The table sees to it that a browser is named by those who want to sign in, and by nobody else.
    let wish = match browser.as_deref().and_then(Digest::from_stored) {
        Some(browser) => Wish::MagicLink { browser },
        None => Wish::NewPassword,
    };
    let address = address.map(|network| network.addr());
    Ok(Request {
        id,
        email,
        wish,
        origin: Origin { hand: Hand::Visitor, actor, session, address, user_agent, known_by: None, request_id },
    })
}
