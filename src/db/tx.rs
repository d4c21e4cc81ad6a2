use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::change::Change;
use crate::kernel::Origin;
use crate::meters::Meters;

/// A moment in which rows can be read. What takes a `&mut ReadTx` also takes a `&mut Tx`.
pub struct ReadTx<'a> {
    conn: &'a mut PgConnection,
    /// The one instant at which everything in here happens.
    pub now: DateTime<Utc>,
}

impl<'a> ReadTx<'a> {
    pub(super) fn new(conn: &'a mut PgConnection, now: DateTime<Utc>) -> Self {
        Self { conn, now }
    }

    /// For the `store.rs` files, which alone speak SQL.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.conn
    }
}

/// A change in the making: all of it happens, or none.
pub struct Tx<'a> {
    read: ReadTx<'a>,
    /// On whose behalf.
    pub origin: Origin,
    /// Counted whether or not it commits: that somebody has tried is true all the same.
    pub meters: Meters,
    told: Vec<Change>,
    turns: u16,
}

impl<'a> Tx<'a> {
    pub(super) fn new(conn: &'a mut PgConnection, now: DateTime<Utc>, origin: Origin, meters: Meters) -> Self {
        Self { read: ReadTx::new(conn, now), origin, meters, told: Vec::new(), turns: 0 }
    }

    /// Says that rows which nodes keep in memory are changed by this. The other nodes hear it from the triggers of the
    /// tables; this node hears it when the transaction has committed.
    pub fn tell(&mut self, change: Change) {
        self.told.push(change);
    }

    /// How many others were numbered in this transaction before: at its one instant nothing else tells their order.
    pub fn next_turn(&mut self) -> u16 {
        let turn = self.turns;
        self.turns = turn.saturating_add(1);
        turn
    }

    pub(super) fn told(self) -> Vec<Change> {
        self.told
    }
}

impl<'a> Deref for Tx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &Self::Target {
        &self.read
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.read
    }
}
