//! Attempts, and waits that grow: one policy for everything that somebody could guess, or ask for too often.
//!
//! Kept in the database, so every node agrees and a restart forgives nothing. An attempt is counted *before*
//! the slow work it guards, so a thousand at once are a thousand attempts; success takes it back. After the
//! allowed number each further failure waits twice as long as the one before, up to an hour; nobody is locked
//! out for good, and an attempt that is turned away does not make the wait longer. Failures are forgotten after a period
//! of quiet; where six digits would do, after a day of it.
//!
//! What is counted under which key (a network is an IPv4 address or the /64 of an IPv6 one; the limits are those of
//! `[limits]`):
//!
//! | what | a network | an account | a known device | what lifts it before its time |
//! | --- | --- | --- | --- | --- |
//! | password | `login.network`, and `login.here` for this account | `login.account` | `login.device` | a sign-in, the account's and this network's own; a new password by letter |
//! | code of an app | `code.network` | `code.account` | `code.device` | a right code |
//! | recovery code | `code.network` | none: 60 bits are not guessed | `recovery.device` | a right code |
//! | confirming in a session | `confirm.network` | `confirm.account` | `confirm.device` | a right proof |
//! | a link for a new password | `reset.network` | `reset.account` | `reset.device` | |
//! | a link to sign in by | `magic_link.network` | `magic_link.account` | `magic_link.device` | |
//! | the code of such a link | `code.network` | `magic_code.account`, once it was shown | `magic_code.device` | a right code |
//! | a passkey | `login.network`, or `code.network` as the second factor | none: it is not guessed | `passkey.device` | a right one |
//! | what a provider has somebody bring | `sso.answer.network` | | | a good one, its own |
//! | typing an address to sign in (six times as many) | `sso.address.network` | | | a good answer, one |
//! | going to a provider (six times as many) | `sso.begin.network` | | | a good answer |
//! | choosing a password, anywhere | `password.network` | | | |
//! | taking along what is kept (five an hour) | | `export.account` | | |
//! | letters on one's own account | | `mail.account` | | |
//! | letters about new places | | `mail.new_place` | | |
//! | inviting somebody | | `invitation.account`, `invitation.organization` and, for whom it goes to, `mail.invitation` | | |
//!
//! In a browser that is known for the account ([`crate::sessions`] says which is) its own key counts *instead of* the
//! others: what strangers do neither stops its person nor is made worse by them, and a stolen cookie buys a few guesses
//! that wait like any others.
//!
//! Where nobody is known, an account that waits because of others lets those in who have **a second factor**: a right
//! password leads to the second step from any network whose own attempts do not wait ([`crate::signin::password`] has
//! the details). What cannot be guessed is not counted for the account at all: a recovery code, a mailed link, a
//! passkey. Codes of an app can be, by whoever knows the password; an account that waits for those is open to a known
//! browser, to a recovery code and to a passkey.
//!
//! Letters beyond `reset.account`, `magic_link.account` and `mail.account`, or those of a device, are not sent, and
//! nobody is told so; those that were sent go on working, whoever asked for them.

mod store;

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::settings::{Limit, Limits};
use crate::db::{self, Tx};
use crate::kernel::client_address::network_of;
use crate::kernel::{Digest, EmailAddress, KnownDeviceId, OrganizationId, UserId};

const FIRST_WAIT: TimeDelta = TimeDelta::seconds(30);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

/// How long failures with six digits count at least, unless a right one comes. Whoever could begin afresh every quarter of
/// an hour would have guessed a code of an app within a year or two; an attempt an hour takes them forty.
const DIGITS_COUNT_FOR: TimeDelta = TimeDelta::days(1);

/// What six digits can be tried for; and inviting people, which counts for a day as well.
const COUNTED_FOR_A_DAY: [&str; 8] = [
    "code.account",
    "code.device",
    "confirm.account",
    "confirm.device",
    "invitation.account",
    "invitation.organization",
    "magic_code.account",
    "magic_code.device",
];

/// What is counted for one address or one person, wherever it comes from.
const OF_A_PERSON: [&str; 9] = [
    "login.account",
    "code.account",
    "confirm.account",
    "reset.account",
    "magic_link.account",
    "magic_code.account",
    "email.account",
    "mail.account",
    "mail.new_place",
];

/// What is counted, and for whom. Holds a digest only: the address need not exist.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    scope: &'static str,
    subject: Digest,
    limit: Limit,
}

impl Key {
    /// Wrong passwords for one account.
    pub fn sign_in_to(account: &EmailAddress, limit: Limit) -> Self {
        Self { scope: "login.account", subject: Digest::of(account.key().as_bytes()), limit }
    }

    /// Wrong passwords from one network address (IPv6 by /64).
    pub fn sign_in_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "login.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Wrong passwords for one account from one network address: what somebody has done themselves, whatever others do.
    pub fn sign_in_here(account: &EmailAddress, address: IpAddr, limit: Limit) -> Self {
        let both = format!("{} {}", network_of(address), account.key());
        Self { scope: "login.here", subject: Digest::of(both.as_bytes()), limit }
    }

    /// Wrong passwords in a browser that is known for the account they are for.
    pub fn sign_in_on(device: KnownDeviceId, limit: Limit) -> Self {
        Self::on_device("login.device", device, limit)
    }

    /// Wrong codes of an authenticator app for one account. Only those who have given the first proof get to try any.
    pub fn code_of(account: UserId, limit: Limit) -> Self {
        Self { scope: "code.account", subject: Digest::of(account.as_uuid().as_bytes()), limit }
    }

    /// Wrong codes of an authenticator app in a browser that is known for the account.
    pub fn code_on(device: KnownDeviceId, limit: Limit) -> Self {
        Self::on_device("code.device", device, limit)
    }

    /// Wrong recovery codes there.
    pub fn recovery_on(device: KnownDeviceId, limit: Limit) -> Self {
        Self::on_device("recovery.device", device, limit)
    }

    /// Passkeys that proved nothing there.
    pub fn passkey_on(device: KnownDeviceId, limit: Limit) -> Self {
        Self::on_device("passkey.device", device, limit)
    }

    /// Second factors that were wrong, of whatever kind, from one network address.
    pub fn code_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "code.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Passwords chosen from one network address, for whatever account.
    pub fn password_chosen_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "password.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Wrong confirmations in a person's sessions. Apart from signing in: whoever has got hold of a session must not
    /// keep its owner out.
    pub fn confirmation_of(person: UserId, limit: Limit) -> Self {
        Self { scope: "confirm.account", subject: Digest::of(person.as_uuid().as_bytes()), limit }
    }

    /// Wrong confirmations from one network address, for whatever account.
    pub fn confirmation_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "confirm.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Wrong confirmations of a person in a browser that is known for them.
    pub fn confirmation_on(device: KnownDeviceId, limit: Limit) -> Self {
        Self::on_device("confirm.device", device, limit)
    }

    /// Letters to one address that somebody else can cause.
    pub fn mail_to(account: &EmailAddress, limit: Limit) -> Self {
        Self { scope: "mail.account", subject: Digest::of(account.key().as_bytes()), limit }
    }

    /// Links for a new password to one address. Apart from the other letters: a stranger who signs up with the
    /// address again and again must not use up the owner's way back in.
    pub fn reset_of(account: &EmailAddress, limit: Limit) -> Self {
        Self { scope: "reset.account", subject: Digest::of(account.key().as_bytes()), limit }
    }

    /// Links for a new password, asked for in a browser that is known for the account.
    pub fn reset_on(device: KnownDeviceId, limit: Limit) -> Self {
        Self::on_device("reset.device", device, limit)
    }

    /// Links for a new password that one network address asks for, for whatever account.
    pub fn reset_asked_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "reset.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Links that sign in, to one address. Apart from the other letters, as above.
    pub fn magic_link_to(account: &EmailAddress, limit: Limit) -> Self {
        Self { scope: "magic_link.account", subject: Digest::of(account.key().as_bytes()), limit }
    }

    /// Links that sign in, asked for by one network address, for whatever account.
    pub fn magic_link_asked_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "magic_link.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Links that sign in, asked for in a browser that is known for the account: what strangers ask for does not count.
    pub fn magic_link_on(device: KnownDeviceId, limit: Limit) -> Self {
        Self::on_device("magic_link.device", device, limit)
    }

    /// Wrong codes for links of one account, that its owner has had shown. Strangers alone cannot get this far.
    pub fn magic_code_of(account: UserId, limit: Limit) -> Self {
        Self { scope: "magic_code.account", subject: Digest::of(account.as_uuid().as_bytes()), limit }
    }

    /// The same in a browser that is known for the account.
    pub fn magic_code_on(device: KnownDeviceId, limit: Limit) -> Self {
        Self::on_device("magic_code.device", device, limit)
    }

    /// Changes of one person's address. Each is a letter to a mailbox of their choice, and an answer to whether it has
    /// an account.
    pub fn email_change_by(person: UserId, limit: Limit) -> Self {
        Self { scope: "email.account", subject: Digest::of(person.as_uuid().as_bytes()), limit }
    }

    /// Changes of addresses from one network address, for whatever account.
    pub fn email_change_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "email.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Copies of all that is kept about one person.
    pub fn export_of(person: UserId, limit: Limit) -> Self {
        Self { scope: "export.account", subject: Digest::of(person.as_uuid().as_bytes()), limit }
    }

    /// Letters about sign-ins from new places to one address: whoever knows the password can cause as many as they
    /// have addresses, and must not use up the letters that its owner asks for.
    pub fn new_place_mail_to(account: &EmailAddress, limit: Limit) -> Self {
        Self { scope: "mail.new_place", subject: Digest::of(account.key().as_bytes()), limit }
    }

    /// Letters by which one person has invited others, into whatever organization.
    pub fn invitations_by(person: UserId, limit: Limit) -> Self {
        Self { scope: "invitation.account", subject: Digest::of(person.as_uuid().as_bytes()), limit }
    }

    /// The same for one organization, whoever sends them.
    pub fn invitations_of(organization: OrganizationId, limit: Limit) -> Self {
        Self { scope: "invitation.organization", subject: Digest::of(organization.as_uuid().as_bytes()), limit }
    }

    /// Invitations to one address, from all organizations. Apart from the other letters, as above.
    pub fn invitation_to(address: &EmailAddress, limit: Limit) -> Self {
        Self { scope: "mail.invitation", subject: Digest::of(address.key().as_bytes()), limit }
    }

    /// Records of domains that were looked for, for one organization.
    pub fn domain_checked_of(organization: OrganizationId, limit: Limit) -> Self {
        Self { scope: "domain.organization", subject: Digest::of(organization.as_uuid().as_bytes()), limit }
    }

    /// Addresses of which somebody asked, from one network address, by whom they sign in.
    pub fn provider_asked_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "sso.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Addresses that somebody has typed to sign in, and that were looked up for that, from one network address.
    pub fn address_typed_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "sso.address.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Answers of identity providers, and what they say of signing out, from one network address.
    pub fn provider_answered_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "sso.answer.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// People who were sent to an identity provider, from one network address.
    pub fn provider_sought_from(address: IpAddr, limit: Limit) -> Self {
        Self { scope: "sso.begin.network", subject: Digest::of(network_of(address).to_string().as_bytes()), limit }
    }

    /// Its limit, with the time after which failures are forgotten.
    fn remembering(&self) -> Limit {
        let Limit { count, period } = self.limit;
        let is_digits = COUNTED_FOR_A_DAY.contains(&self.scope);
        Limit { count, period: if is_digits { period.max(DIGITS_COUNT_FOR) } else { period } }
    }

    fn on_device(scope: &'static str, device: KnownDeviceId, limit: Limit) -> Self {
        Self { scope, subject: Digest::of(device.as_uuid().as_bytes()), limit }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    Admitted,
    /// Come back after this long: at least a second.
    Wait(TimeDelta),
}

/// What is kept for one key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Count {
    attempts: i32,
    last_attempt_at: DateTime<Utc>,
    waits_until: Option<DateTime<Utc>>,
}

/// Counts an attempt for every key, or for none of them when one has to wait: then as long as the last of them.
pub fn admit(tx: &mut Tx<'_>, keys: &[Key]) -> Result<Admission, db::Error> {
    // Looked at first, so that whoever is turned away writes nothing, however often and for whomever they come.
    let mut waits = Vec::with_capacity(keys.len());
    for key in keys {
        waits.push((key, store::find_wait(tx, key)?.filter(|until| *until - tx.now <= LONGEST_WAIT)));
    }
    if let Some(wait) = longest(tx, &waits) {
        return Ok(Admission::Wait(wait));
    }
    let now = tx.now;
    let mut counts = Vec::with_capacity(keys.len());
    for key in keys {
        counts.push((key, lock(tx, key)?));
    }
    let waits: Vec<_> = counts.iter().map(|(key, count)| (*key, count.waits_until)).collect();
    if let Some(wait) = longest(tx, &waits) {
        return Ok(Admission::Wait(wait));
    }
    for (key, count) in counts {
        store::save(tx, key, &after_attempt(count, key.remembering(), now))?;
    }
    Ok(Admission::Admitted)
}

/// How long somebody has to wait, if they have to.
fn longest(tx: &Tx<'_>, waits: &[(&Key, Option<DateTime<Utc>>)]) -> Option<TimeDelta> {
    let now = tx.now;
    let waiting = waits.iter().filter_map(|(key, until)| Some((key, until.filter(|until| *until > now)?)));
    waiting.clone().for_each(|(key, _)| tx.meters.waited(key.scope));
    let wait = waiting.map(|(_, until)| until - now).max()?;
    Some(wait.max(TimeDelta::seconds(1)))
}

/// Holds these keys until the transaction ends, and counts nothing. For whoever will change them after locking a person:
/// elsewhere they are held before, and two in different orders would wait for each other.
pub fn hold(tx: &mut Tx<'_>, keys: &[Key]) -> Result<(), db::Error> {
    keys.iter().try_for_each(|key| store::lock(tx, key).map(drop))
}

fn lock(tx: &mut Tx<'_>, key: &Key) -> Result<Count, db::Error> {
    let now = tx.now;
    let mut count = store::lock(tx, key)?;
    if count.waits_until.is_some_and(|until| until - now > LONGEST_WAIT) {
        // The clock was ahead when it began, and has been set back since.
        count.waits_until = wait_after(count.attempts, key.limit).map(|wait| now + wait);
        store::save(tx, key, &count)?;
    }
    Ok(count)
}

/// Forgets the failures of a key: its holder has shown who they are.
pub fn forget(tx: &mut Tx<'_>, key: &Key) -> Result<(), db::Error> {
    store::delete(tx, key)
}

/// Forgets the wrong passwords for one account, of everybody together and of the network that this comes from.
pub fn forget_sign_ins(tx: &mut Tx<'_>, account: &EmailAddress, limit: Limit) -> Result<(), db::Error> {
    let here = tx.origin.address.map(|address| Key::sign_in_here(account, address, limit));
    here.iter().chain([&Key::sign_in_to(account, limit)]).try_for_each(|key| store::delete(tx, key))
}

/// Forgets what was counted for a person and their addresses, but for what somebody counts at this moment: that means
/// nothing soon.
pub fn forget_person(tx: &mut Tx<'_>, person: UserId, addresses: &[EmailAddress]) -> Result<(), db::Error> {
    let of_addresses = addresses.iter().map(|address| Digest::of(address.key().as_bytes()));
    let subjects: Vec<Digest> = of_addresses.chain([Digest::of(person.as_uuid().as_bytes())]).collect();
    store::delete_of(tx, &OF_A_PERSON, &subjects)
}

/// Removes counts that mean nothing any more, some at a time. How many; `batch` of them if there may be more.
pub fn forget_old(tx: &mut Tx<'_>, limits: &Limits, batch: usize) -> Result<usize, db::Error> {
    let periods = [limits.login_per_account, limits.login_per_network, limits.mail_per_account];
    let longest = periods.iter().map(|limit| limit.period).max().unwrap_or_default();
    // A count is forgotten a period after its wait, which is an hour at most.
    let before = tx.now - longest - LONGEST_WAIT;
    let before_digits = tx.now - longest.max(DIGITS_COUNT_FOR) - LONGEST_WAIT;
    store::delete_old(tx, before, (&COUNTED_FOR_A_DAY, before_digits), batch)
}

/// Takes one attempt back: it was not a failure.
pub fn take_back(tx: &mut Tx<'_>, key: &Key) -> Result<(), db::Error> {
    let count = store::lock(tx, key)?;
    let attempts = (count.attempts - 1).max(0);
    store::save(tx, key, &Count { attempts, waits_until: wait_after(attempts, key.limit).map(|w| tx.now + w), ..count })
}

/// One more attempt. After a period of quiet, counted from the end of any wait, the count starts afresh.
fn after_attempt(count: Count, limit: Limit, now: DateTime<Utc>) -> Count {
    let quiet_since = count.waits_until.unwrap_or(count.last_attempt_at);
    let is_forgotten = now - quiet_since >= limit.period;
    let attempts = if is_forgotten { 1 } else { count.attempts.saturating_add(1) };
    Count { attempts, last_attempt_at: now, waits_until: wait_after(attempts, limit).map(|wait| now + wait) }
}

/// None while the limit is not used up; then 30 s, doubled for every further attempt, at most an hour.
fn wait_after(attempts: i32, limit: Limit) -> Option<TimeDelta> {
    let over = u32::try_from(attempts).unwrap_or(0).checked_sub(limit.count)?;
    let wait = FIRST_WAIT * 2_i32.pow(over.min(7));
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { count: 5, period: TimeDelta::minutes(15) };

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    #[test]
    fn waits_begin_after_the_limit_and_double_to_an_hour() {
        let waits: Vec<_> = (4..=14).map(|n| wait_after(n, LIMIT).map(|w| w.num_seconds())).collect();
        let expected = [None, Some(30), Some(60), Some(120), Some(240), Some(480), Some(960), Some(1920)];
        assert_eq!(waits[..8], expected);
        assert_eq!(waits[8..], [Some(3600), Some(3600), Some(3600)]);
    }

    #[test]
    fn a_quiet_period_is_forgotten() {
        let mut count = Count { attempts: 0, last_attempt_at: start(), waits_until: None };
        for _ in 0..5 {
            count = after_attempt(count, LIMIT, start());
        }
        assert_eq!(count.waits_until, Some(start() + TimeDelta::seconds(30)));
        let later = after_attempt(count, LIMIT, start() + TimeDelta::hours(1));
        assert_eq!((later.attempts, later.waits_until), (1, None));
    }
}
