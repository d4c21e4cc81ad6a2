use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Record, store};
use crate::app::App;
use crate::db::{self, Tx};
use crate::kernel::{Origin, Shutdown, UserId};
use crate::meters::Meters;

/// How often what waits is written.
const EVERY: Duration = Duration::from_secs(1);

/// So many may wait: some megabytes, and what comes within a good part of a second.
pub const MOST_WAITING: usize = 4_096;

/// With so many it is written before its time.
const MANY: usize = MOST_WAITING / 4;

/// Rows in one statement. PostgreSQL takes 65,535 values.
const BATCH: usize = 1_000;

/// More than were written are forgotten with each batch, so that a table which has become too long gets shorter.
const FORGOTTEN: usize = 2 * BATCH;

/// What is to be kept, on its way to PostgreSQL: the oldest first. Cheap to clone.
#[derive(Clone, Default)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    waiting: Mutex<VecDeque<Record>>,
    many: Notify,
}

impl Recorder {
    /// `record` is not called where there is no room. What it cannot make is counted, like what is lost.
    pub fn keep(&self, meters: &Meters, record: impl FnOnce() -> Option<Record>) {
        if self.waiting().len() >= MOST_WAITING {
            return meters.recorded("dropped", 1);
        }
        let Some(record) = record() else { return meters.recorded("unfit", 1) };
        let mut waiting = self.waiting();
        waiting.push_back(record);
        if waiting.len() == MANY {
            self.inner.many.notify_one();
        }
    }

    /// Writes again and again, and a last time at the shutdown: to be asked for when nobody comes any more.
    pub async fn run(&self, app: &App, shutdown: Shutdown) {
        while !shutdown.is_requested() {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.inner.many.notified() => {}
                () = shutdown.requested() => {}
            }
            self.write(app).await;
        }
        let lost = self.waiting().drain(..).count();
        if lost > 0 {
            app.db.meters().recorded("dropped", lost);
            log::warn!(records = lost; "decisions of the gate were to be kept, and are lost");
        }
    }

    /// What PostgreSQL is not there for waits on, as far as there is room.
    async fn write(&self, app: &App) {
        loop {
            let batch: Arc<[Record]> = {
                let mut waiting = self.waiting();
                let size = waiting.len().min(BATCH);
                waiting.drain(..size).collect()
            };
            if batch.is_empty() {
                return;
            }
            let (rows, most) = (Arc::clone(&batch), app.policy.load().gateway.record.most);
            let write = move |tx: &mut Tx<'_>| write_batch(tx, &rows, most);
            match app.db.write(&Origin::system("record"), write).await {
                Ok(()) => app.db.meters().recorded("written", batch.len()),
                Err(error @ db::Error::Unavailable(_)) => {
                    log::warn!("keeping decisions of the gate: {error}");
                    return self.take_back(app.db.meters(), &batch);
                }
                Err(error) => {
                    log::error!("keeping decisions of the gate: {error}");
                    app.db.meters().recorded("dropped", batch.len());
                }
            }
        }
    }

    /// The newest are lost first, as when they come.
    fn take_back(&self, meters: &Meters, batch: &[Record]) {
        let mut waiting = self.waiting();
        for record in batch.iter().rev() {
            waiting.push_front(record.clone());
        }
        let lost = waiting.len().saturating_sub(MOST_WAITING);
        waiting.truncate(MOST_WAITING);
        meters.recorded("dropped", lost);
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Record>> {
        self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing is kept of whoever has been erased meanwhile.
fn write_batch(tx: &mut Tx<'_>, records: &[Record], most: u32) -> Result<(), db::Error> {
    let named: Vec<UserId> = records.iter().filter_map(|record| record.user).collect();
    let there: HashSet<UserId> = store::hold_users(tx, &named)?.into_iter().collect();
    let is_there = |record: &&Record| record.user.is_none_or(|user| there.contains(&user));
    store::insert(tx, records.iter().filter(is_there))?;
    store::forget_all_but(tx, most, FORGOTTEN)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::config::settings::{Allow, Gateway, Organizations, Record as Settings};
    use crate::decisions::{Fingerprint, Key, Outcome, Place, Visitor};

    fn record(path: &str) -> Record {
        let (organizations, rules, record) = (Organizations::All, Vec::new(), Settings::NOTHING);
        let gateway = Gateway { default: Allow::Deny, assertion: false, organizations, rules, record };
        let [method, scheme, host, path] = ["GET", "https", "app.example.com", path].map(str::to_owned);
        Record {
            at: DateTime::<Utc>::UNIX_EPOCH,
            request_id: "r1".to_owned(),
            share: 1.0,
            place: Place { method, scheme, host, port: 443, path },
            client: [203, 0, 113, 9].into(),
            visitor: Visitor::Stranger,
            user: None,
            key: Key::None,
            outcome: Outcome { decision: "deny".into(), reason: "rule".into() },
            rule: None,
            rules: Fingerprint::of(&gateway),
        }
    }

    fn paths(recorder: &Recorder) -> Vec<String> {
        recorder.waiting().iter().map(|record| record.place.path.clone()).collect()
    }

    #[test]
    fn what_comes_when_there_is_no_room_is_lost_and_counted_and_not_even_made() {
        let (recorder, meters) = (Recorder::default(), Meters::default());
        for _ in 0..MOST_WAITING {
            recorder.keep(&meters, || Some(record("/early")));
        }
        assert_eq!(meters.records().get("dropped"), None);
        for _ in 0..3 {
            recorder.keep(&meters, || panic!("there is no room"));
        }
        assert_eq!((recorder.waiting().len(), meters.records()["dropped"]), (MOST_WAITING, 3));
    }

    #[test]
    fn what_cannot_be_kept_is_counted_apart() {
        let (recorder, meters) = (Recorder::default(), Meters::default());
        recorder.keep(&meters, || None);
        assert_eq!((recorder.waiting().len(), meters.records()["unfit"]), (0, 1));
    }

    #[test]
    fn what_could_not_be_written_comes_first_again_and_the_newest_make_room() {
        let (recorder, meters) = (Recorder::default(), Meters::default());
        for _ in 0..MOST_WAITING - 1 {
            recorder.keep(&meters, || Some(record("/late")));
        }
        recorder.take_back(&meters, &["/1", "/2", "/3"].map(record));
        assert_eq!(paths(&recorder)[..4], ["/1", "/2", "/3", "/late"]);
        assert_eq!((recorder.waiting().len(), meters.records()["dropped"]), (MOST_WAITING, 2));
    }
}
