//! Recovery codes: for the day the phone is gone.
//!
//! Twelve characters of Crockford's base32 in groups of four, 60 random bits. Too many to guess over the wire, but not
//! to try out on a stolen copy of the table: so what is stored is a keyed digest, and whoever tries needs the keys of
//! the configuration as well. A slow hash would cost ten of them at every use and protect less.

use super::{Error, Holder, letters, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::{self, Tx};
use crate::kernel::secrets::random_bytes;
use crate::kernel::{Digest, Redacted, UserId};
use crate::mail::FactorChange;
use crate::sessions::Opened;

/// How many there are at a time.
pub const COUNT: usize = 10;

const LENGTH: usize = 12;
const PURPOSE: &str = "recovery code";

/// Without I, L, O and U, which are read as other characters or as words.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Shown once: `7Q2M-XK4D-09RT`.
#[derive(Clone, Debug)]
pub struct RecoveryCode(Redacted);

impl RecoveryCode {
    fn generate() -> Self {
        let chances: [u8; LENGTH] = random_bytes();
        // 32 divides 256, so no character is likelier than another.
        let symbols = chances.iter().filter_map(|chance| ALPHABET.get(usize::from(chance % 32)));
        Self(Redacted::new(symbols.map(|symbol| char::from(*symbol)).collect()))
    }

    /// As somebody typed it: in any case, with or without dashes and spaces, with the letters that look like digits.
    fn parse(text: &Redacted) -> Option<Self> {
        let typed = text.expose().chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}'));
        let symbols: String = typed.map(|c| meant(c.to_ascii_uppercase())).take(LENGTH + 1).collect();
        let is_one = symbols.len() == LENGTH && symbols.bytes().all(|symbol| ALPHABET.contains(&symbol));
        is_one.then(|| Self(Redacted::new(symbols)))
    }

    /// In groups, to be read and typed.
    pub fn expose(&self) -> String {
        let symbols: Vec<char> = self.0.expose().chars().collect();
        symbols.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }

    /// What is signed: the code of this person.
    fn message(&self, user: UserId) -> Vec<u8> {
        [user.as_uuid().as_bytes().as_slice(), self.0.expose().as_bytes()].concat()
    }
}

fn meant(symbol: char) -> char {
    match symbol {
        'O' => '0',
        'I' | 'L' => '1',
        symbol => symbol,
    }
}

/// Ten others in place of all that there are, and the session of whoever asked for them as it goes on.
#[derive(Debug)]
pub struct Replaced {
    pub codes: Vec<RecoveryCode>,
    pub rotated: Option<Opened>,
}

/// `None` for somebody who has nothing that could get lost.
pub fn regenerate(tx: &mut Tx<'_>, app: &App, holder: &Holder) -> Result<Option<Replaced>, Error> {
    // Two at once wait for each other here, or both would leave ten.
    store::lock_person(tx, holder.user)?;
    if !super::list(tx, holder.user)?.are_asked_for() {
        return Ok(None);
    }
    let codes = replace(tx, &app.sealer, holder.user)?;
    audit::record(tx, Event::about(holder.user, "recovery_codes.replaced"))?;
    letters::tell(tx, &app.sealer, holder, FactorChange::RecoveryCodesReplaced)?;
    Ok(Some(Replaced { codes, rotated: super::go_on(tx, app, holder)? }))
}

/// The person must be locked.
pub(super) fn replace(tx: &mut Tx<'_>, sealer: &Sealer, user: UserId) -> Result<Vec<RecoveryCode>, db::Error> {
    let codes: Vec<RecoveryCode> = std::iter::repeat_with(RecoveryCode::generate).take(COUNT).collect();
    let digests: Vec<Vec<u8>> = codes.iter().map(|code| sealer.sign(PURPOSE, &code.message(user)).to_vec()).collect();
    store::delete_codes(tx, user)?;
    store::insert_codes(tx, user, &digests)?;
    Ok(codes)
}

/// Uses a code up, and tells its holder how many are left. `None` when it is none of theirs, or was used.
pub fn use_code(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    holder: &Holder,
    typed: &Redacted,
) -> Result<Option<CodesLeft>, Error> {
    let Some(code) = RecoveryCode::parse(typed) else { return Ok(None) };
    let message = code.message(holder.user);
    // Not looked up by its digest: that of an older key is another one.
    let unused: Vec<Digest> = store::list_unused_codes(tx, holder.user)?;
    let Some(digest) = unused.iter().find(|digest| sealer.is_signed(PURPOSE, &message, digest.as_bytes())) else {
        return Ok(None);
    };
    // Of two who bring the same code at once, this statement lets one through.
    if !store::take_code(tx, holder.user, digest)? {
        return Ok(None);
    }
    let left = store::count_unused_codes(tx, holder.user)?;
    audit::record(tx, Event::about(holder.user, "recovery_code.used").with("left", left))?;
    letters::tell_of_use(tx, sealer, holder, left)?;
    Ok(Some(CodesLeft(left)))
}

/// After one was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodesLeft(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_understood_as_it_is_written_down() {
        let code = RecoveryCode(Redacted::new("7Q2M0K4D19RT".to_owned()));
        assert_eq!(code.expose(), "7Q2M-0K4D-19RT");
        for typed in ["7Q2M-0K4D-19RT", " 7q2m 0k4d 19rt ", "7q2mok4di9rt", "7Q2M\u{2013}OK4D\u{2013}L9RT"] {
            let parsed = RecoveryCode::parse(&Redacted::new(typed.to_owned())).expect(typed);
            assert_eq!(parsed.0.expose(), code.0.expose(), "{typed}");
        }
        for typed in ["", "7Q2M-0K4D-19R", "7Q2M-0K4D-19RTT", "7Q2M-0K4D-19RU", "7Q2M-0K4D-19R\u{e9}", "123456"] {
            assert!(RecoveryCode::parse(&Redacted::new(typed.to_owned())).is_none(), "{typed}");
        }
    }

    #[test]
    fn codes_are_made_of_the_whole_alphabet_and_understood_again() {
        let codes: Vec<RecoveryCode> = std::iter::repeat_with(RecoveryCode::generate).take(1000).collect();
        let seen: std::collections::BTreeSet<u8> = codes.iter().flat_map(|code| code.0.expose().bytes()).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ALPHABET);
        for code in &codes {
            let again = RecoveryCode::parse(&Redacted::new(code.expose())).unwrap();
            assert_eq!(again.0.expose(), code.0.expose());
        }
    }
}
