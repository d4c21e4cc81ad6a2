//! Whatever has an end is removed after it.

use diesel::sql_types::Text;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};
use vestibule::jobs::Job;

use crate::support::TestApp;

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    statement: String,
}

/// For each table whose rows have an end: what inserts one that ended years ago. Columns are filled by their type.
/// What is on its way to an app belongs to a session that lives: [`crate::gate`] tries when that goes.
const STATEMENTS: &str = "
    SELECT c.table_name::text, format('INSERT INTO %I (%s) VALUES (%s)', c.table_name,
        string_agg(quote_ident(c.column_name), ', '),
        string_agg(CASE
            WHEN c.column_name = 'user_id' THEN '(SELECT id FROM users)'
            WHEN c.column_name = 'organization_id' THEN '(SELECT id FROM organizations)'
            WHEN c.column_name = 'connection_id' THEN '(SELECT id FROM connections)'
            WHEN c.column_name = 'purpose' THEN '''sign_in'''
            WHEN c.column_name = 'role' THEN '''member'''
            WHEN c.data_type = 'uuid' THEN 'gen_random_uuid()'
            WHEN c.data_type = 'bytea' THEN 'sha256(gen_random_uuid()::text::bytea)'
            WHEN c.data_type = 'text' THEN '''x@x.test'''
            WHEN c.data_type = 'timestamp with time zone' THEN '''2020-01-01'''
            WHEN c.data_type = 'boolean' THEN 'true'
            WHEN c.data_type IN ('integer', 'bigint') THEN '0'
            WHEN c.data_type = 'jsonb' THEN '''{}'''
            WHEN c.data_type = 'inet' THEN '''192.0.2.1'''
            WHEN c.data_type = 'ARRAY' THEN '''{gateway}'''
        END, ', ')) AS statement
    FROM information_schema.columns c
    WHERE c.table_name <> 'hand_overs' AND c.table_schema = 'public' AND c.is_nullable = 'NO' AND c.column_default IS NULL AND c.is_identity = 'NO'
        AND EXISTS (SELECT FROM information_schema.columns e WHERE e.table_schema = 'public'
            AND e.table_name = c.table_name AND e.column_name = 'expires_at')
    GROUP BY c.table_name";

#[test]
fn a_table_of_tokens_keeps_nothing_that_has_expired() {
    let app = TestApp::start();
    app.execute(
        "INSERT INTO users (id, email, email_key, created_at, email_verified_at)
             VALUES (gen_random_uuid(), 'ann@example.com', 'ann@example.com', now(), now());
         INSERT INTO organization_slugs VALUES ('acme', now());
         INSERT INTO organizations (id, slug, name, created_at) VALUES (gen_random_uuid(), 'acme', 'Acme', now());
         INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding, metadata_from,
             created_at, changed_at)
         SELECT gen_random_uuid(), id, 'Staff', 'urn:idp', 'https://idp.example.com/', 'redirect', 'hand', now(), now()
         FROM organizations",
    );
    let mut conn = PgConnection::establish(app.database_url()).expect("the database of this test");
    let statements: Vec<Statement> = sql_query(STATEMENTS).load(&mut conn).expect(STATEMENTS);
    let tables: Vec<&str> = statements.iter().map(|statement| statement.table_name.as_str()).collect();
    assert!(tables.len() >= 11 && tables.contains(&"magic_links"), "{tables:?}");
    for Statement { statement, .. } in &statements {
        app.execute(statement);
    }
    for job in Job::ALL {
        app.run_job(job.card().name);
    }
    for table in tables {
        assert_eq!(app.count(&format!("SELECT count(*) AS n FROM {table}")), 0, "{table}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 1);
}
