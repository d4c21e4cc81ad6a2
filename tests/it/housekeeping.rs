//! What has ended is tidied up, by any node, and nothing that lives.

use std::thread;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};
use serde_json::Value;
use vestibule::app::App;
use vestibule::config::Settings;
use vestibule::kernel::shutdown;
use vestibule::sessions::{self, EndReason, Remember, Swept};

use crate::support::people::{PASSWORD, sign_in};
use crate::support::postgres::TestDb;
use crate::support::{TestApp, eventually};

/// 15 January 2027, 08:00: the present of every test.
const NOW: &str = "to_timestamp(1800000000)";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// A database and nodes of which nobody sweeps unasked.
struct Yard {
    nodes: Vec<App>,
    database: TestDb,
}

impl Yard {
    fn with_nodes(nodes: usize) -> Self {
        let (front, database) = (TestApp::start(), TestDb::make());
        let settings = || Settings::clone(&front.app.settings);
        let node = || App::new(settings(), database.url(), front.clock().clone()).expect("a node");
        let yard = Self { nodes: (0..nodes).map(|_| node()).collect(), database };
        yard.execute(
            "CREATE FUNCTION uuid_of(n bigint) RETURNS uuid LANGUAGE sql AS
                 $$ SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;",
        );
        yard
    }

    fn sql(&self) -> PgConnection {
        PgConnection::establish(self.database.url()).expect("the database of this test")
    }

    fn execute(&self, sql: &str) {
        self.sql().batch_execute(sql).expect(sql);
    }

    fn count(&self, sql: &str) -> i64 {
        sql_query(format!("SELECT count(*) AS n FROM {sql}")).get_result::<Number>(&mut self.sql()).expect(sql).n
    }

    fn largest_batch(&self) -> i64 {
        sql_query("SELECT max(rows) AS n FROM batches").get_result::<Number>(&mut self.sql()).expect("batches").n
    }

    fn sweep(&self) -> Swept {
        sweep(&self.nodes[0])
    }

    /// This many people, numbered from 1.
    fn people(&self, count: usize) {
        self.execute(&format!(
            "INSERT INTO users (id, email, email_key, name, created_at)
             SELECT uuid_of(n), n || '@example.com', n || '@example.com', '', {NOW} FROM generate_series(1, {count}) n"
        ));
    }

    /// Sessions `from..=to`, last active so long ago, which end so long from now; both may depend on `n`.
    fn sessions(&self, from: i64, to: i64, kind: &Kind) {
        let Kind { remember, idle_for, ends_in } = kind;
        self.execute(&format!(
            "INSERT INTO sessions (id, user_id, device_id, token_digest, remember, created_at, last_auth_at,
                                   last_active_at, expires_at)
             SELECT gen_random_uuid(), uuid_of(n % 100 + 1), gen_random_uuid(), sha256(n::text::bytea), {remember},
                    {NOW}, {NOW}, {NOW} - ({idle_for}), {NOW} + ({ends_in})
             FROM generate_series({from}, {to}) n"
        ));
    }
}

struct Kind {
    remember: bool,
    idle_for: &'static str,
    ends_in: &'static str,
}

const LIVE: Kind = Kind {
    remember: false,
    idle_for: "interval '1 second' * (n % 1800)",
    ends_in: "interval '1 second' * (1 + n % 9999)",
};
const REMEMBERED: Kind =
    Kind { remember: true, idle_for: "interval '1 hour' * (n % 168)", ends_in: "interval '1 hour'" };
const TOO_OLD: Kind = Kind { remember: false, idle_for: "interval '0'", ends_in: "interval '-1 second' * (n % 9999)" };
const IDLE: Kind = Kind {
    remember: false,
    idle_for: "interval '31 minutes' + interval '1 second' * (n % 9999)",
    ends_in: "interval '1 hour'",
};
const IDLE_REMEMBERED: Kind = Kind {
    remember: true,
    idle_for: "interval '7 days 1 minute' + interval '1 second' * (n % 9999)",
    ends_in: "interval '1 hour'",
};

fn sweep(node: &App) -> Swept {
    let (_trigger, shutdown) = shutdown::pair();
    actix_web::rt::System::new().block_on(sessions::sweep(node, &shutdown)).expect("a round")
}

/// Twenty thousand sessions, of which twelve thousand have ended.
fn a_full_yard(nodes: usize) -> Yard {
    let yard = Yard::with_nodes(nodes);
    yard.execute(
        "CREATE TABLE batches (rows bigint NOT NULL);
         CREATE FUNCTION count_batch() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO batches SELECT count(*) FROM gone; RETURN NULL; END $$;
         CREATE TRIGGER count_batches AFTER DELETE ON sessions REFERENCING OLD TABLE AS gone
             FOR EACH STATEMENT EXECUTE FUNCTION count_batch();",
    );
    yard.people(100);
    for (at, kind) in (0_i64..).zip([LIVE, REMEMBERED, TOO_OLD, IDLE, IDLE_REMEMBERED]) {
        yard.sessions(4_000 * at + 1, 4_000 * (at + 1), &kind);
    }
    yard
}

#[test]
fn one_round_removes_all_that_ended_and_none_that_lives() {
    let yard = a_full_yard(1);
    let swept = yard.sweep();
    assert_eq!(swept, Swept { too_old: 4_000, idle: 8_000, ..Swept::default() });
    assert_eq!(yard.count("sessions"), 8_000);
    let alive = |n: &str| format!("sessions s JOIN generate_series(1, 8000) n ON s.token_digest = sha256({n}::bytea)");
    assert_eq!(yard.count(&alive("n::text")), 8_000, "the live ones, each of them");
    let ended = |reason, from, to| {
        yard.count(&format!(
            "ended_sessions e JOIN generate_series({from}, {to}) n ON e.token_digest = sha256(n::text::bytea)
             WHERE reason = '{reason}' AND ended_at = {NOW}"
        ))
    };
    let reasons = [("too_old", 8_001, 12_000), ("idle", 12_001, 16_000), ("idle_remembered", 16_001, 20_000)];
    assert_eq!(reasons.map(|(reason, from, to)| ended(reason, from, to)), [4_000; 3]);
    assert_eq!(yard.largest_batch(), 1_000, "no statement takes more than a batch");
    assert_eq!(yard.sweep(), Swept::default());
}

#[test]
fn two_nodes_at_once_remove_each_row_once() {
    let yard = a_full_yard(2);
    let both: Vec<Swept> = thread::scope(|scope| {
        let rounds: Vec<_> = yard.nodes.iter().map(|node| scope.spawn(|| sweep(node))).collect();
        rounds.into_iter().map(|round| round.join().expect("a round")).collect()
    });
    let sum = |of: fn(&Swept) -> usize| both.iter().map(of).sum::<usize>();
    // What the two held at the same moment, each has left to the other.
    let rest = yard.sweep();
    assert_eq!(sum(|swept| swept.too_old + swept.idle) + rest.too_old + rest.idle, 12_000, "{both:?}, then {rest:?}");
    assert_eq!((yard.count("sessions"), yard.count("ended_sessions")), (8_000, 12_000));
    assert!(both.iter().all(|swept| swept.too_old + swept.idle > 0), "both have done something: {both:?}");
}

/// Who holds a row may be about to use it; who holds a person may be about to ask for their sessions.
#[test]
fn what_others_hold_is_passed_over_and_not_waited_for() {
    let yard = a_full_yard(1);
    let mut others = [yard.sql(), yard.sql()];
    let digest = |n: i64| format!("token_digest = sha256('{n}'::bytea)");
    let held = [
        format!("SELECT FROM sessions WHERE {} OR {} FOR UPDATE", digest(8_001), digest(12_001)),
        "SELECT FROM users WHERE id = uuid_of(7) FOR UPDATE".to_owned(),
    ];
    for (other, held) in others.iter_mut().zip(&held) {
        other.batch_execute(&format!("BEGIN; {held}")).expect(held);
    }
    let theirs = "sessions WHERE user_id = uuid_of(7)";
    let before = yard.count(theirs);
    let swept = yard.sweep();
    // Of each of a hundred people there are 120 that have ended.
    assert_eq!(swept.too_old + swept.idle, 12_000 - 120 - 2);
    assert_eq!(yard.count(theirs), before);
    drop(others);
    eventually("the locks to be gone", || (yard.count("pg_locks WHERE mode = 'RowShareLock'") == 0).then_some(()));
    let swept = yard.sweep();
    assert_eq!(swept.too_old + swept.idle, 120 + 2);
}

/// Written down by a node while the round is under way: whoever was told that the row is there finds it afterwards.
#[test]
fn a_session_that_is_used_meanwhile_stays() {
    let yard = a_full_yard(1);
    let touch = |step: i64| -> Vec<i64> {
        let mut sql = yard.sql();
        let mut is_touched = |n: &i64| {
            let touch = format!("UPDATE sessions SET last_active_at = {NOW} WHERE token_digest = sha256('{n}')");
            sql_query(touch).execute(&mut sql).expect("a touch") == 1
        };
        (0..4_000).map(|n| 12_001 + n * step % 8_000).filter(|n| is_touched(n)).collect()
    };
    let (touched, swept) = thread::scope(|scope| {
        let others = [scope.spawn(|| touch(3_571)), scope.spawn(|| touch(7_919))];
        let swept = yard.sweep();
        (others.map(|other| other.join().expect("an end")).concat(), swept)
    });
    assert!(!touched.is_empty() && swept.idle > 0, "{} and {swept:?}", touched.len());
    for n in &touched {
        assert_eq!(yard.count(&format!("sessions WHERE token_digest = sha256('{n}')")), 1, "{n} of {touched:?}");
    }
}

#[test]
fn a_session_is_given_a_minute_beyond_its_idle_timeout() {
    let yard = Yard::with_nodes(1);
    yard.people(100);
    yard.sessions(1, 1, &Kind { idle_for: "interval '0'", ..LIVE });
    yard.execute("UPDATE sessions SET expires_at = expires_at + interval '1 day'");
    let clock = &yard.nodes[0].clock;
    clock.advance(TimeDelta::minutes(31) - TimeDelta::microseconds(1));
    assert_eq!(yard.sweep(), Swept::default());
    clock.advance(TimeDelta::microseconds(1));
    assert_eq!(yard.sweep(), Swept { idle: 1, ..Swept::default() });
}

#[test]
fn what_is_kept_beside_sessions_goes_in_its_time() {
    let yard = Yard::with_nodes(1);
    yard.people(2_500);
    yard.execute(&format!(
        "INSERT INTO ended_sessions SELECT sha256(n::text::bytea), uuid_of(n), 'idle', {NOW} FROM generate_series(1, 2500) n;
         INSERT INTO places SELECT uuid_of(n), '192.0.2.1', {NOW}, {NOW} FROM generate_series(1, 2500) n;
         INSERT INTO not_me_links SELECT sha256(n::text::bytea), uuid_of(n), uuid_of(n), '192.0.2.1', NULL, {NOW},
             {NOW} + interval '7 days' FROM generate_series(1, 2500) n;"
    ));
    let clock = &yard.nodes[0].clock;
    clock.advance(TimeDelta::days(7) - TimeDelta::microseconds(1));
    assert_eq!(yard.sweep(), Swept::default());
    clock.advance(TimeDelta::microseconds(1));
    assert_eq!(yard.sweep(), Swept { ends: 2_500, links: 2_500, ..Swept::default() });
    clock.advance(TimeDelta::days(173) - TimeDelta::microseconds(1));
    assert_eq!(yard.sweep(), Swept::default());
    clock.advance(TimeDelta::microseconds(1));
    assert_eq!(yard.sweep(), Swept { places: 2_500, ..Swept::default() });
}

#[test]
fn a_round_stops_after_a_batch_when_the_service_does() {
    let yard = a_full_yard(1);
    let (trigger, shutdown) = shutdown::pair();
    trigger.pull();
    let swept = actix_web::rt::System::new().block_on(sessions::sweep(&yard.nodes[0], &shutdown)).expect("a round");
    assert!(swept.too_old <= 1_000 && swept.idle <= 1_000, "{swept:?}");
    assert_eq!(yard.sweep().too_old + swept.too_old, 4_000);
}

#[test]
fn the_service_sweeps_by_itself_and_a_browser_can_still_be_told_why() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    let cookie = browser.jar.find(app.public_url(), "vestibule_session").unwrap().value.clone();
    let token = vestibule::kernel::Token::parse(&cookie[cookie.len() - 43..]).unwrap();
    app.execute("UPDATE sessions SET last_active_at = last_active_at - interval '31 minutes'");
    let other = app.again_with(&[]);
    eventually("the session to be swept", || (app.count("SELECT count(*) AS n FROM sessions") == 0).then_some(()));
    let why = actix_web::rt::System::new().block_on(sessions::why_ended(&other.app, &token)).unwrap();
    assert_eq!(why, Some(EndReason::Idle(Remember::No)));
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 401);
    assert!(browser.get("/login").has("You were signed out because you had not been here for 30 minutes."));
    assert_eq!(sign_in(&mut browser, "ann@example.com", PASSWORD).status, 303);
}
