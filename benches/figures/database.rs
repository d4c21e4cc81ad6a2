//! Databases of their own, beside the one that the other parts share.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use vestibule::db::migrations;

use crate::Stage;

/// Up to date and empty; gone when it is dropped.
pub struct Database {
    name: String,
    admin_url: String,
    pub url: String,
}

impl Stage {
    pub fn another_database(&self, name: &str) -> anyhow::Result<Database> {
        let admin_url = self.url.replacen("/vestibule?", "/postgres?", 1).replace("user=vestibule", "user=postgres");
        let name = format!("bench_{name}");
        let url = self.url.replacen("/vestibule?", &format!("/{name}?"), 1);
        PgConnection::establish(&admin_url)?.batch_execute(&format!("CREATE DATABASE {name} OWNER vestibule"))?;
        let database = Database { name, admin_url, url };
        migrations::run(&database.url).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(database)
    }
}

impl Database {
    pub fn connect(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::establish(&self.url)?)
    }

    /// The setting by which the program finds it.
    pub fn setting(&self) -> String {
        format!("database.url={}", self.url)
    }

    /// So that nothing of what was done here goes on while something else is measured.
    pub fn settle(&self) -> anyhow::Result<()> {
        self.connect()?.batch_execute("VACUUM ANALYZE")?;
        Ok(PgConnection::establish(&self.admin_url)?.batch_execute("CHECKPOINT")?)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let gone = PgConnection::establish(&self.admin_url)
            .map_err(anyhow::Error::from)
            .and_then(|mut admin| Ok(admin.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name))?));
        if let Err(error) = gone {
            eprintln!("the database {} is left over: {error}", self.name);
        }
    }
}
