//! What PostgreSQL says, and what we make of it.

use std::process::Command;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};
use vestibule::db::{Db, Error};
use vestibule::kernel::{Clock, Origin};

use crate::support::postgres::OwnServer;
use crate::support::within;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

struct Asker {
    db: Db,
    runtime: tokio::runtime::Runtime,
}

impl Asker {
    fn new(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { db: Db::new(url, 3, Clock::System), runtime }
    }

    /// In a transaction of its own.
    fn run(&self, statements: &'static str) -> Result<(), Error> {
        let work = move |tx: &mut vestibule::db::Tx<'_>| Ok::<_, Error>(tx.conn().batch_execute(statements)?);
        self.runtime.block_on(self.db.write(&Origin::system("test"), work))
    }
}

#[test]
fn what_passes_by_itself_is_unavailable_and_the_next_request_works() {
    let mut server = OwnServer::start();
    let asker = Asker::new(&server.url());
    asker.run("CREATE TABLE things (id int CONSTRAINT only_once UNIQUE); INSERT INTO things VALUES (1)").unwrap();
    for statements in [
        // 57P01
        "SELECT pg_terminate_backend(pg_backend_pid())",
        // 25006
        "SET LOCAL transaction_read_only = on; INSERT INTO things VALUES (2)",
        "SET LOCAL transaction_read_only = on; SELECT * FROM things FOR UPDATE",
        // 57014
        "SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)",
    ] {
        let outcome = asker.run(statements);
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{statements}: {outcome:?}");
        asker.run("SELECT 1").unwrap_or_else(|error| panic!("after {statements}: {error}"));
    }
    for statements in ["SELECT 1/0", "SELECT nothing", "INSERT INTO nowhere VALUES (1)"] {
        let outcome = asker.run(statements);
        assert!(matches!(outcome, Err(Error::Internal(_))), "{statements}: {outcome:?}");
    }
    let outcome = asker.run("INSERT INTO things VALUES (1)");
    assert!(matches!(&outcome, Err(Error::Duplicate(name)) if name == "only_once"), "{outcome:?}");

    // No socket, then one again: the pooled connections are dead and nobody sees an error.
    server.stop();
    let since = Instant::now();
    let outcome = asker.run("SELECT 1");
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    let outcome = asker.run("SELECT 1");
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert!(since.elapsed() < Duration::from_secs(6), "{:?}", since.elapsed());
    server.resume();
    let recovered = within(Duration::from_secs(3), || asker.run("SELECT 1").ok());
    assert!(recovered.is_some(), "the pool did not find back");
}

#[test]
fn a_restart_between_two_requests_is_not_seen() {
    let mut server = OwnServer::start();
    let asker = Asker::new(&server.url());
    for _ in 0..3 {
        asker.run("SELECT 1").unwrap();
        server.restart();
        asker.run("SELECT 1").unwrap();
    }
}

#[test]
fn a_crash_of_the_server_is_unavailable_until_it_has_recovered() {
    let server = OwnServer::start();
    let asker = Asker::new(&server.url());
    asker.run("SELECT 1").unwrap();
    let mut other = PgConnection::establish(&server.url()).unwrap();
    let backend = sql_query("SELECT pg_backend_pid()::bigint AS n").get_result::<Number>(&mut other).unwrap().n;
    // The others are thrown out (57P02), and newcomers are turned away while it recovers (57P03).
    assert!(Command::new("kill").args(["-KILL", &backend.to_string()]).status().unwrap().success());
    let deadline = Instant::now() + Duration::from_secs(8);
    let mut in_a_row = 0;
    while in_a_row < 20 {
        match asker.run("SELECT pg_sleep(0.01)") {
            Ok(()) => in_a_row += 1,
            Err(Error::Unavailable(_)) => in_a_row = 0,
            Err(other) => panic!("{other}"),
        }
        assert!(Instant::now() < deadline, "it did not recover");
    }
}
