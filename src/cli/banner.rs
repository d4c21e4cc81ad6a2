//! What `vestibule serve` says on standard output when it starts: where everything is.

use super::database::Database;
use super::demo::Demo;
use crate::app::App;
use crate::kernel::Token;
use crate::mail::{Inbox, Transport};

/// For the terminal, and never for the log: the set-up link is a secret.
pub fn banner(
    app: &App,
    database: &Database,
    demo: Option<&Demo>,
    transport: &Transport,
    setup_link: Option<&Token>,
) -> String {
    let url = app.settings.server.public_url.as_str().trim_end_matches('/');
    let setup = setup_link.map(|token| format!("{url}/setup?token={}", token.expose()));
    let mail = match Inbox::url(&app.settings) {
        Some(inbox) => format!("{inbox} (letters are kept here, not sent)"),
        None => format!("through {transport}"),
    };
    let data = match database {
        Database::Running(_) => "on your PostgreSQL server".to_owned(),
        Database::Private(cluster) => format!("in a private PostgreSQL cluster, {}", cluster.folder().display()),
    };
    let lines = [
        ("Open", Some(url.to_owned())),
        ("Set up", setup),
        ("Demo app", demo.map(|demo| format!("{} (behind the gate)", demo.url))),
        ("Mail", Some(mail)),
        ("Data", Some(data)),
    ];
    let said = lines.into_iter().filter_map(|(name, value)| Some(format!("  {name:<10}{}\n", value?)));
    format!("\n  Vestibule {}\n\n{}", env!("CARGO_PKG_VERSION"), said.collect::<String>())
}
