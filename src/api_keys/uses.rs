use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Program, store};
use crate::app::App;
use crate::db;
use crate::kernel::{ApiKeyId, Origin};

/// What happens within this time counts as one use.
const ONE: TimeDelta = TimeDelta::minutes(1);

/// When more keys than this were noted, those that were not used for [`ONE`] are forgotten.
const MOST_KEPT: usize = 10_000;

/// When keys were last used, written behind: nobody who shows one waits for it, and one key is written once a minute at
/// most by each node. Cheap to clone.
#[derive(Clone, Default)]
pub struct Uses {
    noted: Arc<Mutex<HashMap<ApiKeyId, DateTime<Utc>>>>,
}

impl Uses {
    /// To be called on a thread of the runtime, which writes it in its own time.
    pub fn note(&self, app: &App, program: &Program, from: IpAddr) {
        let now = app.clock.now();
        let is_known = program.last_used_at.is_some_and(|last| now - last < ONE);
        if is_known || !self.is_first(program.key, now) {
            return;
        }
        let (app, key) = (app.clone(), program.key);
        tokio::task::spawn(async move {
            let write = move |tx: &mut db::Tx<'_>| store::set_last_used(tx, key, now, from);
            if let Err(error) = app.db.write::<_, db::Error, _>(&Origin::system("api key use"), write).await {
                log::warn!("writing when an API key was last used: {error}");
            }
        });
    }

    /// Whether this node has noted nothing of it in the last minute.
    fn is_first(&self, key: ApiKeyId, now: DateTime<Utc>) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&key).is_some_and(|last| now - *last < ONE) {
            return false;
        }
        if noted.len() >= MOST_KEPT {
            noted.retain(|_, last| now - *last < ONE);
        }
        noted.insert(key, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_noted_once_a_minute() {
        let (uses, start) = (Uses::default(), DateTime::<Utc>::UNIX_EPOCH);
        let [one, other] = [ApiKeyId::new(start), ApiKeyId::new(start)];
        assert!(uses.is_first(one, start));
        assert!(uses.is_first(other, start));
        assert!(!uses.is_first(one, start + TimeDelta::seconds(59)));
        assert!(uses.is_first(one, start + TimeDelta::seconds(60)));
        assert!(!uses.is_first(one, start), "a clock that was set back writes nothing");
    }

    #[test]
    fn what_was_noted_does_not_pile_up() {
        let (uses, start) = (Uses::default(), DateTime::<Utc>::UNIX_EPOCH);
        for at in 0..3 {
            let now = start + ONE * at;
            (0..MOST_KEPT).for_each(|_| assert!(uses.is_first(ApiKeyId::new(start), now)));
        }
        assert!(uses.noted.lock().unwrap().len() <= MOST_KEPT);
    }
}
