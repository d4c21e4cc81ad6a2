//! Codes of an authenticator app (RFC 6238).
//!
//! SHA-1, six digits, thirty seconds: what every app understands, some of them nothing else. The secret has 160 bits.
//! A clock may be one step off either way; the step of a code that was taken is remembered, and neither it nor an
//! earlier one is taken again.

use chrono::{DateTime, TimeDelta, Utc};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::recovery::RecoveryCode;
use super::{Error, Holder, letters, qr, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::secrets::random_bytes;
use crate::kernel::{Redacted, UserId};
use crate::mail::FactorChange;
use crate::sessions::{self, Opened};
use crate::throttle::{self, Admission, Key};

/// How long a set-up may wait for its first code.
pub const SET_UP_TTL: TimeDelta = TimeDelta::hours(1);

/// RFC 4226, section 4, requirement 6.
const SECRET_BYTES: usize = 20;

/// What an app is to be told, for its person's eyes only.
#[derive(Debug)]
pub struct SetUp {
    /// In base32, to be typed.
    pub secret: Redacted,
    /// `otpauth://totp/…`
    pub otpauth_url: Redacted,
    /// The same as a picture.
    pub qr_svg: Redacted,
}

#[derive(Debug)]
pub enum Started {
    /// Whatever was set up before and not enabled is worth nothing any more.
    SetUp(SetUp),
    /// There is an enabled one, which has to be turned off first.
    AlreadyOn,
}

/// What became of a code that was to enable it. The refused ones are counted, so the transaction must commit.
#[derive(Debug)]
pub enum Enabling {
    /// With ten recovery codes when this is their first factor, and the session of whoever did it as it goes on.
    On(Option<Vec<RecoveryCode>>, Option<Opened>),
    WrongCode,
    /// There is nothing to enable, or it was set up too long ago.
    NotSetUp,
    AlreadyOn,
    Wait(TimeDelta),
}

/// What a code was worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Right,
    Wrong,
    /// It, or a later one, was taken before.
    Used,
}

/// A stored secret, and since when it counts.
pub(super) struct Stored {
    pub sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub enabled_at: Option<DateTime<Utc>>,
}

/// Makes a secret, which is worth nothing until [`enable`].
pub fn start(tx: &mut Tx<'_>, app: &App, holder: &Holder) -> Result<Started, Error> {
    let secret: Zeroizing<[u8; SECRET_BYTES]> = Zeroizing::new(random_bytes());
    let sealed = app.sealer.seal(&purpose(holder.user), secret.as_slice())?;
    if !store::put_pending(tx, holder.user, &sealed)? {
        return Ok(Started::AlreadyOn);
    }
    if let Some(token) = &holder.session
        && !sessions::hold(tx, token)?
    {
        return Err(Error::Ended);
    }
    audit::record(tx, Event::about(holder.user, "totp.set_up"))?;
    Ok(Started::SetUp(describe(app, holder, secret.as_slice())?))
}

/// What was set up and waits to be enabled.
pub fn find_set_up(tx: &mut ReadTx<'_>, app: &App, holder: &Holder) -> Result<Option<SetUp>, Error> {
    let stored = store::find_totp(tx, holder.user)?;
    let Some(pending) = stored.filter(|stored| is_pending(stored, tx.now)) else { return Ok(None) };
    let secret = unseal(&app.sealer, holder.user, &pending)?;
    describe(app, holder, &secret).map(Some)
}

/// What was set up and not enabled is worth nothing any more: whoever knows the secret may be somebody else by now.
pub fn forget_set_up(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    store::delete_pending_totp(tx, user)
}

/// Takes the first code. From now on signing in asks for one.
pub fn enable(tx: &mut Tx<'_>, app: &App, holder: &Holder, code: &Redacted) -> Result<Enabling, Error> {
    let user = holder.user;
    let key = Key::code_of(user, app.settings.limits.login_per_account);
    if let Admission::Wait(wait) = throttle::admit(tx, &[key])? {
        return Ok(Enabling::Wait(wait));
    }
    // Two at once must not both be the first.
    store::lock_person(tx, user)?;
    let stored = match store::lock_totp(tx, user)? {
        Some(stored) if stored.enabled_at.is_some() => return Ok(Enabling::AlreadyOn),
        Some(stored) if is_pending(&stored, tx.now) => stored,
        Some(_) | None => return Ok(Enabling::NotSetUp),
    };
    let secret = unseal(&app.sealer, user, &stored)?;
    let Some(step) = matching_step(&secret, code, tx.now)? else { return Ok(Enabling::WrongCode) };
    let before = super::list(tx, user)?;
    store::enable_totp(tx, user, step)?;
    throttle::forget(tx, &key)?;
    let codes = super::make_codes_for_the_first(tx, &app.sealer, &before, user)?;
    audit::record(tx, Event::about(user, "totp.enabled"))?;
    letters::tell(tx, &app.sealer, holder, FactorChange::AuthenticatorOn)?;
    Ok(Enabling::On(codes, super::go_on(tx, app, holder)?))
}

/// Takes the app away, and with the last factor the recovery codes.
pub fn disable(tx: &mut Tx<'_>, app: &App, holder: &Holder) -> Result<Disabling, Error> {
    store::lock_person(tx, holder.user)?;
    let theirs = super::list(tx, holder.user)?;
    if theirs.totp && super::has_to_stay(tx, &theirs, holder.user)? {
        return Ok(Disabling::Required);
    }
    if !store::delete_totp(tx, holder.user)? {
        return Ok(Disabling::NoneThere);
    }
    let protection = super::let_codes_go_with_the_last(tx, holder.user)?;
    audit::record(tx, Event::about(holder.user, "totp.disabled"))?;
    letters::tell(tx, &app.sealer, holder, FactorChange::AuthenticatorOff(protection))?;
    Ok(Disabling::Off(super::go_on(tx, app, holder)?))
}

#[derive(Debug)]
pub enum Disabling {
    /// Signing in asks for no code of it any more. With the session of whoever did it, as it goes on.
    Off(Option<Opened>),
    NoneThere,
    /// It is their last factor, and an organization of theirs asks for one.
    Required,
}

/// Checks a code of an enabled app and uses it up.
pub fn use_code(tx: &mut Tx<'_>, sealer: &Sealer, user: UserId, code: &Redacted) -> Result<Verdict, Error> {
    let Some(stored) = store::find_totp(tx, user)?.filter(|stored| stored.enabled_at.is_some()) else {
        return Ok(Verdict::Wrong);
    };
    let secret = unseal(sealer, user, &stored)?;
    let Some(step) = matching_step(&secret, code, tx.now)? else { return Ok(Verdict::Wrong) };
    // Of two who bring the same code at once, this statement lets one through.
    let is_first = store::take_step(tx, user, step)?;
    Ok(if is_first { Verdict::Right } else { Verdict::Used })
}

/// The time step whose code this is, now or one step away (RFC 6238, section 5.2). Spaces in it are how apps show it.
fn matching_step(secret: &[u8], code: &Redacted, now: DateTime<Utc>) -> Result<Option<i64>, Error> {
    let digits: Zeroizing<String> =
        Zeroizing::new(code.expose().chars().filter(|c| !c.is_whitespace() && *c != '-').collect());
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let step = generator(secret, None)?.check(&digits, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn describe(app: &App, holder: &Holder, secret: &[u8]) -> Result<SetUp, Error> {
    let totp = generator(secret, Some((super::site_name(app), holder.email.as_str())))?;
    let url = totp.to_url().map_err(Error::unusable)?;
    let qr = qr::draw(&url).ok_or_else(|| Error::unusable("too long for a QR code"))?;
    Ok(SetUp {
        secret: Redacted::new(totp.secret().to_base32()),
        otpauth_url: Redacted::new(url),
        qr_svg: Redacted::new(qr),
    })
}

/// With how the app is to call it: the site and the account.
fn generator(secret: &[u8], label: Option<(&str, &str)>) -> Result<Totp, Error> {
    let mut builder = Builder::new().with_secret(secret);
    if let Some((site, account)) = label {
        // A colon would end the name of the site.
        builder = builder.with_issuer(Some(site.replace(':', " "))).with_account_name(account);
    }
    builder.build().map_err(Error::unusable)
}

fn is_pending(stored: &Stored, now: DateTime<Utc>) -> bool {
    stored.enabled_at.is_none() && now - stored.created_at < SET_UP_TTL
}

fn unseal(sealer: &Sealer, user: UserId, stored: &Stored) -> Result<Zeroizing<Vec<u8>>, Error> {
    Ok(Zeroizing::new(sealer.open(&purpose(user), &stored.sealed)?))
}

/// A sealed secret opens for its own person only.
fn purpose(user: UserId) -> String {
    format!("totp {user}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B; there with eight digits, of which an app with six shows the last.
    const VECTORS: [(i64, &str); 6] = [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ];
    const SECRET: &[u8] = b"12345678901234567890";

    fn step(code: &str, seconds: i64) -> Option<i64> {
        let now = DateTime::from_timestamp(seconds, 0).unwrap();
        matching_step(SECRET, &Redacted::new(code.to_owned()), now).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in VECTORS {
            assert_eq!(step(&code[2..], seconds), Some(seconds / 30), "at {seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off_and_not_two() {
        let (seconds, code) = (1_234_567_890, "005924");
        for off in [-30, 0, 30] {
            assert_eq!(step(code, seconds + off), Some(seconds / 30), "{off} seconds off");
        }
        for off in [-60, 60, 3600] {
            assert_eq!(step(code, seconds + off), None, "{off} seconds off");
        }
    }

    #[test]
    fn a_code_may_be_typed_as_it_is_shown_and_in_no_other_way() {
        assert_eq!(step(" 005 924 ", 1_234_567_890), Some(41_152_263));
        for text in ["", "5924", "0005924", "+05924", "00592４", "89005924"] {
            assert_eq!(step(text, 1_234_567_890), None, "{text:?}");
        }
    }

    #[test]
    fn an_app_is_told_the_site_the_account_and_the_secret() {
        let url = generator(SECRET, Some(("Example: Inc", "ann+x@example.com"))).unwrap().to_url().unwrap();
        assert!(url.starts_with("otpauth://totp/Example%20%20Inc:ann%2Bx%40example.com?"), "{url}");
        assert!(url.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{url}");
        assert!(url.contains("issuer=Example%20%20Inc"), "{url}");
    }
}
