//! Servers and wires that fail.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use vestibule::db::feed::{Error, Feed, Heard};
use vestibule::db::{Change, Db};

use super::{A_WHILE, block_on, db, next, sql, until_back};
use crate::support::postgres::OwnServer;
use crate::support::process::Folder;
use crate::support::tcp::Wire;
use crate::support::{PATIENCE, within};

fn through(wire: &Wire) -> String {
    format!("postgresql://vestibule@127.0.0.1:{}/vestibule", wire.port())
}

#[test]
fn a_cut_wire_ends_the_feed_at_once() {
    let server = OwnServer::start();
    let wire = Wire::to(&server.socket());
    let db = db(&through(&wire));
    block_on(async {
        let mut feed = db.listen().await.unwrap();
        let before = Instant::now();
        wire.cut();
        let ended = next(&mut feed).await;
        assert!(matches!(ended, Err(Error::Lost(_))), "{ended:?}");
        assert!(before.elapsed() < Duration::from_secs(1));
        assert!(matches!(db.listen().await, Err(Error::Lost(_))));
        wire.mend();
        let mut feed = db.listen().await.unwrap();
        let beat = feed.beat().unwrap();
        assert_eq!(until_back(&mut feed, beat).await, []);
    });
}

#[test]
fn a_wire_that_went_silent_is_given_up_after_ten_beats() {
    let server = OwnServer::start();
    let wire = Wire::to(&server.socket());
    let db = db(&through(&wire));
    block_on(async {
        let mut feed = db.listen().await.unwrap();
        wire.silence();
        for _ in 0..10 {
            feed.beat().unwrap();
            let silence = tokio::time::timeout(Duration::from_millis(5), feed.next()).await;
            assert!(silence.is_err(), "{silence:?}");
        }
        assert!(matches!(feed.beat(), Err(Error::Lost(_))));
        // Late is better than never.
        wire.mend();
        assert!(matches!(next(&mut feed).await, Ok(Heard::Beat(_))));
        assert!(feed.beat().is_ok());
    });
}

#[test]
fn a_server_has_one_name_on_every_way_and_another_after_a_restart() {
    let mut server = OwnServer::start();
    let wire = Wire::to(&server.socket());
    let (near, far) = (db(&server.url()), db(&through(&wire)));
    block_on(async {
        let (one, mut other) = (near.listen().await.unwrap(), far.listen().await.unwrap());
        assert_eq!(one.server(), other.server());
        assert!(near.leads_to(one.server()) && far.leads_to(one.server()));
        server.restart();
        assert!(matches!(next(&mut other).await, Err(Error::Lost(_))));
        let again = listen_again(&near).await;
        assert_ne!(again.server(), one.server());
        assert!(near.leads_to(again.server()) && !near.leads_to(one.server()));
    });
}

#[test]
fn no_beat_comes_back_from_a_server_that_takes_no_writes() {
    let server = OwnServer::start();
    let db = db(&server.url());
    block_on(async {
        let mut feed = db.listen().await.unwrap();
        take_writes(&server, "off");
        feed.beat().unwrap();
        let silence = tokio::time::timeout(A_WHILE, feed.next()).await;
        assert!(silence.is_err(), "{silence:?}");
        take_writes(&server, "on");
        let beat = feed.beat().unwrap();
        assert_eq!(until_back(&mut feed, beat).await, []);
    });
}

#[test]
fn after_a_fail_over_the_feed_of_the_old_server_is_known_as_such() {
    let (old, new) = (OwnServer::start(), OwnServer::start());
    let folder = |server: &OwnServer| server.socket().parent().expect("a folder").display().to_string();
    let (first, second) = (folder(&old), folder(&new));
    let hosts = format!("host={first},{second}&port=5432,5432&user=vestibule&target_session_attrs=read-write");
    let db = db(&format!("postgresql:///vestibule?{hosts}"));
    block_on(async {
        let mut left = db.listen().await.unwrap();
        assert!(db.leads_to(left.server()));
        take_writes(&old, "off");
        let mut feed = listen_again(&db).await;
        assert!(db.leads_to(feed.server()) && !db.leads_to(left.server()));
        sql(&new.url()).batch_execute("NOTIFY vestibule_live, '*'").unwrap();
        assert_eq!(next(&mut feed).await.unwrap(), Heard::Changed(Change::Everything));
        // The old server still answers, and still knows nothing.
        sql(&old.url()).batch_execute("SET default_transaction_read_only = off; NOTIFY vestibule_live, 'old'").unwrap();
        assert_eq!(next(&mut left).await.unwrap(), Heard::Changed(Change::Everything));
        let silence = tokio::time::timeout(A_WHILE, feed.next()).await;
        assert!(silence.is_err(), "{silence:?}");
    });
}

#[test]
fn a_feed_that_came_to_another_server_than_the_pools_is_never_handed_out() {
    let (one, other) = (OwnServer::start(), OwnServer::start());
    let folder = Folder::make("balancer", "TERM");
    let socket = folder.path().join("socket");
    symlink(one.socket(), &socket).unwrap();
    let wire = Wire::to(&socket);
    let db = db(&through(&wire));
    block_on(async {
        db.listen().await.unwrap();
        fs::remove_file(&socket).unwrap();
        symlink(other.socket(), &socket).unwrap();
        match db.listen().await {
            Err(Error::Lost(reason)) => assert!(reason.contains("does not hear"), "{reason}"),
            _ => panic!("it would hear of nothing"),
        }
    });
}

/// As `ALTER SYSTEM` does it on a primary that is to be one no longer.
fn take_writes(server: &OwnServer, yes_or_no: &str) {
    let value = if yes_or_no == "on" { "off" } else { "on" };
    for statement in
        [format!("ALTER SYSTEM SET default_transaction_read_only = {value}"), "SELECT pg_reload_conf()".to_owned()]
    {
        sql(&server.url()).batch_execute(&statement).unwrap();
    }
    // Whoever is connected is told when everybody is; a new connection may be a moment late.
    let asks = format!("DO $$ BEGIN ASSERT current_setting('default_transaction_read_only') = '{value}'; END $$");
    let known = within(PATIENCE, || sql(&server.url()).batch_execute(&asks).ok());
    assert!(known.is_some(), "the server does not say {value}");
}

/// The pools believe in a connection for a second.
async fn listen_again(db: &Db) -> Feed {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match db.listen().await {
            Ok(feed) => return feed,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}
