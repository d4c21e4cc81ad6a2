//! Several nodes at once, and one that is killed.

use crate::resilience::service::Service;
use crate::resilience::sql;
use crate::support::command::vestibule;
use crate::support::eventually;
use crate::support::postgres::TestDb;

const PEOPLE: i64 = 600;

fn count(database: &TestDb, what: &str) -> i64 {
    sql::count(database.url(), &format!("SELECT count(*) AS n FROM {what}"))
}

/// Half of them have asked to be deleted, half never proved their address; all long ago.
fn people_who_are_to_go(database: &TestDb) {
    sql::execute(
        database.url(),
        &format!(
            "INSERT INTO users (id, email, email_key, name, created_at, deletion_asked_at, deletes_at)
             SELECT gen_random_uuid(), n || '@example.com', n || '@example.com', '', '2020-01-01',
                    CASE WHEN n % 2 = 0 THEN timestamptz '2020-02-01' END,
                    CASE WHEN n % 2 = 0 THEN timestamptz '2020-03-01' END
             FROM generate_series(1, {PEOPLE}) n"
        ),
    );
}

#[test]
fn two_nodes_of_which_one_is_killed_in_the_middle_do_each_piece_of_work_once() {
    let database = TestDb::make();
    people_who_are_to_go(&database);
    let settings = [("DATABASE__URL", database.url())];
    let (mut one, other) = (Service::launch(&settings), Service::launch(&settings));
    eventually("the work to have begun", || (count(&database, "users") < PEOPLE).then_some(()));
    one.kill();
    let left = count(&database, "users");
    assert!(left > 0, "it was killed in the middle");
    // What the killed one had in hand is given back; its round is over for the other one by then, and is the operator's.
    eventually("everybody to be gone", || {
        for job in ["erase_accounts", "remove_unverified"] {
            vestibule(database.url(), &[], &["jobs", "run", job]).text();
        }
        (count(&database, "users") == 0).then_some(())
    });
    let a_single_time = "(SELECT subject_id FROM audit_events WHERE kind = 'user.deleted' GROUP BY subject_id
        HAVING count(*) = 1) AS single";
    assert_eq!(count(&database, a_single_time), PEOPLE, "{}", other.log());
    assert_eq!(count(&database, "audit_events WHERE kind = 'user.deleted'"), PEOPLE);
    assert!(!other.log().contains("a job failed"), "{}", other.log());
}
