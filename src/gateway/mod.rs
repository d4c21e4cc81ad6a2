//! The gate: whether a request that some proxy has stopped may go on to the app behind it.
//!
//! Everything in here computes and touches nothing. [`forwarded`] understands what a proxy tells of the request,
//! or refuses to; [`rules`] decides, and what no rule matches gets the operator's default; [`identity`] says who
//! it is, in five headers that are always all there, so that none of a client's own can survive; the last of them is
//! the [`assertion`], which says it once more and is signed. What belongs
//! to one kind of proxy, and every status code, is the web's.

pub mod assertion;
pub mod forwarded;
pub mod identity;
mod path;
mod pattern;
pub mod rules;

pub use forwarded::{Malformed, Request};
pub use identity::Identity;
pub use rules::{
    Asked, Decision, Door, Fit, Holder, Judgement, Look, Proof, Proofs, Reason, Rehearsal, Rule, Rules, Subject,
    Wanted, Words,
};

/// Where whoever is to sign in begins, at an app's host that no cookie of the portal's reaches.
pub const SIGN_ON: &str = "/.vestibule/start";

/// Where they come with a code.
pub const SIGN_ON_ENDS: &str = "/.vestibule/finish";

/// The header of a refusal in which the gate says how it was asked: what can be wrong with that is seen from outside.
pub const QUESTION: &str = "vestibule-gate";

/// What stands in [`QUESTION`] where nobody has asked the gate: it was [`SIGN_ON`] or [`SIGN_ON_ENDS`] that answered.
pub const NOT_ASKED: &str = "not asked";

/// What a peer is told that is not in `server.trusted_proxies`.
pub const NOT_A_PROXY: &str = "Only a proxy that this service trusts may ask.";
