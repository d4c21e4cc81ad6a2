//! Looking for what a database still holds about somebody: every row of every table, whatever its columns are.

use diesel::sql_types::Text;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};

use super::app::TestApp;

#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = Text)]
    t: String,
}

impl TestApp {
    /// The rows of this test's database that name somebody by one of these words.
    pub fn traces_of(&self, words: &[&str]) -> Vec<String> {
        traces(self.database_url(), words)
    }
}

/// The rows in which one of these words stands, in letters of any case or as bytes, each after the name of its table.
pub fn traces(database: &str, words: &[&str]) -> Vec<String> {
    let mut sql = PgConnection::establish(database).expect("the database");
    let tables = "SELECT c.oid::regclass::text AS t FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1";
    let tables: Vec<Words> = sql_query(tables).load(&mut sql).expect("the tables");
    assert!(tables.len() > 20, "only {} tables were found", tables.len());
    let words: Vec<String> = words.iter().flat_map(|word| spellings(word)).collect();
    let mut found = Vec::new();
    for Words { t: table } in tables {
        let rows = format!("SELECT r::text AS t FROM {table} AS r");
        let rows: Vec<Words> = sql_query(&rows).load(&mut sql).expect(&rows);
        let named = rows.into_iter().filter(|row| {
            let row = row.t.to_lowercase();
            words.iter().any(|word| row.contains(word.as_str()))
        });
        found.extend(named.map(|row| format!("{table}: {}", row.t)));
    }
    found
}

/// As text, and as PostgreSQL writes the same in a column of bytes.
fn spellings(word: &str) -> [String; 2] {
    let word = word.to_lowercase();
    let bytes: Vec<String> = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    [word, bytes.concat()]
}
