use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, UnitWeighter};

use crate::db::Change;
use crate::kernel::{ApiKeyId, Digest, SessionId, UserId};

/// How many changes are held against an answer that was read meanwhile. When more came, the answer is not kept.
const RECENT: usize = 4096;

/// What one answer is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Thing {
    Session(SessionId),
    Key(ApiKeyId),
}

/// What is remembered of, so that it can be forgotten.
pub trait Remembered {
    fn thing(&self) -> Thing;
    /// Whose it is.
    fn user(&self) -> UserId;
}

/// What is remembered, by the digest of the gate token or the key.
///
/// Looking up takes no lock of ours. Everything else holds `index`: what is in there and what is in the cache change
/// together, and an answer is kept or a change heard, one after the other.
pub(super) struct Memory<V> {
    known: Cache<Digest, Arc<V>, UnitWeighter, FirstBytes, Evicted>,
    index: Mutex<Index>,
    has_room: bool,
}

#[derive(Default)]
struct Index {
    things: HashMap<Thing, (UserId, Vec<Digest>)>,
    users: HashMap<UserId, Vec<Thing>>,
    /// Grows with every change that is heard.
    changes: u64,
    recent: VecDeque<Change>,
    /// Grows with every connection that is listened to.
    era: u64,
    /// The name of the server at its other end, while there is one.
    server: Option<String>,
}

/// Taken before PostgreSQL is asked: what had been heard by then.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    changes: u64,
    era: u64,
}

impl<V: Remembered> Memory<V> {
    pub(super) fn with_room_for(most: usize) -> Self {
        let weight = u64::try_from(most).unwrap_or(u64::MAX);
        Self {
            known: Cache::with(most, weight, UnitWeighter, FirstBytes::default(), Evicted),
            index: Mutex::default(),
            has_room: most > 0,
        }
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<V>> {
        self.known.get(digest)
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn ticket(&self) -> Ticket {
        let index = self.index();
        Ticket { changes: index.changes, era: index.era }
    }

    /// Keeps an answer of `server`, unless something was heard since the ticket was taken that may make it wrong, or
    /// another server is listened to.
    pub(super) fn remember(&self, digest: Digest, known: &Arc<V>, ticket: Ticket, server: &str) {
        let mut index = self.index();
        let is_heard_of = index.server.as_deref() == Some(server);
        if !self.has_room || !is_heard_of || !index.is_good(ticket, known.thing(), known.user()) {
            return;
        }
        index.add(known.thing(), known.user(), digest);
        let mut evicted = Vec::new();
        self.known.insert_with_lifecycle(digest, Arc::clone(known), &mut evicted);
        for (digest, old) in evicted {
            // What was replaced by its like is handed out as well, and that one must still be found when it ends.
            if self.known.peek(&digest).is_none_or(|now| now.thing() != old.thing()) {
                index.remove_token(old.thing(), digest);
            }
        }
    }

    pub(super) fn forget(&self, change: Change) {
        self.forget_all_of(|| vec![change]);
    }

    /// Nobody who looks up after this finds what `changes` is about; it is called when nobody else changes anything.
    pub(super) fn forget_all_of(&self, changes: impl FnOnce() -> Vec<Change>) {
        let mut index = self.index();
        for change in changes() {
            let gone = index.hear(change);
            match gone {
                Gone::Tokens(digests) => digests.iter().for_each(|digest| drop(self.known.remove(digest))),
                Gone::Everything => self.known.clear(),
            }
        }
    }

    /// A connection to `server` is listened to from now on. What was heard before is history.
    pub(super) fn begin(&self, server: &str) {
        self.end();
        let mut index = self.index();
        index.era += 1;
        index.server = Some(server.to_owned());
    }

    /// Nothing is heard any more.
    pub(super) fn end(&self) {
        let mut index = self.index();
        index.server = None;
        index.hear(Change::Everything);
        self.known.clear();
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a change leaves nothing of.
enum Gone {
    Tokens(Vec<Digest>),
    Everything,
}

impl Index {
    fn is_good(&self, ticket: Ticket, thing: Thing, user: UserId) -> bool {
        let since = usize::try_from(self.changes - ticket.changes).unwrap_or(usize::MAX);
        self.era == ticket.era
            && since <= self.recent.len()
            && self.recent.iter().rev().take(since).all(|change| match change {
                Change::Session(changed) => Thing::Session(*changed) != thing,
                Change::Key(changed) => Thing::Key(*changed) != thing,
                Change::Person(changed) => *changed != user,
                Change::Everything => false,
            })
    }

    fn hear(&mut self, change: Change) -> Gone {
        self.changes += 1;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(change);
        match change {
            Change::Session(session) => Gone::Tokens(self.remove_thing(Thing::Session(session))),
            Change::Key(key) => Gone::Tokens(self.remove_thing(Thing::Key(key))),
            Change::Person(user) => {
                let things = self.users.remove(&user).unwrap_or_default();
                Gone::Tokens(things.into_iter().flat_map(|thing| self.remove_thing(thing)).collect())
            }
            Change::Everything => {
                self.things.clear();
                self.users.clear();
                Gone::Everything
            }
        }
    }

    fn add(&mut self, thing: Thing, user: UserId, digest: Digest) {
        let (_, digests) = self.things.entry(thing).or_insert_with(|| (user, Vec::with_capacity(1)));
        if !digests.contains(&digest) {
            digests.push(digest);
        }
        let things = self.users.entry(user).or_insert_with(|| Vec::with_capacity(1));
        if !things.contains(&thing) {
            things.push(thing);
        }
    }

    fn remove_thing(&mut self, thing: Thing) -> Vec<Digest> {
        let Some((user, digests)) = self.things.remove(&thing) else { return Vec::new() };
        if let Some(things) = self.users.get_mut(&user) {
            things.retain(|other| *other != thing);
            if things.is_empty() {
                self.users.remove(&user);
            }
        }
        digests
    }

    fn remove_token(&mut self, thing: Thing, digest: Digest) {
        let Some((_, digests)) = self.things.get_mut(&thing) else { return };
        digests.retain(|other| *other != digest);
        if digests.is_empty() {
            self.remove_thing(thing);
        }
    }
}

/// Hands out what had to make room.
#[derive(Clone)]
struct Evicted;

impl<V> Lifecycle<Digest, Arc<V>> for Evicted {
    type RequestState = Vec<(Digest, Arc<V>)>;

    fn on_evict(&self, evicted: &mut Self::RequestState, digest: Digest, known: Arc<V>) {
        evicted.push((digest, known));
    }
}

/// A digest is as good as random, so some of its bytes are its hash. Nobody can choose them: what is in here belongs to
/// tokens of our own making.
#[derive(Clone, Copy, Default)]
struct FirstBytes(u64);

impl BuildHasher for FirstBytes {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }
}

#[cfg(test)]
mod races;

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::kernel::{DeviceId, EmailAddress, Token};
    use crate::sessions::{GateReach, Known, Live};

    pub(super) const HERE: &str = "the server that is listened to";

    pub(super) fn known(user: UserId) -> Arc<Known<()>> {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let live = Live {
            session: SessionId::new(now),
            device: DeviceId::new(now),
            user,
            email: EmailAddress::parse("ann@example.com").unwrap(),
            email_verified: true,
            name: String::new(),
            created_at: now,
            last_active_at: now,
            last_auth_at: now,
            confirmed_at: None,
            methods: Vec::new(),
            second_factor_at: None,
            passkey_at: None,
            expires_at: now,
            provider_session: None,
            is_remembered: false,
            is_rotation_due: false,
            deletes_at: None,
            second_factor_due: None,
        };
        Arc::new(Known {
            live,
            kept: (),
            reach: GateReach::Host("app.example.com".into()),
            active_at: AtomicI64::new(0),
        })
    }

    pub(super) fn user() -> UserId {
        UserId::new(DateTime::<Utc>::UNIX_EPOCH)
    }

    pub(super) fn digest() -> Digest {
        Token::generate().digest()
    }

    fn listening(room: usize) -> Memory<Known<()>> {
        let memory = Memory::with_room_for(room);
        memory.begin(HERE);
        memory
    }

    fn indexed(memory: &Memory<Known<()>>) -> [usize; 2] {
        let index = memory.index();
        [index.things.len(), index.users.len()]
    }

    #[test]
    fn what_a_change_is_about_is_forgotten_and_nothing_else() {
        let memory = listening(100);
        let (ann, ben) = (user(), user());
        let [first, second, bens] = [known(ann), known(ann), known(ben)];
        let digests = [digest(), digest(), digest(), digest()];
        for (digest, known) in digests.iter().zip([&first, &first, &second, &bens]) {
            memory.remember(*digest, known, memory.ticket(), HERE);
        }
        let there = || digests.map(|digest| memory.get(&digest).is_some());
        assert_eq!(there(), [true; 4]);
        memory.forget(Change::Key(first.live.session.to_string().parse().unwrap()));
        assert_eq!(there(), [true; 4], "a key is no session, whatever its id");
        memory.forget(Change::Session(first.live.session));
        assert_eq!(there(), [false, false, true, true], "both cookies of one session");
        memory.forget(Change::Person(ann));
        assert_eq!(there(), [false, false, false, true]);
        memory.forget(Change::Everything);
        assert_eq!((there(), memory.len()), ([false; 4], 0));
    }

    /// Two checks may ask PostgreSQL at once, and all of them do while there is no trust.
    #[test]
    fn what_was_remembered_twice_is_forgotten_all_the_same() {
        let changes = |known: &Known<()>| [Change::Session(known.live.session), Change::Person(known.live.user)];
        for which in 0..2 {
            let (memory, token, ann) = (listening(100), digest(), known(user()));
            for _ in 0..3 {
                memory.remember(token, &ann, memory.ticket(), HERE);
            }
            assert!(memory.get(&token).is_some());
            memory.forget(changes(&ann)[which]);
            assert!(memory.get(&token).is_none());
            assert_eq!(indexed(&memory), [0; 2]);
        }
    }

    #[test]
    fn an_answer_from_before_a_change_is_not_kept_after_it() {
        let ann = known(user());
        let about_her = [Change::Session(ann.live.session), Change::Person(ann.live.user), Change::Everything];
        for change in about_her {
            let (memory, token) = (listening(100), digest());
            let ticket = memory.ticket();
            memory.forget(change);
            memory.remember(token, &ann, ticket, HERE);
            assert!(memory.get(&token).is_none(), "{change:?}");
            memory.remember(token, &ann, memory.ticket(), HERE);
            assert!(memory.get(&token).is_some(), "an answer from after it is");
        }
        let (memory, token) = (listening(100), digest());
        let ticket = memory.ticket();
        memory.forget(Change::Person(user()));
        memory.remember(token, &ann, ticket, HERE);
        assert!(memory.get(&token).is_some(), "somebody else's change");
    }

    #[test]
    fn after_more_changes_than_are_held_no_older_answer_is_kept() {
        let (memory, token, ann) = (listening(100), digest(), known(user()));
        let ticket = memory.ticket();
        memory.forget(Change::Session(ann.live.session));
        for _ in 0..RECENT {
            memory.forget(Change::Person(user()));
        }
        memory.remember(token, &ann, ticket, HERE);
        assert!(memory.get(&token).is_none());
    }

    #[test]
    fn nothing_is_kept_while_nothing_is_heard_and_nothing_from_another_connection() {
        let (memory, token, ann) = (Memory::with_room_for(100), digest(), known(user()));
        memory.remember(token, &ann, memory.ticket(), HERE);
        assert!(memory.get(&token).is_none(), "nobody listens yet");
        let before = memory.ticket();
        memory.begin(HERE);
        memory.remember(token, &ann, before, HERE);
        assert!(memory.get(&token).is_none(), "asked before anybody listened");
        let first = memory.ticket();
        memory.remember(token, &ann, first, HERE);
        assert!(memory.get(&token).is_some());
        memory.end();
        assert!(memory.get(&token).is_none());
        memory.remember(token, &ann, first, HERE);
        assert!(memory.get(&token).is_none(), "the connection has ended");
        memory.begin(HERE);
        memory.remember(token, &ann, first, HERE);
        assert!(memory.get(&token).is_none(), "asked while another connection was listened to");
    }

    #[test]
    fn what_another_server_says_is_not_kept() {
        let (memory, token, ann) = (listening(100), digest(), known(user()));
        memory.remember(token, &ann, memory.ticket(), "another server");
        assert!(memory.get(&token).is_none());
        memory.begin("another server");
        memory.remember(token, &ann, memory.ticket(), HERE);
        assert!(memory.get(&token).is_none());
    }

    #[test]
    fn there_is_never_more_than_there_is_room_for() {
        let memory = listening(64);
        let people: Vec<_> = (0..1000).map(|_| (digest(), known(user()))).collect();
        for (digest, known) in &people {
            memory.remember(*digest, known, memory.ticket(), HERE);
        }
        assert!((1..=64).contains(&memory.len()), "{}", memory.len());
        assert_eq!(indexed(&memory), [memory.len(); 2], "what made room left nothing behind");
        for (_, known) in &people {
            memory.forget(Change::Person(known.live.user));
        }
        assert_eq!((memory.len(), indexed(&memory)), (0, [0; 2]));
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let (memory, token) = (listening(0), digest());
        memory.remember(token, &known(user()), memory.ticket(), HERE);
        assert_eq!((memory.get(&token).is_some(), memory.len()), (false, 0));
    }
}
