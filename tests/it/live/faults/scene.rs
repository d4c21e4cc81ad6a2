//! Two processes on one PostgreSQL and two people who are signed in; everything is noted that the second process says of
//! them while one of the two sessions ends and something breaks.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::Value;
use vestibule::sessions::LEASE;

use super::hammer::{Hammer, NO_ANSWER, Seen};
use crate::resilience::client::Client;
use crate::resilience::service::Service;
use crate::support::postgres::{OwnServer, TestDb};
use crate::support::tcp::Wire;
use crate::support::{eventually, within};

pub const APP: &str = "localhost";

/// What a check that asks PostgreSQL does not get: for so long the tables are locked.
const LOCKED_FOR: Duration = Duration::from_millis(300);

/// What `B` may say of a session that goes on.
#[derive(Clone, Copy, PartialEq)]
pub enum Meanwhile {
    /// PostgreSQL can be reached, whatever else is broken.
    AllIsWell,
    MayBeUnavailable,
    /// When it goes on it finds that the clock has moved, so that it may give up what was asked meanwhile: the head of a
    /// request seems to have come too late, or the answer of PostgreSQL.
    IsPaused,
}

impl Meanwhile {
    fn statuses(self) -> &'static [u16] {
        match self {
            Self::AllIsWell => &[200],
            Self::MayBeUnavailable => &[200, 503],
            Self::IsPaused => &[200, 408, 503, NO_ANSWER],
        }
    }
}

pub struct Scene {
    /// Where people sign in and out.
    pub a: Service,
    /// What is broken.
    pub b: Service,
    /// Between PostgreSQL and `b`.
    pub wire: Wire,
    pub url: String,
    /// Whose session ends.
    pub ends: Client,
    /// Somebody else, whose session does not.
    pub stays: Client,
    told: Option<Instant>,
    _database: Option<TestDb>,
}

impl Scene {
    pub fn set() -> Self {
        let database = TestDb::make();
        let scene = Self::on(database.url(), &TestDb::socket());
        Self { _database: Some(database), ..scene }
    }

    pub fn on_own(server: &OwnServer) -> Self {
        Self::on(&server.url(), &server.socket())
    }

    fn on(url: &str, socket: &Path) -> Self {
        let wire = Wire::to(socket);
        let name = url.split("///").nth(1).and_then(|rest| rest.split('?').next()).expect("the name of a database");
        let far = format!("postgresql://vestibule@127.0.0.1:{}/{name}?sslmode=disable", wire.port());
        Self::at(&format!("{url}&application_name=near"), &far, wire)
    }

    /// With these addresses of the database.
    pub fn at(near: &str, far: &str, wire: Wire) -> Self {
        let a = serve(near);
        let b = serve(far);
        let [ends, stays] = ["ann@example.com", "bob@example.com"].map(|email| signed_in(&a, email));
        Self { a, b, wire, url: near.to_owned(), ends, stays, told: None, _database: None }
    }

    /// Breaks something while a session ends, and looks on until `b` remembers again.
    pub fn play(mut self, name: &str, meanwhile: Meanwhile, act: impl FnOnce(&mut Self)) {
        for client in [&self.ends, &self.stays] {
            eventually("B to remember", || self.is_remembered(client).then_some(()));
        }
        let (ends, stays) = (self.ends.at(self.b.port()), self.stays.at(self.b.port()));
        let hammers = (Hammer::start(&ends, 2), Hammer::start(&stays, 1));
        act(&mut self);
        let told = self.told.expect("a session that has ended");
        let mended = Instant::now();
        let trusts = within(Duration::from_secs(20), || self.is_remembered(&self.stays).then(Instant::now));
        let trusts = trusts.unwrap_or_else(|| panic!("{name}: no trust again\n{}", self.b.log()));
        // A word from before may still be about to be believed.
        thread::sleep(Duration::from_millis(300));
        let (of_end, of_stay) = (hammers.0.stop(), hammers.1.stop());
        assert_eq!(self.at_b(&self.ends), 401, "{name}");
        let last = judge_ended(name, meanwhile, told, &of_end);
        judge_live(name, meanwhile, &of_stay);
        println!(
            "{name}: last passed {last:+.3} s after it had ended; trusted again {:.3} s after all was well; {} and {} checks",
            (trusts - mended).as_secs_f64(),
            of_end.len(),
            of_stay.len()
        );
    }

    /// Signs out at `a`, which has answered when this returns.
    pub fn sign_out(&mut self) {
        let ended = within(Duration::from_secs(10), || {
            let answer = self.ends.send("POST", "/auth/logout", &Value::Null).unwrap();
            (answer.status == 204).then_some(())
        });
        assert!(ended.is_some(), "A does not end the session:\n{}", self.a.log());
        self.has_ended();
    }

    /// Says that it has ended by now.
    pub fn has_ended(&mut self) {
        self.told = Some(Instant::now());
    }

    /// For so long after the session has ended.
    pub fn wait(&self, time: Duration) {
        let since = self.told.map_or(Duration::ZERO, |told| told.elapsed());
        thread::sleep(time.saturating_sub(since));
    }

    pub fn at_b(&self, client: &Client) -> u16 {
        client.at(self.b.port()).passes_the_gate(APP).expect("an answer").status
    }

    pub fn execute(&self, sql: &str) {
        crate::resilience::sql::execute(&self.url, sql);
    }

    /// Whether `b` lets this visitor pass although nobody can read the tables.
    pub fn is_remembered(&self, client: &Client) -> bool {
        let mut lock = PgConnection::establish(&self.url).expect("PostgreSQL");
        lock.batch_execute("BEGIN; LOCK TABLE gate_tokens IN ACCESS EXCLUSIVE MODE").expect("a lock");
        let (says, answer) = mpsc::channel();
        let client = client.at(self.b.port());
        let asking = thread::spawn(move || says.send(client.passes_the_gate(APP)));
        let answer = answer.recv_timeout(LOCKED_FOR);
        lock.batch_execute("ROLLBACK").expect("an end of the lock");
        let _ = asking.join();
        matches!(answer, Ok(Ok(answer)) if answer.status == 200)
    }
}

fn signed_in(service: &Service, email: &str) -> Client {
    let mut client = Client::new(service.port(), email);
    assert_eq!(client.sign_up().expect("an answer").status, 202);
    assert_eq!(client.sign_in().expect("an answer").status, 200);
    client
}

pub fn serve(url: &str) -> Service {
    let rules = format!(r#"[{{ hosts = ["{APP}"], allow = "signed_in", verified = false }}]"#);
    Service::start(&[("DATABASE__URL", url), ("GATEWAY__RULES", &rules)])
}

/// The promise. By how many seconds the last request that passed came in after the session had ended.
fn judge_ended(name: &str, meanwhile: Meanwhile, told: Instant, seen: &[Seen]) -> f64 {
    let after = |instant: Instant| instant.saturating_duration_since(told).as_secs_f64();
    let last = seen.iter().filter(|seen| seen.status == 200).map(|seen| seen.sent).max().expect("it was live once");
    assert!(last < told + LEASE, "{name}: passed {:.3} s after it had ended", after(last));
    let refused = seen.iter().filter(|seen| seen.status == 401).map(|seen| seen.answered).min();
    let refused = refused.unwrap_or_else(|| panic!("{name}: never refused"));
    assert!(last <= refused, "{name}: passed {:.3} s after it had been refused", (last - refused).as_secs_f64());
    let may_be = |status| [401, 503].contains(&status) || meanwhile.statuses().contains(&status);
    let strange: Vec<_> = seen.iter().filter(|seen| !may_be(seen.status)).collect();
    assert!(strange.is_empty(), "{name}: {strange:?}");
    if last > told { after(last) } else { -told.saturating_duration_since(last).as_secs_f64() }
}

fn judge_live(name: &str, meanwhile: Meanwhile, seen: &[Seen]) {
    let strange: Vec<_> = seen.iter().filter(|seen| !meanwhile.statuses().contains(&seen.status)).collect();
    assert!(strange.is_empty(), "{name}: of a session that goes on: {strange:?}");
}
