use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use super::{PublicKey, SigningKey};

/// One of the keys that are published.
#[derive(Debug)]
pub struct Key {
    pub public: PublicKey,
    /// The thumbprint of the public part.
    pub kid: String,
    pub signs_at: DateTime<Utc>,
    /// `None` where this node never signs with it.
    pub signing: Option<SigningKey>,
}

/// Those that are published, the oldest first.
pub type Keys = Vec<Key>;

/// The keys this node signs with and publishes, as far as it knows. Cheap to clone; empty until it is told of some.
#[derive(Clone, Default)]
pub struct Keyring {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    keys: RwLock<Option<Arc<Keys>>>,
    changes: AtomicU64,
}

impl Keyring {
    /// `None` until it has been told of any, or that there are none.
    pub fn keys(&self) -> Option<Arc<Keys>> {
        self.inner.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// In place of those before.
    pub fn replace(&self, keys: Keys) -> Arc<Keys> {
        let keys = Arc::new(keys);
        let mut own = self.inner.keys.write().unwrap_or_else(PoisonError::into_inner);
        *own = Some(Arc::clone(&keys));
        self.inner.changes.fetch_add(1, Ordering::Release);
        keys
    }

    /// How often they have been replaced. What was signed before may name a key that is published no more.
    pub fn changes(&self) -> u64 {
        self.inner.changes.load(Ordering::Acquire)
    }

    /// Those with these thumbprints, if it knows them and no others.
    pub fn held<'a>(&self, kids: impl Iterator<Item = &'a str>) -> Option<Arc<Keys>> {
        self.keys().filter(|keys| keys.iter().map(|key| key.kid.as_str()).eq(kids))
    }
}

/// Which of `beginnings`, the oldest first, signs now: the newest whose time has come. The first one signs in any case,
/// by whatever clock it was made.
pub fn place_of_signer(beginnings: impl Iterator<Item = DateTime<Utc>>, now: DateTime<Utc>) -> usize {
    beginnings.enumerate().filter(|(_, at)| *at <= now).map(|(place, _)| place).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn key(signs_at: i64) -> Key {
        let key = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
        let signs_at = DateTime::UNIX_EPOCH + TimeDelta::days(signs_at);
        Key { public: *key.public(), kid: key.public().thumbprint(), signs_at, signing: Some(key) }
    }

    #[test]
    fn the_newest_whose_time_has_come_signs_and_the_first_one_always_may() {
        let days =
            |days: &[i64]| days.iter().map(|day| DateTime::UNIX_EPOCH + TimeDelta::days(*day)).collect::<Vec<_>>();
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(5);
        for (beginnings, expected) in [
            (&[][..], 0),
            (&[1], 0),
            (&[9], 0),
            (&[1, 5], 1),
            (&[1, 6], 0),
            (&[1, 2, 3], 2),
            (&[1, 4, 6], 1),
            (&[6, 7], 0),
        ] {
            assert_eq!(place_of_signer(days(beginnings).into_iter(), now), expected, "{beginnings:?}");
        }
    }

    #[test]
    fn a_ring_knows_which_keys_it_holds_and_how_often_they_were_replaced() {
        let ring = Keyring::default();
        assert!(ring.keys().is_none() && ring.held(std::iter::empty()).is_none());
        ring.replace(Vec::new());
        assert!(ring.held(std::iter::empty()).is_some());
        let [first, second] = [key(1), key(2)];
        let kids = [first.kid.clone(), second.kid.clone()];
        assert_eq!(ring.replace(vec![first, second]).len(), 2);
        let holds = |kids: &[&String]| ring.held(kids.iter().map(|kid| kid.as_str())).is_some();
        assert!(holds(&[&kids[0], &kids[1]]));
        assert!(!holds(&[&kids[1], &kids[0]]) && !holds(&[&kids[0]]) && !holds(&[]));
        assert_eq!(ring.clone().changes(), 2);
    }
}
