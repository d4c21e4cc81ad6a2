//! Many who ask, some who end sessions, and one who hears of it, all at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use super::tests::{HERE, digest, known, user};
use super::*;
use crate::sessions::{GateReach, Known};

const SESSIONS: usize = 48;
/// Fewer than there are, so that some make room for others.
const ROOM: usize = 32;
const CHANGES: usize = 60_000;

/// A row of a table that is a number, and how much of what happened to it was heard here.
struct Row {
    digest: Digest,
    known: Arc<Known<()>>,
    is: AtomicU64,
    heard: AtomicU64,
}

/// What is kept is the row's number, as its holder's name.
fn read(row: &Row) -> Arc<Known<()>> {
    let mut live = row.known.live.clone();
    live.name = row.is.load(Ordering::SeqCst).to_string();
    Arc::new(Known { live, kept: (), reach: GateReach::Host("app.example.com".into()), active_at: 0.into() })
}

#[test]
fn what_was_read_before_a_change_is_never_found_after_it_was_heard() {
    let memory = Memory::with_room_for(ROOM);
    memory.begin(HERE);
    let rows: Vec<Row> =
        (0..SESSIONS).map(|_| Row { digest: digest(), known: known(user()), is: 0.into(), heard: 0.into() }).collect();
    let over = AtomicBool::new(false);
    let (tells, told) = mpsc::sync_channel::<(usize, u64, Change)>(64);
    thread::scope(|scope| {
        let found: Vec<_> = (0..4)
            .map(|start| {
                scope.spawn({
                    let (memory, rows, over) = (&memory, &rows, &over);
                    move || ask(memory, rows, over, start)
                })
            })
            .collect();
        scope.spawn(|| {
            for (at, is, change) in told {
                memory.forget(change);
                rows[at].heard.store(is, Ordering::SeqCst);
            }
            over.store(true, Ordering::SeqCst);
        });
        for number in 0..CHANGES {
            let (at, row) = (number % SESSIONS, &rows[number % SESSIONS]);
            let is = row.is.fetch_add(1, Ordering::SeqCst) + 1;
            let change = match number % 7 {
                0 => Change::Person(row.known.live.user),
                1 if number % 1000 == 1 => Change::Everything,
                _ => Change::Session(row.known.live.session),
            };
            tells.send((at, is, change)).expect("somebody listens");
        }
        drop(tells);
        let found: u64 = found.into_iter().map(|asking| asking.join().expect("nothing old")).sum();
        assert!(found > 1000, "hardly anything was remembered: {found}");
    });
}

/// As a check does. How often there was something.
fn ask(memory: &Memory<Known<()>>, rows: &[Row], over: &AtomicBool, start: usize) -> u64 {
    let mut found = 0;
    for row in rows.iter().cycle().skip(start * 11) {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let heard = row.heard.load(Ordering::SeqCst);
        if let Some(known) = memory.get(&row.digest) {
            let is: u64 = known.live.name.parse().expect("a number");
            assert!(is >= heard, "{is} was found after {heard} had been heard");
            found += 1;
        } else {
            let ticket = memory.ticket();
            let known = read(row);
            memory.remember(row.digest, &known, ticket, HERE);
        }
        // Others may have asked at the same time.
        if found % 3 == 0 {
            let ticket = memory.ticket();
            memory.remember(row.digest, &read(row), ticket, HERE);
        }
    }
    found
}
