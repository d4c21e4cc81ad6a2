//! What the operator's Prometheus asks, on a listener of its own: `/metrics` and nothing else. No figure names a person.
//!
//! Every answer is put together anew, so that what cannot be known just now is missing and not stale. PostgreSQL is
//! asked at most once in [`ASK_EVERY`], however many scrape.

use std::net::TcpListener;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::dev::{Server, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::{HttpResponse, HttpServer, web};
use chrono::{DateTime, TimeDelta, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::Mutex;

use super::LiveSessions;
use crate::app::App;
use crate::factors::{self, InUse};
use crate::meters::Meters;
use crate::sso::connections;
use crate::{db, mail, sessions, webhooks};

/// Counting sessions reads all of them.
const ASK_EVERY: TimeDelta = TimeDelta::seconds(15);

/// How long PostgreSQL may take; whoever scrapes gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(3);

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The requests answered so far, but for the gate's: those are counted where they are looked up. Cheap to clone.
#[derive(Clone, Default)]
pub struct Requests(Family<Request, Counter>);

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Request {
    method: &'static str,
    /// The pattern: a path may be anything.
    route: String,
    status: u16,
}

impl Requests {
    pub(super) fn count<B>(&self, method: &Method, answer: &ServiceResponse<B>) {
        let route = answer.request().match_pattern().unwrap_or_else(|| "none".to_owned());
        let request = Request { method: known(method), route, status: answer.status().as_u16() };
        self.0.get_or_create(&request).inc();
    }
}

/// Anybody can make up methods.
fn known(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

struct Meter {
    app: App,
    live: LiveSessions,
    requests: Requests,
    asked: Mutex<Option<Asked>>,
}

/// What PostgreSQL has said, and when.
#[derive(Clone, Copy)]
struct Asked {
    at: DateTime<Utc>,
    /// `None` when it could not be asked.
    stock: Option<Stock>,
}

#[derive(Clone, Copy)]
struct Stock {
    sessions: i64,
    letters: i64,
    deliveries: i64,
    /// Since when the event waits that has for longest.
    oldest_delivery: Option<DateTime<Utc>>,
    factors: InUse,
    sign_on: SignOn,
}

/// How the connections to identity providers stand.
#[derive(Clone, Copy)]
struct SignOn {
    /// How many could not fetch their metadata when they last tried.
    failing: i64,
    /// When the certificate ends that ends next.
    first_end: Option<DateTime<Utc>>,
}

/// The server of the metrics, ready to be awaited.
pub fn server(app: App, live: LiveSessions, requests: Requests, listener: TcpListener) -> std::io::Result<Server> {
    let meter = web::Data::new(Meter { app, live, requests, asked: Mutex::default() });
    let server = HttpServer::new(move || {
        let metrics = web::resource("/metrics").route(web::get().to(show)).route(web::head().to(show));
        actix_web::App::new().app_data(meter.clone()).service(metrics)
    });
    Ok(server.workers(1).shutdown_timeout(1).disable_signals().listen(listener)?.run())
}

async fn show(meter: web::Data<Meter>) -> HttpResponse {
    let mut text = String::new();
    match encode(&mut text, &meter.registry().await) {
        Ok(()) => HttpResponse::Ok().insert_header((header::CONTENT_TYPE, CONTENT_TYPE)).body(text),
        Err(error) => {
            log::error!("writing the metrics: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}

impl Meter {
    async fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("vestibule");
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What is running", version);
        if let Some(stock) = self.stock().await {
            add_stock(&mut registry, stock, self.app.clock.now());
        }
        add_memory(&mut registry, &self.live);
        add_connections(&mut registry, &self.app);
        add_attempts(&mut registry, self.app.db.meters());
        add_gate(&mut registry, self.app.db.meters());
        add_jobs(&mut registry, self.app.db.meters());
        add_deliveries(&mut registry, self.app.db.meters());
        let help = "Requests for pages and the API that were answered, by route; the gate is not among them";
        registry.register("http_requests", help, self.requests.0.clone());
        registry
    }

    /// As old as [`ASK_EVERY`] at most. Those who come while somebody asks wait for the same answer.
    async fn stock(&self) -> Option<Stock> {
        let mut asked = self.asked.lock().await;
        let now = self.app.clock.now();
        let is_fresh = |asked: &Asked| (asked.at..asked.at + ASK_EVERY).contains(&now);
        if let Some(asked) = asked.filter(is_fresh) {
            return asked.stock;
        }
        let answer = tokio::time::timeout(PATIENCE, ask(&self.app)).await;
        let stock = match answer {
            Ok(Ok(stock)) => Some(stock),
            Ok(Err(error)) => {
                log::warn!("counting for the metrics: {error}");
                None
            }
            Err(_) => None,
        };
        *asked = Some(Asked { at: now, stock });
        stock
    }
}

async fn ask(app: &App) -> Result<Stock, db::Error> {
    let rules = app.settings.session.clone();
    let sessions = app.db.look_up(move |tx| sessions::count_live(tx, &rules)).await?;
    let letters = app.db.look_up(mail::count_waiting).await?;
    let factors = app.db.read(factors::count_in_use).await?;
    let (deliveries, oldest_delivery) = app.db.look_up(webhooks::waiting).await?;
    let sign_on = SignOn {
        failing: app.db.look_up(connections::count_failing).await?,
        first_end: app.db.look_up(connections::first_end).await?,
    };
    Ok(Stock { sessions, letters, deliveries, oldest_delivery, factors, sign_on })
}

fn add_stock(registry: &mut Registry, stock: Stock, now: DateTime<Utc>) {
    registry.register("sessions_active", "Live sessions, of all nodes together", gauge(stock.sessions));
    registry.register("mail_queue_depth", "Letters that wait to be sent", gauge(stock.letters));
    let help = "Events that webhooks have yet to be told, of all nodes together";
    registry.register("webhook_queue_depth", help, gauge(stock.deliveries));
    let age = stock.oldest_delivery.map_or(0, |at| (now - at).num_seconds().max(0));
    let help = "How long ago the oldest event happened that a webhook has yet to be told; 0 without any";
    registry.register_with_unit("webhook_queue_age", help, Unit::Seconds, gauge(age));
    add_factors(registry, stock.factors);
    add_sign_on(registry, stock.sign_on);
}

fn add_sign_on(registry: &mut Registry, SignOn { failing, first_end }: SignOn) {
    let help = "Identity providers whose metadata could not be fetched the last time it was tried";
    registry.register("sso_metadata_failing", help, gauge(failing));
    // Without a certificate there is no such moment, and 0 would be one.
    if let Some(end) = first_end {
        let help = "When the identity providers' certificate ends that ends first, since 1970";
        registry.register_with_unit("sso_certificate_end", help, Unit::Seconds, gauge(end.timestamp()));
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

fn add_factors(registry: &mut Registry, in_use: InUse) {
    let InUse { totp, passkeys, recovery_codes } = in_use;
    let factors = Family::<Kind, Gauge>::default();
    for (kind, count) in [("totp", totp), ("passkey", passkeys), ("recovery_code", recovery_codes)] {
        factors.get_or_create(&Kind { kind }).set(count);
    }
    let help = "Factors in use, of all people together: authenticator apps, passkeys, recovery codes that are left";
    registry.register("factors", help, factors);
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Attempt {
    method: &'static str,
    result: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Scope {
    scope: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

fn add_attempts(registry: &mut Registry, meters: &Meters) {
    let attempts = Family::<Attempt, Counter>::default();
    for ((method, outcome), count) in meters.attempts() {
        attempts.get_or_create(&Attempt { method, result: outcome.as_str() }).inc_by(count);
    }
    let help = "Attempts to sign in, by the proof that was brought and what became of it";
    registry.register("authn_attempts", help, attempts);
    let waits = Family::<Scope, Counter>::default();
    for (scope, count) in meters.waits() {
        waits.get_or_create(&Scope { scope }).inc_by(count);
    }
    registry.register("lockouts", "Attempts of any kind that met a wait, by what waits", waits);
    let challenges = Family::<Reason, Counter>::default();
    for (reason, count) in meters.challenges() {
        challenges.get_or_create(&Reason { reason }).inc_by(count);
    }
    let help = "How often somebody signed in was asked to prove again who they are, by what they wanted to change";
    registry.register("stepup_challenges", help, challenges);
}

fn add_gate(registry: &mut Registry, meters: &Meters) {
    let reloads = Family::<Loaded, Counter>::default();
    for (outcome, count) in meters.reloads() {
        reloads.get_or_create(&Loaded { outcome }).inc_by(count);
    }
    registry.register("config_reloads", "How often the configuration was read again, and what became of it", reloads);
    let shadows = Family::<Rehearsed, Counter>::default();
    for (decision, count) in meters.shadows() {
        shadows.get_or_create(&Rehearsed { decision }).inc_by(count);
    }
    let help = "Decisions of the gate that rules with shadow = true would have changed, by what they would have been";
    registry.register("gateway_shadow_changes", help, shadows);
    let (records, counted) = (Family::<Kept, Counter>::default(), meters.records());
    for outcome in ["written", "dropped", "unfit"] {
        records.get_or_create(&Kept { outcome }).inc_by(counted.get(outcome).copied().unwrap_or_default());
    }
    let help = "Decisions of the gate that were to be kept (gateway.record), and what became of them";
    registry.register("gateway_records", help, records);
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Loaded {
    outcome: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Kept {
    outcome: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Rehearsed {
    decision: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Run {
    job: &'static str,
    outcome: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Job {
    job: &'static str,
}

fn add_jobs(registry: &mut Registry, meters: &Meters) {
    let runs = Family::<Run, Counter>::default();
    for ((job, outcome), count) in meters.runs() {
        runs.get_or_create(&Run { job, outcome }).inc_by(count);
    }
    registry.register("job_runs", "Rounds of each job on this node, by what became of them", runs);
    let (ends, durations) = (Family::<Job, Gauge>::default(), Family::<Job, Gauge<f64, AtomicU64>>::default());
    for (job, last) in meters.last_runs() {
        if let Some(at) = last.succeeded_at {
            ends.get_or_create(&Job { job }).set(at.timestamp());
        }
        durations.get_or_create(&Job { job }).set(last.took.as_secs_f64());
    }
    let help = "When a round of a job last ended well on this node, in seconds since 1970";
    registry.register_with_unit("job_last_success_timestamp", help, Unit::Seconds, ends);
    let help = "How long the last round of a job took on this node";
    registry.register_with_unit("job_last_duration", help, Unit::Seconds, durations);
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Delivery {
    outcome: &'static str,
}

fn add_deliveries(registry: &mut Registry, meters: &Meters) {
    let (deliveries, counted) = (Family::<Delivery, Counter>::default(), meters.deliveries());
    for outcome in ["delivered", "failed", "gave_up"] {
        let count = counted.get(outcome).copied().unwrap_or_default();
        deliveries.get_or_create(&Delivery { outcome }).inc_by(count);
    }
    let help = "Attempts to tell a webhook of an event, by what became of them; gave_up was the last one for its event";
    registry.register("webhook_attempts", help, deliveries);
}

fn add_memory(registry: &mut Registry, live: &LiveSessions) {
    let figures = live.figures();
    let remembered = gauge(i64::try_from(figures.sessions).unwrap_or(i64::MAX));
    registry.register("session_cache_entries", "Sessions that this node remembers", remembered);
    let hits = "Checks at the gate that were answered from memory";
    registry.register("session_cache_hits", hits, counter(figures.remembered));
    let reads = "Checks at the gate for which PostgreSQL was asked";
    registry.register("session_cache_read_throughs", reads, counter(figures.read_through));
    let trusted = "1 while this node hears of sessions that end, and may answer from memory";
    registry.register("session_cache_trusted", trusted, gauge(i64::from(figures.is_trusted)));
    let lag: Gauge<f64, AtomicU64> = Gauge::default();
    lag.set(figures.round_trip.as_secs_f64());
    let help = "How long the last heartbeat took to PostgreSQL and back: what a node hears of late by";
    registry.register_with_unit("notification_round_trip", help, Unit::Seconds, lag);
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Connection {
    pool: &'static str,
    state: &'static str,
}

fn add_connections(registry: &mut Registry, app: &App) {
    let connections = Family::<Connection, Gauge>::default();
    for (pool, now) in app.db.connections() {
        for (state, count) in [("idle", now.idle), ("busy", now.busy)] {
            connections.get_or_create(&Connection { pool, state }).set(i64::from(count));
        }
    }
    registry.register("db_pool_connections", "Connections to PostgreSQL", connections);
}

fn gauge(value: i64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(value);
    gauge
}

fn counter(value: u64) -> Counter {
    let counter = Counter::default();
    counter.inc_by(value);
    counter
}
