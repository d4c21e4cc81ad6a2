use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::support::postgres::OwnServer;
use crate::support::tcp::{Of, Way, Wire};
use crate::support::{PATIENCE, eventually};

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

#[test]
fn a_wire_can_be_slow_half_open_or_lost() {
    let server = OwnServer::start();
    let wire = Wire::to(&server.socket());
    let url = format!("postgresql://vestibule@127.0.0.1:{}/vestibule", wire.port());
    let mut connection = PgConnection::establish(&url).unwrap();
    let by = Duration::from_millis(100);
    wire.delay(by);
    let asked = Instant::now();
    connection.batch_execute("CREATE TABLE t AS SELECT 1 AS n").unwrap();
    assert!(asked.elapsed() >= 2 * by);
    wire.mend();

    // The server hears it; its answer does not come.
    wire.silence_only(Of::All, Way::FromServer);
    let (done, answer) = mpsc::channel();
    let waiting = thread::spawn(move || {
        done.send(connection.batch_execute("DROP TABLE t")).unwrap();
        connection
    });
    let mut near = PgConnection::establish(&server.url()).unwrap();
    eventually("the server to hear it", || near.batch_execute("SELECT FROM t").err());
    assert!(answer.recv_timeout(by).is_err());
    wire.mend();
    answer.recv_timeout(PATIENCE).unwrap().unwrap();
    let mut connection = waiting.join().unwrap();

    wire.lose(Of::All);
    let (done, answer) = mpsc::channel();
    thread::spawn(move || done.send(connection.batch_execute("SELECT")));
    PgConnection::establish(&url).unwrap().batch_execute("SELECT").unwrap();
    assert!(answer.recv_timeout(by).is_err());
}
