use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::support::postgres::{OwnServer, TestDb};
use crate::support::{PATIENCE, eventually};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

pub fn count(url: &str, from: &str) -> i64 {
    let mut connection = PgConnection::establish(url).unwrap();
    sql_query(format!("SELECT count(*) AS count FROM {from}")).get_result::<Count>(&mut connection).unwrap().count
}

fn execute(url: &str, statement: &str) {
    PgConnection::establish(url).unwrap().batch_execute(statement).unwrap();
}

#[test]
fn each_database_is_migrated_separate_and_gone_afterwards() {
    let (one, other) = (TestDb::make(), TestDb::make());
    execute(one.url(), "CREATE TABLE things (id int)");
    let things = "pg_tables WHERE tablename = 'things'";
    assert_eq!((count(one.url(), things), count(other.url(), things)), (1, 0));
    assert_eq!(vestibule::db::migrations::pending(one.url()).unwrap(), Vec::<String>::new());

    let name = one.url().split(['/', '?']).nth(3).unwrap().to_owned();
    let databases = format!("pg_database WHERE datname = '{name}'");
    assert_eq!(count(other.url(), &databases), 1);
    let _still_connected = PgConnection::establish(one.url()).unwrap();
    drop(one);
    assert_eq!(count(other.url(), &databases), 0);
}

#[test]
fn a_server_of_ones_own_can_go_down_and_keeps_what_was_committed() {
    let mut server = OwnServer::start();
    execute(&server.url(), "CREATE TABLE things (id int); INSERT INTO things VALUES (1)");
    let mut connected = PgConnection::establish(&server.url()).unwrap();

    server.kill();
    assert!(PgConnection::establish(&server.url()).is_err());
    eventually("the end of an orphaned backend", || connected.batch_execute("SELECT 1").err());
    server.resume();
    assert_eq!(count(&server.url(), "things"), 1);

    server.stop();
    assert!(PgConnection::establish(&server.url()).is_err());
    server.resume();
    server.restart();
    assert_eq!(count(&server.url(), "things"), 1);
}

/// Set for the copy of the test process that is going to be killed.
const DOOMED: &str = "VESTIBULE_TEST_DOOMED";

#[test]
#[expect(clippy::disallowed_methods, reason = "tells the copy of this process from the original")]
fn a_killed_test_process_leaves_no_server_and_no_folder() {
    let here = "support_works::postgres::a_killed_test_process_leaves_no_server_and_no_folder";
    if std::env::var_os(DOOMED).is_some() {
        let server = OwnServer::start();
        println!("\nsocket={}", server.socket().display());
        std::thread::sleep(PATIENCE);
        return;
    }
    let mut doomed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", here, "--nocapture"])
        .env(DOOMED, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(doomed.stdout.take().unwrap()).lines().map(Result::unwrap);
    let socket = lines.find_map(|line| line.strip_prefix("socket=").map(str::to_owned)).unwrap();
    let folder = Path::new(&socket).parent().unwrap();
    let postmaster = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let postmaster = Path::new("/proc").join(postmaster.lines().next().unwrap());
    assert!(postmaster.exists());

    doomed.kill().unwrap();
    doomed.wait().unwrap();
    eventually("the end of the server", || (!postmaster.exists()).then_some(()));
    eventually("the end of its folder", || (!folder.exists()).then_some(()));
}
