use chrono::{DateTime, Utc};
use serde_json::json;

use super::failure::Failure;
use super::inbox::Inbox;
use super::letter::Kind;
use super::message::{Draft, Message};
use super::smtp::{self, Smtp};
use crate::config::Settings;
use crate::kernel::{EmailAddress, LetterId};
use crate::render::Renderer;

/// Where letters go. Made once, at start.
#[derive(Debug)]
pub struct Transport(Way);

#[derive(Debug)]
enum Way {
    Inbox(Inbox),
    Smtp(Box<Smtp>),
}

/// Who is there to take letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reached {
    /// A folder of this machine's.
    Inbox,
    Server,
}

/// The settings cannot be used; the sentence says which and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub(super) String);

impl Transport {
    /// Reads `mail.ca_file`; connects to nothing.
    pub fn new(settings: &Settings) -> Result<Self, Unusable> {
        let way = match Inbox::of(settings) {
            Some(inbox) => Way::Inbox(inbox),
            None => Way::Smtp(Box::new(Smtp::new(settings)?)),
        };
        Ok(Self(way))
    }

    /// Whether the server answers, takes our name and password, and offers what `mail.tls` asks for. Nothing is sent.
    pub async fn try_out(&self) -> Result<Reached, Failure> {
        match &self.0 {
            Way::Inbox(_) => Ok(Reached::Inbox),
            Way::Smtp(smtp) => smtp.open().try_out().await.map(|()| Reached::Server),
        }
    }

    pub(super) fn open(&self) -> Line<'_> {
        match &self.0 {
            Way::Inbox(inbox) => Line::Inbox(inbox),
            Way::Smtp(smtp) => Line::Smtp(Box::new(smtp.open())),
        }
    }
}

impl std::fmt::Display for Transport {
    /// Where letters go, for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Way::Inbox(inbox) => write!(f, "the local inbox in {}", inbox.folder().display()),
            Way::Smtp(smtp) => write!(f, "{smtp}"),
        }
    }
}

/// A way kept open over several letters.
pub(super) enum Line<'a> {
    Inbox(&'a Inbox),
    Smtp(Box<smtp::Line<'a>>),
}

impl Line<'_> {
    pub async fn send(&mut self, message: &Message) -> Result<(), Failure> {
        match self {
            Self::Inbox(inbox) => {
                let kept = inbox.keep(message).await;
                kept.map_err(|e| Failure::for_now(format!("cannot write to {}: {e}", inbox.folder().display())))
            }
            Self::Smtp(line) => line.send(message).await,
        }
    }

    pub async fn close(self) {
        match self {
            Self::Inbox(_) => {}
            Self::Smtp(line) => line.close().await,
        }
    }
}

/// Sends a test letter right now, past the outbox: it works without a database.
pub async fn send_test(
    settings: &Settings,
    render: &Renderer,
    transport: &Transport,
    to: EmailAddress,
    now: DateTime<Utc>,
) -> Result<LetterId, Failure> {
    let id = LetterId::new(now);
    let draft = Draft { id, kind: Kind::Test, to, written_at: now, details: json!({}), secret: None };
    let message = draft.render(settings, render, now)?;
    let mut line = transport.open();
    let sent = line.send(&message).await;
    line.close().await;
    sent.map(|()| id)
}
