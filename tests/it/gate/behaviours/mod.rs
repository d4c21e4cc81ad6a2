//! The small print of the gate: what each door answers to hundreds of questions, family by family.
//!
//! `docs/behaviours.md` says the same in words, and where our answer is another one than is usual.

mod browsers;
mod cast;
mod credentials;
mod hosts;
mod identity;
mod methods;
mod paths;
mod peers;
mod scene;
mod sessions;
mod told;
mod ways_back;
