//! Servers and wires that fail.

use std::time::{Duration, Instant};

use vestibule::db::feed::Error;

use super::{block_on, db, next, until_back};
use crate::support::postgres::OwnServer;
use crate::support::tcp::Wire;

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
