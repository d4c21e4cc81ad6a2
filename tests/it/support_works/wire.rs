use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::support::PATIENCE;
use crate::support::postgres::OwnServer;
use crate::support::tcp::Wire;

#[test]
fn a_wire_to_postgresql_can_be_silenced_cut_and_mended() {
    let server = OwnServer::start();
    let wire = Wire::to(&server.socket());
    let url = format!("postgresql://vestibule@127.0.0.1:{}/vestibule", wire.port());
    let mut connection = PgConnection::establish(&url).unwrap();
    connection.batch_execute("SELECT 1").unwrap();

    wire.silence();
    let (done, answer) = mpsc::channel();
    let waiting = thread::spawn(move || {
        done.send(connection.batch_execute("SELECT 1")).unwrap();
        connection
    });
    assert!(answer.recv_timeout(Duration::from_millis(100)).is_err());
    wire.mend();
    answer.recv_timeout(PATIENCE).unwrap().unwrap();
    let mut connection = waiting.join().unwrap();

    wire.cut();
    assert!(connection.batch_execute("SELECT 1").is_err());
    assert!(PgConnection::establish(&url).is_err());
    wire.mend();
    PgConnection::establish(&url).unwrap().batch_execute("SELECT 1").unwrap();
}
