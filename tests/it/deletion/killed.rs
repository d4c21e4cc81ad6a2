//! `kill -9` in the middle of erasing.

use super::races::crowd;
use crate::resilience::service::Service;
use crate::resilience::sql::{count, execute};
use crate::support::eventually;
use crate::support::postgres::TestDb;

/// Few enough for a machine that is busy with other tests, and too many to be erased before the service is killed.
const PEOPLE: i64 = 60;

const ERASED: &str = "SELECT count(*) AS n FROM audit_events WHERE kind = 'user.deleted'";

/// Whoever is there is there with everything, and of whoever is not there is nothing.
const HALF_ERASED: &str = "SELECT count(*) AS n FROM users u
    WHERE NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id)
       OR 5 <> (SELECT count(*) FROM audit_events a WHERE a.subject_id = u.id AND a.address IS NOT NULL)";

#[test]
fn a_service_killed_while_it_erases_leaves_whole_people_and_finishes_when_it_is_back() {
    let database = TestDb::make();
    let url = database.url().to_owned();
    execute(&url, &crowd(usize::try_from(PEOPLE).unwrap(), "now()"));
    let mut service = Service::launch(&[("DATABASE__URL", &url)]);
    eventually("some to be erased", || (count(&url, ERASED) > 3).then_some(()));
    service.kill();
    // What was under way ends with its connection.
    let others = "SELECT count(*) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
    eventually("the server to notice", || (count(&url, others) == 0).then_some(()));
    let left = count(&url, "SELECT count(*) AS n FROM users");
    assert_eq!(left + count(&url, ERASED), PEOPLE, "{left} are left");
    assert_eq!(count(&url, HALF_ERASED), 0, "{left} are left");
    assert_eq!(count(&url, "SELECT count(*) AS n FROM audit_events WHERE address IS NOT NULL"), 5 * left);
    service.start_again();
    eventually("all to be erased", || (count(&url, ERASED) == PEOPLE).then_some(()));
    assert_eq!(count(&url, "SELECT count(*) AS n FROM users"), 0);
    assert_eq!(count(&url, "SELECT count(*) AS n FROM audit_events WHERE address IS NOT NULL"), 0);
}
