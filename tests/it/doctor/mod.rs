//! `vestibule doctor`, the program itself: through real proxies with the files of `deploy/` it finds nothing wrong, and
//! with a fault planted in one of them it finds that.

mod caddy;
mod elsewhere;
mod examples;
mod nginx;
mod tls;
mod town;
