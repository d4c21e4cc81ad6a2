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
            _ if will_pass(&error) => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// Whether the same may well succeed later: the connection is closed, the server is going down or coming up, it became
/// a read-only standby, it has run out of something, or somebody else was in the way.
fn will_pass(error: &Diesel) -> bool {
    use DatabaseErrorKind as Kind;
    match error {
        Diesel::DatabaseError(
            Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction | Kind::SerializationFailure,
            _,
        )
        | Diesel::BrokenTransactionManager => true,
        Diesel::DatabaseError(_, info) => says_so(info.message()),
        Diesel::RollbackErrorOnCommit { commit_error, .. } => will_pass(commit_error),
        _ => false,
    }
}

/// diesel passes on the text of an error and not its code (classes 53 and 57, 40P01, 55P03). A server that speaks
/// another language is understood less well: then these are internal errors.
fn says_so(message: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "terminating connection",
        "server closed the connection",
        "the database system is",
        "could not receive data",
        "could not send data",
        "no connection to the server",
        "canceling statement due to",
        "deadlock detected",
        "out of memory",
        "out of shared memory",
        "could not extend file",
        "No space left on device",
    ];
    SIGNS.iter().any(|sign| message.contains(sign))
}
