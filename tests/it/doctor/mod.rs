//! `vestibule doctor`, the program itself: through real proxies with the files of `deploy/` it finds nothing wrong, and
//! with a fault planted in one of them it finds that.

mod apache;
mod caddy;
mod domains;
mod elsewhere;
mod envoy;
mod examples;
mod haproxy;
mod nginx;
mod planted;
mod tls;
mod town;
mod traefik;
