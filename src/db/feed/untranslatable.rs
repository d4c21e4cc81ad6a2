/// Why the listening connection cannot do as `database.url` says. It names a parameter, and quotes no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection that listens for changes cannot honour {parameter} of the database's address: {reason}")]
pub struct Untranslatable {
    parameter: String,
    reason: String,
}

impl Untranslatable {
    pub(super) fn new(parameter: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { parameter: parameter.into(), reason: reason.into() }
    }
}
