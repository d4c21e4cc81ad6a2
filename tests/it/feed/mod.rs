//! The connection on which a node hears of changes.

mod protected;
mod wire;

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use vestibule::db::feed::{Beat, Error, Feed, Heard};
use vestibule::db::{Change, Db};
use vestibule::kernel::Clock;

use crate::support::postgres::TestDb;
use crate::support::{PATIENCE, TestApp, within};

/// Longer than a beat takes, by far.
const A_WHILE: Duration = Duration::from_millis(500);

fn db(url: &str) -> Db {
    Db::new(url, 2, Clock::System)
}

fn block_on<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn sql(url: &str) -> PgConnection {
    within(PATIENCE, || PgConnection::establish(url).ok()).unwrap_or_else(|| panic!("no way to {url}"))
}

async fn next(feed: &mut Feed) -> Result<Heard, Error> {
    tokio::time::timeout(PATIENCE, feed.next()).await.expect("something to be heard")
}

/// What is heard until the beat is back, in this order.
async fn until_back(feed: &mut Feed, beat: Beat) -> Vec<Change> {
    let mut changes = Vec::new();
    loop {
        match next(feed).await.unwrap() {
            Heard::Changed(change) => changes.push(change),
            Heard::Beat(back) => {
                assert_eq!(back, beat);
                return changes;
            }
            Heard::ReloadAsked => panic!("nobody has asked for that"),
        }
    }
}

#[test]
fn whatever_is_committed_anywhere_is_heard_before_the_next_beat_is_back() {
    let app = TestApp::start();
    let db = app.app.db.clone();
    block_on(async {
        // It may be made in one task and used in another.
        let mut feed = tokio::spawn(async move { db.listen().await }).await.unwrap().unwrap();
        assert!(app.app.db.leads_to(feed.server()));
        for number in 0..20 {
            let id = format!("0190a3c2-7d5e-7cc3-98c4-dc0c0c0739{number:02}");
            app.execute(&format!("SELECT pg_notify('vestibule_live', 's{id}')"));
            app.execute(&format!("BEGIN; SELECT pg_notify('vestibule_live', 'u{id}'); ROLLBACK"));
            let beat = feed.beat().unwrap();
            assert_eq!(until_back(&mut feed, beat).await, [Change::Session(id.parse().unwrap())]);
        }
    });
}

#[test]
fn what_cannot_be_read_may_be_anything() {
    let app = TestApp::start();
    block_on(async {
        let mut feed = app.app.db.listen().await.unwrap();
        for payload in ["", "x", "s", "u123", "*"] {
            app.execute(&format!("SELECT pg_notify('vestibule_live', '{payload}')"));
            assert_eq!(next(&mut feed).await.unwrap(), Heard::Changed(Change::Everything), "{payload}");
        }
    });
}

#[test]
fn two_feeds_hear_the_same_changes_and_each_its_own_beats() {
    let app = TestApp::start();
    block_on(async {
        let (mut one, mut other) = (app.app.db.listen().await.unwrap(), app.app.db.listen().await.unwrap());
        let (first, second) = (one.beat().unwrap(), one.beat().unwrap());
        assert!(first < second);
        assert_eq!(until_back(&mut one, first).await, []);
        app.execute("NOTIFY vestibule_live, '*'");
        assert_eq!(next(&mut one).await.unwrap(), Heard::Beat(second));
        for feed in [&mut one, &mut other] {
            assert_eq!(next(feed).await.unwrap(), Heard::Changed(Change::Everything));
            let silence = tokio::time::timeout(A_WHILE, feed.next()).await;
            assert!(silence.is_err(), "{silence:?}");
        }
    });
}

#[test]
fn a_feed_says_what_it_is_unless_the_operator_has_named_us() {
    let database = TestDb::make();
    let names = |expected: &str| {
        let ask = format!(
            "DO $$ BEGIN ASSERT {expected} = ARRAY(SELECT application_name FROM pg_stat_activity WHERE \
             datname = current_database() AND query LIKE '%LISTEN%' AND pid <> pg_backend_pid() ORDER BY 1); END $$"
        );
        sql(database.url()).batch_execute(&ask).unwrap();
    };
    block_on(async {
        let _feed = db(database.url()).listen().await.unwrap();
        names("ARRAY['vestibule live']");
        let _other = db(&format!("{}&application_name=mine", database.url())).listen().await.unwrap();
        names("ARRAY['mine', 'vestibule live']");
    });
}
