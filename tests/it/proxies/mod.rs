//! Real proxies with the very files of `deploy/`, in front of the service and of an app that tells what reached it.

mod forgeries;
mod journey;
mod keys;
mod signed;
pub mod street;
mod traffic;
