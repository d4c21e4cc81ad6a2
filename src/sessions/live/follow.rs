//! Listening to PostgreSQL, for as long as the service runs.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::{BEAT, Inner, Remembered};
use crate::db::Db;
use crate::db::feed::{self, Beat, Feed, Heard};
use crate::kernel::Shutdown;
use crate::kernel::clock::steady;

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn follow<K, P: Remembered>(inner: &Inner<K, P>, db: &Db, shutdown: Shutdown) {
    tokio::select! {
        () = again_and_again(inner, db) => shutdown.requested().await,
        () = shutdown.requested() => {}
    }
    inner.lose_touch();
}

/// Ends when there is no way to listen to this database, ever.
async fn again_and_again<K, P: Remembered>(inner: &Inner<K, P>, db: &Db) {
    let mut is_news = true;
    loop {
        let ended = match db.listen().await {
            Ok(feed) => {
                log::info!("listening to the database");
                is_news = true;
                inner.begin(feed.server());
                heed(inner, db, feed).await
            }
            Err(error) => error,
        };
        inner.lose_touch();
        if is_news {
            log::warn!("not listening to the database, so each check at the gate has to ask it: {ended}");
        }
        is_news = false;
        match ended {
            feed::Error::Untranslatable(_) => return,
            feed::Error::Lost(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Until the connection breaks.
async fn heed<K, P: Remembered>(inner: &Inner<K, P>, db: &Db, mut feed: Feed) -> feed::Error {
    let mut due = tokio::time::interval(BEAT);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = VecDeque::new();
    loop {
        tokio::select! {
            heard = feed.next() => match heard {
                Ok(Heard::Changed(change)) => inner.hear(change),
                // A server that the pools have left may go on talking to us.
                Ok(Heard::Beat(beat)) => if let Some(sent) = take(&mut sent, beat) && db.leads_to(feed.server()) {
                    inner.trust.renew(sent);
                },
                Ok(Heard::ReloadAsked) => db.told().ask_to_reload(),
                Err(error) => return error,
            },
            _ = due.tick() => {
                let now = steady();
                match feed.beat() {
                    Ok(beat) => sent.push_back((beat, now)),
                    Err(error) => return error,
                }
            }
        }
    }
}

/// When the beat was sent. Those before it will not come any more: they come in their order.
fn take(sent: &mut VecDeque<(Beat, Duration)>, beat: Beat) -> Option<Duration> {
    while let Some((own, at)) = sent.pop_front() {
        if own == beat {
            return Some(at);
        }
    }
    None
}
