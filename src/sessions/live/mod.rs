//! The sessions this node remembers, so that a check at the gate need not ask PostgreSQL; and how it never lets one
//! pass that has ended.
//!
//! PostgreSQL is the truth. A node that asked it about a gate token keeps the answer ([`memory`]) and uses it only
//! while it can know that the answer still holds:
//!
//! - Every statement that ends or alters a session, or changes a person, sends a notification within its transaction
//!   (triggers of the tables see to that). Each node has one connection on which it hears them, and forgets what they
//!   are about.
//! - That connection may be dead without looking it, or the process may have been asleep. So trust is a **lease**
//!   ([`trust`]): twice a second the node sends itself a heartbeat through that very connection. PostgreSQL delivers
//!   notifications in the order of commits, so when a heartbeat comes back, everything committed before it was sent has
//!   been heard. The memory may be used for [`LEASE`] from the moment of sending, by a clock that goes on while the
//!   machine sleeps. **No session passes for longer than that after its end was committed**, whatever happens to the
//!   network or the process; while everything works, it passes for no longer than the notification travels.
//! - Without trust, every check reads through: slower, never wrong.
//! - An answer read before a notification arrived is not kept after it ([`memory::Ticket`]), nor is that of another
//!   server than the one whose notifications are heard: it may lag behind.
//! - What this node changes itself it forgets before its transaction's caller goes on ([`crate::db::Told`]).
//!
//! API keys are remembered beside sessions, in the same way and under the same bound; what they are is not known here.
//!
//! When somebody was last active is written behind ([`activity`]).

mod activity;
mod follow;
mod memory;
mod store;
mod trust;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use activity::Activity;

use super::find::{is_gone, is_live, ran_out};
use super::{GateReach, Live, store as rows};
use crate::affiliations::Affiliations;
use crate::app::App;
use crate::config::settings;
use crate::db::{self, Change, Db, ReadTx};
use crate::kernel::{Digest, Shutdown, UserId};
use memory::Memory;
pub use memory::{Remembered, Thing, Ticket};
use trust::Trust;

/// For how long after sending a heartbeat that came back the memory is believed.
pub const LEASE: Duration = Duration::from_millis(1500);

/// There are far fewer of them than sessions.
const MOST_PASSES: usize = 10_000;

/// How often a heartbeat is sent.
pub const BEAT: Duration = Duration::from_millis(500);

/// The live sessions of this node. Cheap to clone. `K` is what the door keeps beside each of them, made once; `P` is what
/// else opens the gate and is remembered on the same terms ([`Self::recall`]).
pub struct LiveSessions<K, P> {
    inner: Arc<Inner<K, P>>,
}

struct Inner<K, P> {
    memory: Memory<Known<K>>,
    passes: Memory<P>,
    trust: Trust,
    activity: Activity,
    /// How much of what this node has told was forgotten here.
    told: AtomicU64,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    remembered: AtomicU64,
    read_through: AtomicU64,
}

/// A live session, and what the door keeps beside it.
pub struct Known<K> {
    pub live: Live,
    pub kept: K,
    /// Where the token is good that it was found by.
    reach: GateReach,
    /// Microseconds since the epoch: when it was last active as far as this node knows.
    active_at: AtomicI64,
}

impl<K> Remembered for Known<K> {
    fn thing(&self) -> Thing {
        Thing::Session(self.live.session)
    }

    fn user(&self) -> UserId {
        self.live.user
    }
}

/// What there is to say about the memory.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figures {
    pub sessions: usize,
    /// What else opens the gate and is remembered.
    pub passes: usize,
    /// Checks answered from memory.
    pub remembered: u64,
    /// Checks for which PostgreSQL was asked.
    pub read_through: u64,
    pub is_trusted: bool,
    /// How long the last heartbeat took, there and back.
    pub round_trip: Duration,
}

impl<K, P> Clone for LiveSessions<K, P> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<K, P: Remembered> LiveSessions<K, P> {
    /// Remembers nothing until it [runs](Self::run).
    pub fn new(rules: &settings::Session) -> Self {
        let inner = Inner {
            memory: Memory::with_room_for(rules.cache_size),
            passes: Memory::with_room_for(rules.cache_size.min(MOST_PASSES)),
            trust: Trust::default(),
            activity: Activity::default(),
            told: AtomicU64::new(0),
            counts: Counts::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// When sessions were last active, as far as this node knows better than PostgreSQL.
    pub fn activity(&self) -> &Activity {
        &self.inner.activity
    }

    /// Listens to PostgreSQL, and writes when sessions were active, until the shutdown: to be asked for when nobody comes
    /// any more, because what was noted last is written at the end. Without this every check reads through.
    pub async fn run(&self, app: &App, shutdown: Shutdown) {
        let listening = follow::follow(&self.inner, &app.db, shutdown.clone());
        let writing = self.inner.activity.write_behind(&app.db, shutdown);
        tokio::join!(listening, writing);
    }

    /// The live session behind a gate token's digest, from memory where that can be trusted; none at a host where the
    /// token is not good. It counts as activity. What apps are told of its holder's organizations is read with it, for
    /// `keep`.
    pub async fn find(
        &self,
        app: &App,
        digest: Digest,
        host: &str,
        keep: impl FnOnce(&Live, &Affiliations) -> K,
    ) -> Result<Option<Arc<Known<K>>>, db::Error> {
        let now = app.clock.now();
        let inner = &*self.inner;
        inner.forget_what_was_told(&app.db);
        if let Some(known) = inner.remembered(&digest, &app.settings.session, now) {
            inner.counts.remembered.fetch_add(1, Ordering::Relaxed);
            return Ok(inner.admit(known, host, now));
        }
        inner.counts.read_through.fetch_add(1, Ordering::Relaxed);
        let ticket = inner.memory.ticket();
        let (policy, settings) = (app.policy.load_full(), Arc::clone(&app.settings));
        let look_up = move |tx: &mut ReadTx<'_>| {
            let own = settings.server.public_url.host_str().unwrap_or_default();
            rows::find_by_gate_digest(tx, &digest, &policy.gateway.organizations, own)
        };
        let (at_gate, server) = app.db.look_up_somewhere(look_up).await?;
        let Some(rows::AtGate { found, affiliations, reach }) = at_gate else { return Ok(None) };
        let found = inner.activity.update(found);
        if !is_live(&found, &app.settings.session, now) {
            return Ok(None);
        }
        let known = Arc::new(Known {
            kept: keep(&found.live, &affiliations),
            active_at: AtomicI64::new(found.live.last_active_at.timestamp_micros()),
            live: found.live,
            reach,
        });
        inner.memory.remember(digest, &known, ticket, &server);
        Ok(inner.admit(known, host, now))
    }

    /// What is remembered of a pass, where that can be trusted. Whether its end has come is for the caller to see.
    pub fn recall(&self, db: &Db, digest: &Digest) -> Option<Arc<P>> {
        let inner = &*self.inner;
        inner.forget_what_was_told(db);
        let pass = if inner.trust.holds() { inner.passes.get(digest) } else { None };
        let count = if pass.is_some() { &inner.counts.remembered } else { &inner.counts.read_through };
        count.fetch_add(1, Ordering::Relaxed);
        pass
    }

    /// To be taken before PostgreSQL is asked about what was not recalled.
    pub fn ticket(&self) -> Ticket {
        self.inner.passes.ticket()
    }

    /// Keeps what `server` has said of a pass, unless something was heard meanwhile that may make it wrong.
    pub fn remember(&self, digest: Digest, pass: &Arc<P>, ticket: Ticket, server: &str) {
        self.inner.passes.remember(digest, pass, ticket, server);
    }

    pub fn figures(&self) -> Figures {
        let Inner { memory, passes, trust, counts, .. } = &*self.inner;
        Figures {
            sessions: memory.len(),
            passes: passes.len(),
            remembered: counts.remembered.load(Ordering::Relaxed),
            read_through: counts.read_through.load(Ordering::Relaxed),
            is_trusted: trust.holds(),
            round_trip: trust.round_trip(),
        }
    }
}

impl<K, P: Remembered> Inner<K, P> {
    /// One that has run out as far as this node knows is not returned: it may have been active on another.
    fn remembered(&self, digest: &Digest, rules: &settings::Session, now: DateTime<Utc>) -> Option<Arc<Known<K>>> {
        if !self.trust.holds() {
            return None;
        }
        let known = self.memory.get(digest)?;
        let is_over = is_gone(&known.live, now) || ran_out(&known.live, known.last_active_at(), rules, now).is_some();
        (!is_over).then_some(known)
    }

    fn forget_what_was_told(&self, db: &Db) {
        let count = db.told().count();
        if self.told.load(Ordering::Acquire) != count {
            // One within the other: whoever comes second waits until both have forgotten.
            self.memory.forget_all_of(|| {
                let changes = db.told().take();
                self.passes.forget_all_of(|| changes.clone());
                changes
            });
            self.told.fetch_max(count, Ordering::Release);
        }
    }

    /// A connection to `server` is listened to from now on.
    fn begin(&self, server: &str) {
        self.memory.begin(server);
        self.passes.begin(server);
    }

    fn hear(&self, change: Change) {
        self.memory.forget(change);
        self.passes.forget(change);
    }

    /// Nothing is heard any more, so nothing can be believed.
    fn lose_touch(&self) {
        self.trust.end();
        self.memory.end();
        self.passes.end();
    }

    /// Whoever brings a token to where it is not good is nobody, and nobody was active.
    fn admit(&self, known: Arc<Known<K>>, host: &str, now: DateTime<Utc>) -> Option<Arc<Known<K>>> {
        if !known.reach.includes(host) {
            return None;
        }
        self.note(&known, now);
        Some(known)
    }

    fn note(&self, known: &Known<K>, now: DateTime<Utc>) {
        if activity::is_worth_noting(known.last_active_at(), now) {
            known.active_at.fetch_max(now.timestamp_micros(), Ordering::Relaxed);
            self.activity.note(known.live.session, now);
        }
    }
}

impl<K> Known<K> {
    fn last_active_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.active_at.load(Ordering::Relaxed)).unwrap_or(self.live.last_active_at)
    }
}
