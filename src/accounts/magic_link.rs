//! Signing in by a mailed link: asking for it, and what it and its code are good for.
//!
//! **Asking** ([`ask`]) gives the browser a cookie and is answered by a job ([`super::requests`]). For every browser
//! that asks there is a row, with an account behind it or without: so whoever tries codes sees no difference either.
//! Asking again from the same browser replaces what it asked for before.
//!
//! **The browser that asked** is the only one that can be signed in. There the link has a button. Anywhere else the link
//! leads to a page that tells who asked, and shows a code on demand ([`show_code`]), to be typed into the browser that
//! asked. Until then there is no code, so none can be guessed without the owner's help; and without the cookie it is
//! worth nothing. It is worked out from the link, so that it stays the same however often it is shown.
//!
//! **Both are single use**, end together, hold for [`MAGIC_LINK_TTL`], and for one address and an account that is not
//! disabled. Looking at a link changes nothing: a mail scanner's fetch uses nothing up and sees no code.
//!
//! Who is signed in by it, and what they have to prove besides, is decided in [`crate::signin`].

mod code;
mod store;

use std::net::IpAddr;

use chrono::{DateTime, Utc};

pub use code::Code;

use super::requests::{self, Heard, Wish};
use super::{OLD_LINKS, User};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Limits;
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::domains;
use crate::kernel::{Digest, EmailAddress, Origin, Redacted, Token, UserId, device};
use crate::mail::{self, Letter, MAGIC_LINK_TTL};
use crate::sessions::{self, Remember};
use crate::throttle::Key;

/// Codes that may be tried before it takes another link.
const MOST_TRIES: i32 = 5;

const PURPOSE: &str = "magic link code";

/// Somebody wants to be signed in by a letter.
#[derive(Debug)]
pub struct Asking {
    pub email: EmailAddress,
    pub remember: Remember,
    /// The cookie by which this browser has asked before.
    pub browser: Option<Token>,
}

/// Who has asked for a link, for somebody who opens it elsewhere.
#[derive(Clone, Debug)]
pub struct Asker {
    pub at: DateTime<Utc>,
    pub address: Option<IpAddr>,
    /// "Firefox on Linux"; `None` where it is not known.
    pub browser: Option<String>,
    /// When the link and the code end.
    pub until: DateTime<Utc>,
}

/// What a link leads to, for the page that shows it.
#[derive(Debug)]
pub enum Link {
    /// Unknown, used or too old.
    Gone,
    /// Opened where it was asked for: it can sign in the holder of this address.
    Here(EmailAddress),
    /// Opened anywhere else.
    Elsewhere(Asker),
}

/// What a browser has asked for, while it holds.
#[derive(Clone, Debug)]
pub struct Asked {
    browser: Digest,
    pub remember: Remember,
    asker: Asker,
    letter: Option<Written>,
}

/// The letter that was written to somebody who has asked.
#[derive(Clone, Debug)]
struct Written {
    user: UserId,
    /// Of the address at that time.
    email_key: String,
    code: Option<Digest>,
}

impl Asked {
    /// Whose link it is; `None` as long as there is no letter, which may be for ever.
    pub fn user(&self) -> Option<UserId> {
        self.letter.as_ref().map(|letter| letter.user)
    }

    /// Whether there is a code that could be guessed.
    pub fn has_code(&self) -> bool {
        self.letter.as_ref().is_some_and(|letter| letter.code.is_some())
    }

    /// Whether it was this browser, by its cookie.
    pub fn is_by(&self, browser: Option<&Token>) -> bool {
        browser.is_some_and(|token| token.digest() == self.browser)
    }

    /// Whether the letter went to the address that its person still has.
    pub fn is_for(&self, user: &User) -> bool {
        self.letter.as_ref().is_some_and(|letter| letter.user == user.id && letter.email_key == user.email.key())
    }

    /// Whether this is the code that was shown. Constant time.
    pub fn is_right(&self, sealer: &Sealer, typed: &Redacted) -> bool {
        let shown = self.letter.as_ref().and_then(|letter| letter.code.as_ref());
        match (shown, Code::parse(typed)) {
            (Some(shown), Some(code)) => sealer.is_signed(PURPOSE, &message(&self.browser, &code), shown.as_bytes()),
            (None, _) | (_, None) => false,
        }
    }
}

fn message(browser: &Digest, code: &Code) -> Vec<u8> {
    [browser.as_bytes(), code.expose().as_bytes()].concat()
}

/// Asks for a link to be sent to an address, which need not have an account. Returns the cookie by which this browser
/// is known again.
pub async fn ask(app: &App, origin: &Origin, asking: Asking) -> Result<Token, requests::Error> {
    let limits = app.settings.limits.clone();
    // What was counted stays, whatever comes of it.
    let opened: Result<_, db::Error> = app.db.write(origin, move |tx| open(tx, &limits, &asking)).await;
    opened?
}

fn keys(tx: &mut Tx<'_>, limits: &Limits, email: &EmailAddress) -> Result<requests::Keys, db::Error> {
    let limit = limits.mail_per_account;
    Ok(match sessions::recognise_owner(tx, email)? {
        Some(device) => requests::Keys { network: None, mailbox: Key::magic_link_on(device, limit) },
        None => requests::Keys {
            network: tx.origin.address.map(|address| Key::magic_link_asked_from(address, limits.login_per_network)),
            mailbox: Key::magic_link_to(email, limit),
        },
    })
}

/// The cookie, or why there is none.
fn open(tx: &mut Tx<'_>, limits: &Limits, asking: &Asking) -> Result<Result<Token, requests::Error>, db::Error> {
    let keys = keys(tx, limits, &asking.email)?;
    let heard = requests::admit(tx, &keys)?;
    let before = asking.browser.as_ref();
    match (heard, before) {
        (Heard::Wait(wait), _) => return Ok(Err(requests::Error::TooMany(wait))),
        // There will be no other letter, so the last one stays good.
        (Heard::EnoughLetters, Some(before)) if store::find_by_browser(tx, &before.digest(), MOST_TRIES)?.is_some() => {
            return Ok(Ok(before.clone()));
        }
        (Heard::EnoughLetters | Heard::Yes, _) => {}
    }
    if let Some(provider) = domains::enforced(tx, &asking.email)? {
        return Ok(Err(requests::Error::ProviderOnly(provider)));
    }
    if let Some(before) = before {
        store::delete(tx, &before.digest())?;
    }
    let token = Token::generate();
    let browser = token.digest();
    store::insert(tx, &browser, asking.remember, tx.now + MAGIC_LINK_TTL)?;
    if heard == Heard::Yes {
        requests::write_down(tx, &asking.email, Wish::MagicLink { browser })?;
    }
    Ok(Ok(token))
}

/// Answers a browser that has asked, with a letter to the address as its holder wrote it, or with silence.
pub fn answer(tx: &mut Tx<'_>, app: &App, email: &EmailAddress, browser: &Digest) -> Result<(), mail::Error> {
    let Some(holder) = requests::find_enabled(tx, email)? else { return Ok(()) };
    let token = Token::generate();
    // Asked again meanwhile: the newer one is answered.
    if !store::set_letter(tx, browser, &token.digest(), (holder.id, &holder.email))? {
        return Ok(());
    }
    audit::record(tx, Event::about(holder.id, "magic_link.requested"))?;
    mail::enqueue(tx, &app.sealer, &holder.email, Some(holder.id), Letter::MagicLink { token })?;
    Ok(())
}

/// Looks at a link without using it. `browser` is the cookie of whoever looks.
pub fn look_at(tx: &mut ReadTx<'_>, token: &Token, browser: Option<&Token>) -> Result<Link, db::Error> {
    let Some((asked, email)) = store::find_by_link(tx, &token.digest(), MOST_TRIES)? else { return Ok(Link::Gone) };
    Ok(if asked.is_by(browser) { Link::Here(email) } else { Link::Elsewhere(asked.asker) })
}

/// Makes the code good, and says what it is and who has asked for it; `None` when the link is gone.
pub fn show_code(tx: &mut Tx<'_>, sealer: &Sealer, token: &Token) -> Result<Option<(Code, Asker)>, db::Error> {
    let Some((asked, _)) = store::find_by_link(tx, &token.digest(), MOST_TRIES)? else { return Ok(None) };
    let code = Code::of(token);
    let digest = sealer.sign(PURPOSE, &message(&asked.browser, &code));
    if !store::set_code(tx, &token.digest(), &digest)? {
        return Ok(None);
    }
    // Once: whoever has the link may ask as often as they like.
    if let Some(user) = asked.user().filter(|_| !asked.has_code()) {
        audit::record(tx, Event::about(user, "magic_link.code_shown"))?;
    }
    Ok(Some((code, asked.asker)))
}

/// What a link is for, while it holds.
pub fn find_by_link(tx: &mut ReadTx<'_>, token: &Token) -> Result<Option<Asked>, db::Error> {
    Ok(store::find_by_link(tx, &token.digest(), MOST_TRIES)?.map(|(asked, _)| asked))
}

/// What the browser with this cookie has asked for, while it holds and may be tried.
pub fn find_by_browser(tx: &mut ReadTx<'_>, browser: &Token) -> Result<Option<Asked>, db::Error> {
    store::find_by_browser(tx, &browser.digest(), MOST_TRIES)
}

/// The same, held until the transaction ends. Its person is locked before.
pub fn lock_by_browser(tx: &mut Tx<'_>, browser: &Token) -> Result<Option<Asked>, db::Error> {
    store::lock_by_browser(tx, &browser.digest(), MOST_TRIES)
}

/// Counts a wrong code.
pub fn count_try(tx: &mut Tx<'_>, asked: &Asked) -> Result<(), db::Error> {
    store::count_try(tx, &asked.browser)
}

/// Uses it up, link and code. `Ok(false)` when somebody else was first.
pub fn take(tx: &mut Tx<'_>, asked: &Asked) -> Result<bool, db::Error> {
    store::delete(tx, &asked.browser)
}

/// None of a person's links signs anybody in any more.
pub fn end_links(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    store::delete_all(tx, user)
}

/// Removes at most [`OLD_LINKS`] of those that are too old. How many.
pub fn forget_old(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    store::delete_expired(tx, OLD_LINKS)
}

/// What somebody is told of who opens a link elsewhere; never what a browser says of itself, which a stranger chooses.
fn asker(
    (address, user_agent): (Option<IpAddr>, Option<String>),
    (at, until): (DateTime<Utc>, DateTime<Utc>),
) -> Asker {
    Asker { at, address, browser: user_agent.as_deref().and_then(device::name), until }
}
