use super::store;
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::UserId;

/// Of the details of somebody's events these stay, whatever the event is: words out of our own lists, numbers, flags, and
/// what an organization calls its own things. All others go: names that somebody chose, ids of what was theirs, what mail
/// servers have said about an address.
const HARMLESS: [&str; 18] = [
    "by",
    "count",
    "deletes_at",
    "expires_at",
    "group",
    "has_none",
    "how",
    "left",
    "letter",
    "members",
    "method",
    "methods",
    "outcome",
    "removed",
    "role",
    "scopes",
    "slug",
    "was_verified",
];

/// Who somebody has been, once nobody is to know: the same for all of their events, so that these still belong together.
/// It is keyed (HMAC-SHA-256 under the first of `secrets.key`), so whoever has the id and not the key cannot tell. With
/// another first key the same id would get another pseudonym; those given before stay what they are.
fn pseudonym(sealer: &Sealer, user: UserId) -> UserId {
    let signature = sealer.sign("audit pseudonym", user.as_uuid().as_bytes());
    UserId::pseudonym(signature.first_chunk().copied().unwrap_or_default())
}

/// Puts the pseudonym in a person's place in some of their events, at most `most` of what they did and as much of what
/// happened to them; of where they did it from nothing is left. In how many: none when there is nothing left to do.
pub fn anonymise(tx: &mut Tx<'_>, sealer: &Sealer, user: UserId, most: i32) -> Result<usize, db::Error> {
    store::anonymise(tx, (user, pseudonym(sealer, user)), &HARMLESS, most)
}

/// Whether a person has done more than so much, or more than that has happened to them.
pub fn has_more_than(tx: &mut ReadTx<'_>, user: UserId, most: i32) -> Result<bool, db::Error> {
    store::has_more_than(tx, user, most.into())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::config::settings::SecretKey;

    #[test]
    fn a_pseudonym_is_one_per_person_and_key() {
        let sealer = |byte| Sealer::new(&[SecretKey::from_bytes(vec![byte; 32]).unwrap()]).unwrap();
        let [ann, ben] = [UserId::new(DateTime::<Utc>::UNIX_EPOCH), UserId::new(DateTime::<Utc>::UNIX_EPOCH)];
        let named = pseudonym(&sealer(1), ann);
        assert_eq!(named, pseudonym(&sealer(1), ann));
        assert_ne!(named, pseudonym(&sealer(1), ben));
        assert_ne!(named, pseudonym(&sealer(2), ann));
        assert_eq!(named.as_uuid().get_version_num(), 8);
    }
}
