use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::Origin;

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
}

impl<'a> Tx<'a> {
    pub(super) fn new(conn: &'a mut PgConnection, now: DateTime<Utc>, origin: Origin) -> Self {
        Self { read: ReadTx::new(conn, now), origin }
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
