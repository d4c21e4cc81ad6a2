//! How events are read: by an index, whatever there is besides.

use serde_json::Value;

use super::{ANN, activity, id_of, write_down};
use crate::support::{TestApp, eventually};

/// What PostgreSQL counts: whole reads of the table, rows fetched by its indexes, and reads of the index of subjects and
/// of that of actors.
fn reads(app: &TestApp) -> (i64, i64, i64, i64) {
    let of_table = |column: &str| {
        app.count(&format!("SELECT {column} AS n FROM pg_stat_user_tables WHERE relname = 'audit_events'"))
    };
    let of_index = |name: &str| {
        app.count(&format!("SELECT idx_scan AS n FROM pg_stat_user_indexes WHERE indexrelname = '{name}'"))
    };
    let whole = of_table("seq_scan");
    (whole, of_table("idx_tup_fetch"), of_index("audit_events_by_subject"), of_index("audit_events_by_actor_within"))
}

#[test]
fn a_page_is_read_by_the_indexes_and_nothing_besides_however_much_there_is() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let me = id_of(&app, ANN);
    write_down(&app, &me, "profile.changed", 20_000);
    app.execute(&format!(
        "INSERT INTO audit_events (id, at, kind, actor_id, subject_id, request_id, details)
         SELECT gen_random_uuid(), now(), 'profile.changed', '{me}', gen_random_uuid(), 'test', '{{}}'
         FROM generate_series(1, 20000);
         ANALYZE audit_events"
    ));
    let (whole, fetched, by_subject, by_actor) = reads(&app);
    assert_eq!(activity(&mut ann, "?limit=20&until=2020-12-31").len(), 20);
    let after = eventually("the figures of that page", || {
        let after = reads(&app);
        (after.2 > by_subject && after.3 > by_actor).then_some(after)
    });
    assert_eq!(after.0, whole, "the table was read as a whole");
    assert!(after.1 - fetched < 200, "{} rows were read for a page of 20", after.1 - fetched);
}

#[test]
fn without_the_database_it_is_not_there_and_afterwards_it_is() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let before = activity(&mut ann, "");
    app.execute("ALTER TABLE audit_events RENAME TO away");
    assert_eq!(ann.api("GET", "/me/activity", Value::Null).status, 500);
    app.execute("ALTER TABLE away RENAME TO audit_events");
    assert_eq!(activity(&mut ann, ""), before);
}
