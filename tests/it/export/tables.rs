//! That nothing kept about people is forgotten.

use vestibule::accounts::export::{KEPT, KEPT_TWICE, LEFT_OUT};

use crate::support::TestApp;

/// Columns by which a row belongs to somebody: those that refer to people, and those that hold an address.
const OF_SOMEBODY: &str = "
    SELECT DISTINCT c.relname::text AS t
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
      AND (c.relname = 'users'
        OR a.attname IN ('user_id', 'actor_id', 'subject_id', 'email', 'email_key', 'recipient')
        OR EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f'
                       AND f.confrelid = 'users'::regclass))";

#[test]
fn every_table_that_refers_to_people_is_taken_along_or_left_out_for_a_reason() {
    let app = TestApp::start();
    let there = app.text(&format!("SELECT string_agg(t, ' ' ORDER BY t) AS t FROM ({OF_SOMEBODY}) found"));
    let there: Vec<&str> = there.split(' ').collect();
    let known = |table: &str| {
        KEPT.iter().any(|(kept, _)| *kept == table)
            || KEPT_TWICE.0 == table
            || LEFT_OUT.iter().any(|(left_out, _)| *left_out == table)
    };
    for table in &there {
        assert!(
            known(table),
            "\nThe table {table} refers to people, and what it keeps about somebody is neither in their export nor left \
             out of it.\nIn src/accounts/export/mod.rs either add it to KEPT (and tell of its rows in the document, in \
             docs/export.schema.json, and in the tests), or to LEFT_OUT with the reason: it holds nothing but secrets, say."
        );
    }
    for table in
        KEPT.iter().map(|(table, _)| table).chain([&KEPT_TWICE.0]).chain(LEFT_OUT.iter().map(|(table, _)| table))
    {
        assert!(there.contains(table), "there is no table {table} any more that refers to people");
    }
}
