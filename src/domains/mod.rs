//! Domains of addresses: which organization has proved that one is its own, and what that means for its people.
//!
//! - An organization **claims** a domain; any number may claim the same, and a claim gives no power.
//! - It **proves** it by a TXT record, or by the operator's word. From then on nobody else can, and what it says of
//!   addresses in this very domain (not below it) counts. A record that has been missing for days ends the proof.
//! - A proved domain may **have a connection** ([`crate::sso`]). Its people can sign in by it; where the connection is
//!   **enforced**, they can in no other way, but for the owners who were named for the case that the provider is out of
//!   order ("break glass").
