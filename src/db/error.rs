use diesel::result::{DatabaseErrorKind, Error as Diesel};

/// What can go wrong with the database itself. Features wrap it in their own errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server, no connection in time, or a server that cannot be written to just now.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A unique constraint was in the way; its name.
    #[error("a row like this exists already ({0})")]
    Duplicate(String),
    #[error("the database refused: {0}")]
    Internal(String),
}

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        match &error {
            Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::Duplicate(info.constraint_name().unwrap_or_default().to_owned())
            }
            _ if is_dead(&error) => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// Whether this error says that the connection must not be used again: it is closed, the server is going
/// down (57P01, 57P02, 57P03 have no kind of their own in diesel), or it became a read-only standby.
fn is_dead(error: &Diesel) -> bool {
    match error {
        Diesel::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::ReadOnlyTransaction, _)
        | Diesel::BrokenTransactionManager => true,
        Diesel::DatabaseError(_, info) => says_the_server_is_leaving(info.message()),
        _ => false,
    }
}

/// diesel passes on the text of such an error, not its code.
fn says_the_server_is_leaving(message: &str) -> bool {
    const SIGNS: [&str; 6] = [
        "terminating connection",
        "server closed the connection",
        "the database system is",
        "could not receive data",
        "could not send data",
        "no connection to the server",
    ];
    SIGNS.iter().any(|sign| message.contains(sign))
}
