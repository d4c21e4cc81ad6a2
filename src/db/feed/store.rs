//! What is said on the connection that listens, and to it.

use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use futures_util::FutureExt as _;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::db::pool::NAME_OF_SERVER;
use crate::db::{self, CHANNEL, ReadTx};

/// Listens on the channel of all nodes and on `own`, and returns the name of the server.
///
/// A beat must not wait for a disk: nothing is lost with it.
pub(super) async fn listen(client: &Client, own: &str) -> Result<Option<String>, Error> {
    let messages = client
        .simple_query(&format!(
            "SET timezone = 'UTC'; SET synchronous_commit = off; SET statement_timeout = '15s'; \
             LISTEN {CHANNEL}; LISTEN {own}; {NAME_OF_SERVER}"
        ))
        .await?;
    Ok(messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// Puts `payload` into the queue of notifications, behind all that was committed before, unless the server is a standby
/// or was told to take no writes. Waits for nothing: an answer means less than the notification itself.
pub(super) fn notify(client: &Client, channel: &str, payload: u64) -> Result<(), Error> {
    let statement = format!(
        "SELECT pg_notify('{channel}', '{payload}') \
         WHERE NOT (pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool)"
    );
    client.simple_query_raw(&statement).now_or_never().map_or(Ok(()), |sent| sent.map(drop))
}

/// The same from another connection.
pub(super) fn call(tx: &mut ReadTx<'_>, channel: &str, payload: &str) -> Result<(), db::Error> {
    #[derive(QueryableByName)]
    struct Nothing {}
    sql_query("SELECT FROM pg_notify($1, $2)")
        .bind::<Text, _>(channel)
        .bind::<Text, _>(payload)
        .get_result::<Nothing>(tx.conn())?;
    Ok(())
}
