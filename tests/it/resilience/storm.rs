//! Far more people signing in than there is room for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::Client;
use super::service::{Service, get};
use super::sql::{count, execute};
use crate::support::postgres::OwnServer;

const PEOPLE: usize = 300;

/// Many with the password of one: making each by hand would take longer than the storm.
const MULTIPLY: &str = "INSERT INTO users (id, email, email_key, password_hash, name, created_at)
    SELECT gen_random_uuid(), 'p' || n || '@example.com', 'p' || n || '@example.com', password_hash, name, created_at
    FROM users, generate_series(1, 299) AS n WHERE email = 'p0@example.com'";

#[test]
fn a_storm_of_sign_ins_is_bounded_and_whoever_is_turned_away_can_come_again() {
    let server = OwnServer::start();
    let service = Service::start(&[
        ("DATABASE__URL", &server.url()),
        ("LIMITS__LOGIN_PER_NETWORK", "100000 per 15m"),
        ("PASSWORD__MAX_CONCURRENT", "1"),
    ]);
    let port = service.port();
    let people: Vec<_> = (0..PEOPLE).map(|n| Client::new(port, &format!("p{n}@example.com"))).collect();
    assert_eq!(people[0].sign_up().unwrap().status, 202);
    execute(&server.url(), MULTIPLY);

    let over = Arc::new(AtomicBool::new(false));
    let pulse = {
        let over = Arc::clone(&over);
        thread::spawn(move || take_the_pulse(port, &over))
    };
    let storm: Vec<_> = people
        .into_iter()
        .map(|mut client| {
            thread::spawn(move || {
                let answer = client.sign_in().unwrap_or_else(|error| panic!("{}: no answer: {error}", client.email));
                (client, answer)
            })
        })
        .collect();
    let mut statuses: BTreeMap<u16, i64> = BTreeMap::new();
    let mut turned_away = None;
    for (client, answer) in storm.into_iter().map(|thread| thread.join().unwrap()) {
        *statuses.entry(answer.status).or_default() += 1;
        match answer.status {
            200 => assert_eq!(client.me().unwrap().status, 200, "{}", client.email),
            503 => turned_away = Some(client),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    over.store(true, Ordering::SeqCst);
    let beats = pulse.join().unwrap();
    let sessions = count(&server.url(), "SELECT count(*) AS n FROM sessions");
    assert_eq!(Some(&sessions), statuses.get(&200), "{statuses:?}");
    let mut client = turned_away.unwrap_or_else(|| panic!("there was room for everybody: {statuses:?}"));
    assert_eq!(client.sign_in().unwrap().status, 200);
    // Most of the time it is a millisecond; the machine may be busy with other tests.
    let p99 = beats[beats.len() * 99 / 100];
    assert!(p99 < Duration::from_millis(500), "{p99:?} of {}", beats.len());
    assert!(service.peak_memory() < 200, "{} MiB", service.peak_memory());
}

/// How long `/healthz` took, in order of length.
fn take_the_pulse(port: u16, over: &AtomicBool) -> Vec<Duration> {
    let mut beats = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let since = Instant::now();
        assert_eq!(get(port, "/healthz").unwrap().status, 200);
        beats.push(since.elapsed());
        thread::sleep(Duration::from_millis(5));
    }
    beats.sort();
    beats
}
