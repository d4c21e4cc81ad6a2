//! The demo app: one page on another port, behind the gate.
//!
//! It stands for a proxy with an app behind it. It has one name and answers to no other: the visitor writes `Host`, and
//! would pick the rule by it. Every request first asks the gate over HTTP as Caddy does: a GET with the visitor's
//! headers, his own `X-Forwarded-*` replaced. What refuses is passed on whole; on a 200 the page shows what an app would
//! be told, to programs as JSON.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{StatusCode, Uri};
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use url::{Position, Url};

use super::{failure::Failure, layers, pages, view};
use crate::app::App;
use crate::gateway::Identity;
use crate::outbound::{self, Trust};

/// The gate is in the same process; only a stuck database takes longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What belongs to one connection or to the body (RFC 9110, section 7.6.1), and what is told anew.
const NOT_PASSED_ON: [&str; 9] = [
    "connection",
    "content-length",
    "date",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

struct Demo {
    client: reqwest::Client,
    gate: Url,
    /// Host and port, as browsers write them.
    authority: String,
}

/// The demo on `listener`, ready to be awaited; `gate` is where the service itself listens.
pub fn server(app: App, listener: TcpListener, gate: SocketAddr) -> anyhow::Result<Server> {
    let gate = Url::parse(&format!("http://{gate}/gateway/forward-auth"))?;
    let authority = authority(&app, listener.local_addr()?.port());
    let demo = web::Data::new(Demo { client: outbound::client(Trust::Nobody, PATIENCE)?, gate, authority });
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(web::Data::new(app.clone()))
            .app_data(demo.clone())
            .wrap(from_fn(layers::around))
            .route("/static/{name}", web::get().to(pages::statics::file))
            .default_service(web::to(visit))
    });
    Ok(server.workers(1).shutdown_timeout(1).disable_signals().listen(listener)?.run())
}

/// That of the service, on another port.
fn authority(app: &App, port: u16) -> String {
    let mut url = app.settings.server.public_url.clone();
    // A URL of the web has a port.
    let _ = url.set_port(Some(port));
    url[Position::BeforeHost..Position::AfterPort].to_owned()
}

fn is_for(authority: &str, request: &HttpRequest) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
}

async fn visit(request: HttpRequest, app: web::Data<App>, demo: web::Data<Demo>) -> HttpResponse {
    if !is_for(&demo.authority, &request) {
        return HttpResponse::build(StatusCode::MISDIRECTED_REQUEST).body(format!("This is {}.\n", demo.authority));
    }
    let answer = match ask(&request, &demo).await {
        Ok(answer) => answer,
        Err(error) => {
            log::error!("the demo app cannot ask the gate: {error}");
            return HttpResponse::BadGateway().body("The gate does not answer.\n");
        }
    };
    if answer.status() == reqwest::StatusCode::OK {
        let wants_json = request.headers().get(header::ACCEPT).is_some_and(|types| types == "application/json");
        if wants_json {
            return as_json(&request, answer.headers());
        }
        page(&app, &request, answer.headers()).unwrap_or_else(|failure| failure.as_problem(&view::request_id(&request)))
    } else {
        pass_on(answer).await
    }
}

async fn ask(request: &HttpRequest, demo: &Demo) -> reqwest::Result<reqwest::Response> {
    let told = [
        ("x-forwarded-method", request.method().to_string()),
        ("x-forwarded-proto", "http".to_owned()),
        ("x-forwarded-uri", path_and_query(request.uri()).to_owned()),
        ("x-forwarded-for", request.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default()),
    ];
    let mut question = demo.client.get(demo.gate.clone());
    for (name, value) in visitors_own(request.headers(), &told) {
        question = question.header(name.as_str(), value.as_bytes());
    }
    for (name, value) in told {
        question = question.header(name, value);
    }
    question.header("host", &demo.authority).header("x-forwarded-host", &demo.authority).send().await
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

fn visitors_own<'a>(
    headers: &'a HeaderMap,
    told: &'a [(&str, String)],
) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
    let is_told = move |name: &str| name == "x-forwarded-host" || told.iter().any(|(own, _)| *own == name);
    headers.iter().filter(move |(name, _)| !is_told(name.as_str()) && !NOT_PASSED_ON.contains(&name.as_str()))
}

async fn pass_on(answer: reqwest::Response) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::build(status);
    for (name, value) in answer.headers().iter().filter(|(name, _)| !NOT_PASSED_ON.contains(&name.as_str())) {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    match answer.bytes().await {
        Ok(body) => response.body(body),
        Err(error) => {
            log::error!("the demo app lost the gate's answer: {error}");
            HttpResponse::BadGateway().finish()
        }
    }
}

fn page(app: &App, request: &HttpRequest, told: &reqwest::header::HeaderMap) -> Result<HttpResponse, Failure> {
    let context = json!({
        "page": { "request_id": view::request_id(request), "csrf": "", "path": request.path() },
        "who": Value::Null,
        "headers": Identity::NAMES.map(|name| json!({ "name": name, "value": value_of(told, name) })),
        "portal_url": app.settings.server.public_url.as_str(),
    });
    let body = app.render.render("demo/demo.html", context).map_err(Failure::internal)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

/// The identity as the gate has given it, and of the visitor's own headers those that nobody could take for one of ours.
/// An app would be told no `Connection` either: that is between the visitor and the proxy.
fn as_json(request: &HttpRequest, told: &reqwest::header::HeaderMap) -> HttpResponse {
    let is_ours = |name: &str| {
        let name = name.replace('_', "-");
        ["remote-", "vestibule-", "x-forwarded-", "x-original-", "x-rewrite-", "x-real-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            || ["cookie", "authorization", "forwarded", "connection"].contains(&name.as_str())
    };
    let own = request.headers().iter().filter(|(name, _)| !is_ours(name.as_str()));
    let own = own.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let identity = Identity::NAMES.map(|name| (name.to_owned(), value_of(told, name)));
    let headers: Vec<(String, String)> = own.chain(identity).collect();
    let body = json!({ "method": request.method().as_str(), "uri": request.uri().to_string(), "headers": headers });
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

fn value_of(headers: &reqwest::header::HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}
