//! What the gate does when it cannot know.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use super::house::{DOORS, GATE_COOKIE, Person, Question, house};
use crate::support::app::TestApp;
use crate::support::eventually;

/// Throws everybody out of the test's own database, and lets nobody in again.
pub fn close_database(app: &TestApp) {
    let url = url::Url::parse(app.database_url()).expect("a URL");
    let name = url.path().trim_start_matches('/').to_owned();
    let admin = app.database_url().replacen(&name, "postgres", 1);
    let mut admin = PgConnection::establish(&admin).expect("the server");
    admin
        .batch_execute(&format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';"
        ))
        .expect("a database to close");
}

#[test]
fn without_a_database_nobody_is_let_in_unseen() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let place = "https://app.example.com/x";
    for door in DOORS {
        assert_eq!(Question::about(door, place).by(&ann).ask(&app).status, 200);
    }
    close_database(&app);
    // What is remembered may be believed until the node hears that its connection has broken.
    eventually("the end of trust", || {
        (Question::about(DOORS[0], place).by(&ann).ask(&app).status != 200).then_some(())
    });
    for door in DOORS {
        let answer = Question::about(door, place).by(&ann).ask(&app);
        // nginx makes a 500 of it, which is just as closed.
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.text().contains("\"unavailable\""), "{}", answer.text());
        // What needs no knowledge is answered all the same.
        assert_eq!(Question::about(door, "https://app.example.com/public/x").ask(&app).status, 200);
        assert_eq!(Question::about(door, place).ask(&app).status, 401);
    }
}

/// Whoever wants to keep the database busy needs cookies of our own making.
#[test]
fn a_cookie_that_we_never_made_is_not_looked_up() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let place = "https://app.example.com/x";
    close_database(&app);
    let mut almost = ann.gate_token();
    let last = if almost.pop() == Some('A') { 'B' } else { 'A' };
    almost.push(last);
    for forged in [almost, "A".repeat(64), "A".repeat(43)] {
        for door in DOORS {
            let cookie = format!("{GATE_COOKIE}={forged}");
            let answer = Question::about(door, place).with("Cookie", &cookie).ask(&app);
            assert_eq!(answer.status, 401, "{forged}: {answer:?}");
        }
    }
    assert_eq!(Question::about(DOORS[0], place).by(&ann).ask(&app).status, 503);
}
