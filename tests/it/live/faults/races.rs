//! Sessions that end while they are asked about for the first time: what is read of one just before its end must not be
//! remembered after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;
use vestibule::config::settings::SecretKey;
use vestibule::crypto::Sealer;
use vestibule::kernel::{DeviceId, Digest, SessionId, Token};
use vestibule::sessions::LEASE;

use super::hammer::{Seen, ask};
use super::scene::Scene;
use crate::resilience::client::Client;
use crate::resilience::service::KEY;
use crate::support::PATIENCE;

const ROUNDS: usize = 200;

/// Side by side.
const LANES: usize = 2;

/// A session that was made by hand.
struct Made {
    id: SessionId,
    gate_cookie: String,
}

#[test]
fn a_session_that_ends_while_it_is_asked_about_is_not_remembered() {
    let scene = Scene::set();
    let made = make_sessions(&scene, ROUNDS);
    let lanes = thread::scope(|scope| {
        let lanes: Vec<_> = made
            .chunks(ROUNDS / LANES)
            .map(|share| {
                scope.spawn(|| share.iter().zip(0..).map(|(made, n)| round(&scene, made, n)).collect::<Vec<_>>())
            })
            .collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("a lane without complaints")).collect::<Vec<_>>()
    });
    let lags: Vec<Duration> = lanes.into_iter().flatten().collect();
    assert!(lags.len() > ROUNDS / 4, "the other node was hardly ever asked in time");
    println!(
        "races: of {ROUNDS} sessions {} had passed; the last to pass did so {:?} after its end",
        lags.len(),
        lags.iter().max()
    );
}

/// How long it passed at the other node after it had ended, if it did.
fn round(scene: &Scene, made: &Made, number: u64) -> Option<Duration> {
    let at = |port| Client::holding(port, "vestibule_gate", &made.gate_cookie);
    let (own, other) = (at(scene.a.port()), at(scene.b.port()));
    let over = AtomicBool::new(false);
    let (told, of_own, of_other) = thread::scope(|scope| {
        let own = scope.spawn(|| ask_until_refused(&own, &over));
        let others = [(); 2].map(|()| scope.spawn(|| ask_until_refused(&other, &over)));
        // Sometimes before the first answer, sometimes after some that came from memory.
        thread::sleep(Duration::from_micros(number % 16 * 500));
        let ended = scene.stays.send("DELETE", &format!("/me/sessions/{}", made.id), &Value::Null);
        let told = Instant::now();
        over.store(true, Ordering::SeqCst);
        assert_eq!(ended.expect("an answer").status, 204);
        let of_other = others.map(|asking| asking.join().expect("answers")).concat();
        (told, own.join().expect("answers"), of_other)
    });
    let passed = |seen: &[Seen]| seen.iter().filter(|seen| seen.status == 200).map(|seen| seen.sent).max();
    assert!(passed(&of_own).is_none_or(|last| last <= told), "passed at the node that had ended it");
    let late = passed(&of_other)?.checked_duration_since(told);
    assert!(late.is_none_or(|late| late < LEASE), "passed {late:?} after it had ended");
    Some(late.unwrap_or_default())
}

/// And some times more, because a wrong answer may be remembered late.
fn ask_until_refused(client: &Client, over: &AtomicBool) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut refused = 0;
    let deadline = Instant::now() + PATIENCE;
    while refused < 4 {
        assert!(Instant::now() < deadline, "it does not end: {:?}", seen.last());
        let next = ask(client);
        assert!([200, 401].contains(&next.status), "{next:?}");
        if over.load(Ordering::SeqCst) && next.status == 401 {
            refused += 1;
        }
        seen.push(next);
    }
    seen
}

/// Of the person whose session stays.
fn make_sessions(scene: &Scene, count: usize) -> Vec<Made> {
    let sealer = Sealer::new(&[SecretKey::from_bytes(KEY.into()).expect("a key")]).expect("a key");
    let epoch = DateTime::<Utc>::UNIX_EPOCH;
    let (mut made, mut rows) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (session, device, token) = (SessionId::new(epoch), DeviceId::new(epoch), Token::generate());
        let [portal, gate] = [Token::generate().digest(), token.digest()].map(|digest| hex(&digest));
        rows.push(format!("('{session}'::uuid, '{device}'::uuid, '{portal}'::bytea, '{gate}'::bytea)"));
        made.push(Made { id: session, gate_cookie: sealer.tag(&token) });
    }
    scene.execute(&format!(
        "WITH made (session, device, portal, gate) AS (VALUES {}), opened AS (
            INSERT INTO sessions (id, device_id, token_digest, user_id, remember, created_at, last_active_at,
                last_auth_at, expires_at)
            SELECT session, device, portal, u.id, false, now(), now(), now(), now() + interval '1 day'
            FROM made, users u WHERE u.email = '{}')
        INSERT INTO gate_tokens (digest, session_id, domain, created_at) SELECT gate, session, '', now() FROM made",
        rows.join(", "),
        scene.stays.email
    ));
    made
}

fn hex(digest: &Digest) -> String {
    let digits: Vec<_> = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\\x{}", digits.concat())
}
