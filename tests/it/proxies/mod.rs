//! Real proxies with the very files of `deploy/`, in front of the service and of an app that tells what reached it.

mod domains;
mod forgeries;
mod journey;
mod keys;
mod signed;
mod step_up;
pub mod street;
mod traffic;
