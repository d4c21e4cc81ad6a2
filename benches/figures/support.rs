//! The pen of the tests, which writes what identity providers answer.

#[path = "../../tests/it/support/idp/mod.rs"]
#[expect(clippy::expect_used, clippy::indexing_slicing, dead_code, reason = "what is made for tests")]
pub mod idp;
