//! Other ways in which a session ends, and a crowd around it.

use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use vestibule::sessions::LEASE;

use super::scene::{Meanwhile, Scene};
use super::side_by_side;
use crate::resilience::sql::count;
use crate::support::postgres::TestDb;

const ANN: &str = "(SELECT id FROM users WHERE email = 'ann@example.com')";

#[test]
fn whatever_ends_a_session_is_heard_by_the_other_node() {
    side_by_side(&[
        ("a person is disabled", |name| by_statement(name, "UPDATE users SET disabled_at = now() WHERE id = ")),
        ("a person is deleted", |name| by_statement(name, "DELETE FROM users WHERE id = ")),
        ("a session is rotated", rotated),
        ("twenty thousand other changes", in_a_flood),
    ]);
}

fn by_statement(name: &str, statement: &str) {
    Scene::set().play(name, Meanwhile::AllIsWell, |scene| {
        scene.execute(&format!("{statement}{ANN}"));
        scene.has_ended();
        scene.wait(LEASE);
    });
}

/// The session goes on; the cookies from before do not.
fn rotated(name: &str) {
    Scene::set().play(name, Meanwhile::AllIsWell, |scene| {
        scene.execute(&format!("UPDATE sessions SET rotation_due = true WHERE user_id = {ANN}"));
        scene.has_ended();
        let mut renewed = scene.ends.clone();
        let me = renewed.me().expect("an answer");
        renewed.take_cookies(&me);
        assert_eq!((me.status, scene.at_b(&renewed)), (200, 200));
        scene.wait(LEASE);
        assert_eq!(scene.at_b(&renewed), 200);
    });
}

/// One more listens and takes no notice, so that all of it stays in the queue.
fn in_a_flood(name: &str) {
    Scene::set().play(name, Meanwhile::AllIsWell, |scene| {
        let mut idle = PgConnection::establish(&scene.url).expect("PostgreSQL");
        for statement in ["LISTEN vestibule_live", "BEGIN"] {
            idle.batch_execute(statement).expect(statement);
        }
        let url = scene.url.clone();
        let flood = thread::spawn(move || {
            let mut sql = PgConnection::establish(&url).expect("PostgreSQL");
            let words =
                "SELECT count(pg_notify('vestibule_live', 's' || gen_random_uuid())) FROM generate_series(1, 2000)";
            (0..10).for_each(|_| sql.batch_execute(words).expect(words));
        });
        thread::sleep(Duration::from_millis(50));
        scene.sign_out();
        flood.join().expect("a flood");
        let kept = "SELECT (pg_notification_queue_usage() > 0)::int::bigint AS n";
        assert_eq!(count(&scene.url, kept), 1, "the queue is not empty");
        scene.wait(LEASE);
    });
}

/// But the last activity, which is written all the time and which every node knows for itself.
#[test]
fn no_column_of_a_session_can_change_without_a_word() {
    let silent = "SELECT count(*) AS n FROM pg_attribute a WHERE attrelid = 'sessions'::regclass AND attnum > 0
        AND NOT attisdropped AND attname <> 'last_active_at' AND NOT EXISTS (SELECT FROM pg_trigger t
            WHERE t.tgrelid = a.attrelid AND t.tgname = 'sessions_tell_of_changes' AND a.attnum = ANY (t.tgattr))";
    assert_eq!(count(TestDb::make().url(), silent), 0);
}
