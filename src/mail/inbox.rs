//! Letters kept on this machine instead of being sent, for trying out.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use super::message::Message;
use crate::config::Settings;
use crate::config::settings;
use crate::kernel::LetterId;

/// How many letters are kept; older ones go.
const CAPACITY: usize = 200;

/// A folder of letters, a file each, under `data_dir`.
#[derive(Clone, Debug)]
pub struct Inbox {
    folder: PathBuf,
}

/// A letter as it would have been sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    pub id: LetterId,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub at: DateTime<Utc>,
    pub text: String,
    pub html: String,
}

impl Inbox {
    /// `None` when letters are sent for real.
    pub fn of(settings: &Settings) -> Option<Self> {
        match settings.mail.transport {
            settings::Transport::Inbox => Some(Self { folder: settings.server.data_dir.join("inbox") }),
            settings::Transport::Smtp => None,
        }
    }

    /// Where it is read: where people find this service, unless a proxy stands there, through which it is never shown.
    pub fn url(settings: &Settings) -> Option<String> {
        Self::of(settings)?;
        let (public_url, listen) = (&settings.server.public_url, settings.server.listen);
        let is_direct = public_url.port_or_known_default() == Some(listen.port());
        let origin = if is_direct { public_url.origin().ascii_serialization() } else { format!("http://{listen}") };
        Some(format!("{origin}/dev/inbox"))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Newest first.
    pub async fn list(&self) -> io::Result<Vec<Kept>> {
        let inbox = self.clone();
        off_the_async_threads(move || inbox.names()?.iter().rev().map(|name| inbox.read(name)).collect()).await
    }

    pub async fn find(&self, id: LetterId) -> io::Result<Option<Kept>> {
        let inbox = self.clone();
        off_the_async_threads(move || match inbox.read(&file_name(id)) {
            Ok(letter) => Ok(Some(letter)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Kept twice, a letter is still one file.
    pub(super) async fn keep(&self, message: &Message) -> io::Result<()> {
        let inbox = self.clone();
        let letter = Kept {
            id: message.id,
            from: mailbox(&message.from),
            to: message.to.to_string(),
            subject: message.subject.clone(),
            at: message.written_at,
            text: message.text.clone(),
            html: message.html.clone(),
        };
        off_the_async_threads(move || inbox.write(&letter).and_then(|()| inbox.forget_oldest())).await
    }

    /// A reader sees all of a letter or nothing, even after a crash. The links in it are for the owner only.
    fn write(&self, letter: &Kept) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let name = file_name(letter.id);
        let unfinished = self.folder.join(format!(".{name}"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&serde_json::to_vec_pretty(letter)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.folder.join(name))
    }

    fn read(&self, name: &str) -> io::Result<Kept> {
        Ok(serde_json::from_slice(&fs::read(self.folder.join(name))?)?)
    }

    /// Oldest first: ids sort by the time they were made.
    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = files.filter(|name| is_letter(name)).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn forget_oldest(&self) -> io::Result<()> {
        let names = self.names()?;
        let surplus = names.len().saturating_sub(CAPACITY);
        names.iter().take(surplus).try_for_each(|name| fs::remove_file(self.folder.join(name)))
    }
}

impl Kept {
    /// What can be followed, in order.
    pub fn links(&self) -> Vec<Url> {
        let words =
            self.text.split_whitespace().filter(|word| word.starts_with("http://") || word.starts_with("https://"));
        words.filter_map(|word| Url::parse(word).ok()).collect()
    }
}

fn file_name(id: LetterId) -> String {
    format!("{id}.json")
}

fn is_letter(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|id| id.parse::<LetterId>().is_ok())
}

fn mailbox(from: &settings::Mailbox) -> String {
    match &from.name {
        Some(name) => format!("{name} <{}>", from.address),
        None => from.address.to_string(),
    }
}

async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
