//! The plain servers that ours is compared to. Each runs in a process of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use uuid::Uuid;
use vestibule::db::schema::gate_tokens;

use crate::served::{Served, free_port};

pub const EMPTY: &str = "empty";
pub const SELECT: &str = "select";

type Connections = Pool<ConnectionManager<PgConnection>>;

/// This binary in the role of a server.
pub fn start(role: &[&str]) -> anyhow::Result<Served> {
    let port = free_port()?;
    let (name, rest) = role.split_first().context("a role has a name")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(name).arg(port.to_string()).args(rest);
    Served::start(command, port)
}

pub fn answer_empty(port: u16) -> anyhow::Result<()> {
    serve(port, |config| {
        config.default_service(web::to(|| async { with_four_headers() }));
    })
}

/// One autocommitted statement by primary key for every request, off the async thread.
pub fn answer_after_select(port: u16, url: &str) -> anyhow::Result<()> {
    let connections: Connections =
        Pool::builder().max_size(10).test_on_check_out(false).build(ConnectionManager::new(url))?;
    let digest: Vec<u8> = gate_tokens::table.select(gate_tokens::digest).first(&mut connections.get()?)?;
    let shared = web::Data::new((connections, digest));
    serve(port, move |config| {
        config.app_data(shared.clone()).default_service(web::to(after_select));
    })
}

async fn after_select(shared: web::Data<(Connections, Vec<u8>)>) -> actix_web::Result<HttpResponse> {
    let look_up = move || -> anyhow::Result<Uuid> {
        let (connections, digest) = shared.as_ref();
        Ok(gate_tokens::table.find(digest).select(gate_tokens::session_id).first(&mut connections.get()?)?)
    };
    let found = web::block(look_up).await?;
    found.map(|_| with_four_headers()).map_err(actix_web::error::ErrorInternalServerError)
}

fn with_four_headers() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("remote-user", "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f"))
        .insert_header(("remote-email", "ann@example.test"))
        .insert_header(("remote-name", "Ann"))
        .insert_header(("remote-groups", ""))
        .finish()
}

fn serve(port: u16, routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let server = HttpServer::new(move || App::new().configure(routes.clone())).workers(1).listen(listener)?.run();
    Ok(actix_web::rt::System::new().block_on(server)?)
}
