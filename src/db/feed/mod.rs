//! What the database tells without being asked: the one connection of a node on which changes of sessions and of people
//! are heard, in the order in which they were committed.
//!
//! It blocks on its socket; nothing polls. Silence may mean that nothing happens or that the wire is dead, so a beat
//! can be sent around: when it comes back, everything that was committed before it was sent has been heard. How long to
//! trust in that is left to the caller.
//!
//! diesel's notifications have to be polled for; so this connection is made by `tokio_postgres`, from the same address
//! ([`translate`]), and proves to hear what the other connections say before it is handed out.

mod address;
mod connect;
mod passfile;
mod servers;
mod store;
mod tls;
mod translate;
mod untranslatable;
mod verifier;

use std::collections::VecDeque;
use std::error::Error as _;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Connection, Notification, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{CHANNEL, Change, Db, ReadTx, url};
use crate::config::{Environment, libpq_defaults};
use address::Words;
use connect::connect;
use translate::translate;
pub use untranslatable::Untranslatable;

/// How long the word of another connection may take. A pooler that lends connections out by the transaction swallows
/// it.
const PATIENCE: Duration = Duration::from_secs(3);

/// So many beats without an answer, and the connection is given up: the wire is dead, or the server takes no writes any
/// more and there may be another one that does.
const MOST_UNANSWERED: u64 = 10;

/// On the channel of all nodes.
const RELOAD: &str = "c";

/// Asks every node that listens to read its configuration again. Nodes that do not listen hear nothing of it.
pub fn ask_to_reload(tx: &mut ReadTx<'_>) -> Result<(), super::Error> {
    store::call(tx, CHANNEL, RELOAD)
}

/// The word of another connection. Beats are counted from one.
const CALL: u64 = 0;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It will be the same for as long as the address is.
    #[error(transparent)]
    Untranslatable(#[from] Untranslatable),
    /// There is no connection, or there is none any more. Another one may do better.
    #[error("listening to the database: {0}")]
    Lost(String),
}

impl From<tokio_postgres::Error> for Error {
    /// With all that lies behind it: the error itself says little.
    fn from(error: tokio_postgres::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(deeper) = cause {
            text = format!("{text}: {deeper}");
            cause = deeper.source();
        }
        Self::Lost(text)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    Changed(Change),
    /// A beat has come back: whatever was committed before it was sent has been heard.
    Beat(Beat),
    /// The operator wants every node to read its configuration again.
    ReloadAsked,
}

/// One number higher than the beat before on the same feed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Beat(u64);

/// A connection that listens. Changes that were committed before it was handed out may have been missed.
pub struct Feed {
    client: Client,
    wire: Wire,
    /// Nobody else's.
    channel: String,
    server: String,
    /// Heard while something else was waited for.
    early: VecDeque<Heard>,
    sent: u64,
    returned: u64,
}

type Wire = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

impl Db {
    /// A new connection that listens, on the very server that all others lead to.
    pub async fn listen(&self) -> Result<Feed, Error> {
        let address = url::bounded(&self.inner.address);
        // Files are read.
        let translated = tokio::task::spawn_blocking(move || translate(&words(&address)?)).await;
        let mut feed = connect(&translated.map_err(|error| Error::Lost(error.to_string()))??).await?;
        let channel = feed.channel.clone();
        self.look_up(move |tx| store::call(tx, &channel, &CALL.to_string()))
            .await
            .map_err(|error| Error::Lost(error.to_string()))?;
        let lost = "it does not hear what is said on other connections (is there a pooler in transaction mode?)";
        tokio::time::timeout(PATIENCE, feed.hear_call()).await.map_err(|_| Error::Lost(lost.to_owned()))??;
        Ok(feed)
    }

    /// Whether this is the server that the last new connection came to. A feed that is left on another one hears of
    /// nothing.
    pub fn leads_to(&self, server: &str) -> bool {
        self.inner.watch.leads_to(server)
    }
}

impl Feed {
    /// What is heard next. An error is the end of the feed. Nothing is lost when this is dropped while it waits.
    pub async fn next(&mut self) -> Result<Heard, Error> {
        loop {
            if let Some(heard) = self.early.pop_front() {
                self.count(heard);
                return Ok(heard);
            }
            let notification = poll_fn(|cx| poll_notification(&mut self.wire, cx)).await?;
            self.early.extend(understand(&notification, &self.channel));
        }
    }

    /// Sends a beat on its way and waits for nothing: [`Feed::next`] must be waited for to send and to hear it. It never
    /// comes back while the server takes no writes.
    pub fn beat(&mut self) -> Result<Beat, Error> {
        if self.sent - self.returned >= MOST_UNANSWERED {
            return Err(Error::Lost(format!("{MOST_UNANSWERED} beats have not come back")));
        }
        store::notify(&self.client, &self.channel, self.sent + 1)?;
        self.sent += 1;
        Ok(Beat(self.sent))
    }

    /// What [`Db::leads_to`] is asked about.
    pub fn server(&self) -> &str {
        &self.server
    }

    fn count(&mut self, heard: Heard) {
        if let Heard::Beat(Beat(number)) = heard {
            self.returned = self.returned.max(number);
        }
    }

    /// Waits for the word of another connection; what else is heard meanwhile is kept.
    async fn hear_call(&mut self) -> Result<(), Error> {
        let mut meanwhile = VecDeque::new();
        loop {
            match self.next().await? {
                Heard::Beat(Beat(CALL)) => {
                    meanwhile.append(&mut self.early);
                    self.early = meanwhile;
                    return Ok(());
                }
                heard => meanwhile.push_back(heard),
            }
        }
    }
}

fn words(address: &str) -> Result<Words, Untranslatable> {
    Ok(Words::parse(address)?.or_else(libpq_defaults(&Environment::of_this_process())))
}

fn poll_notification(wire: &mut Wire, cx: &mut Context<'_>) -> Poll<Result<Notification, Error>> {
    loop {
        return match wire.poll_message(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(AsyncMessage::Notification(notification)))) => Poll::Ready(Ok(notification)),
            Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                log::debug!("the database says: {notice}");
                continue;
            }
            Poll::Ready(Some(Ok(_))) => continue,
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(error.into())),
            Poll::Ready(None) => Poll::Ready(Err(Error::Lost("the connection has ended".to_owned()))),
        };
    }
}

/// What cannot be read on the channel of all nodes may be anything: it is from another version, or by hand.
fn understand(notification: &Notification, own: &str) -> Option<Heard> {
    match notification.channel() {
        CHANNEL if notification.payload() == RELOAD => Some(Heard::ReloadAsked),
        CHANNEL => Some(Heard::Changed(Change::parse(notification.payload()).unwrap_or(Change::Everything))),
        channel if channel == own => notification.payload().parse().ok().map(|number| Heard::Beat(Beat(number))),
        _ => None,
    }
}
