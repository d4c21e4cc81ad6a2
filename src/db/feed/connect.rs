//! Which server, and the first words with it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio_postgres::config::SslMode;
use uuid::Uuid;

use super::servers::{Place, Server};
use super::translate::Translated;
use super::{Error, Feed, Wire, poll_notification, store, understand};
use crate::kernel::secrets::random_bytes;

/// To the first server that will have us.
pub(super) async fn connect(translated: &Translated) -> Result<Feed, Error> {
    let mut last = Error::Lost("there is no server".to_owned());
    for server in &translated.servers {
        match connect_to(server, translated).await {
            Ok(feed) => return Ok(feed),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// On any of the server's addresses, in any way that is safe enough.
async fn connect_to(server: &Server, translated: &Translated) -> Result<Feed, Error> {
    let mut last = Error::Lost("its name has no address".to_owned());
    for server in within(translated.patience, addresses(server)).await? {
        for mode in translated.tls.modes {
            match within(translated.patience, attempt(&server, *mode, translated)).await {
                Ok(feed) => return Ok(feed),
                Err(error) => last = error,
            }
        }
    }
    Err(last)
}

async fn within<T>(patience: Option<Duration>, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let Some(patience) = patience else { return work.await };
    let late = Error::Lost(format!("no answer in {} s", patience.as_secs()));
    tokio::time::timeout(patience, work).await.unwrap_or(Err(late))
}

/// The same server, once for every address that its name has.
async fn addresses(server: &Server) -> Result<Vec<Server>, Error> {
    let Place::Host { name, address: None } = &server.place else { return Ok(vec![server.clone()]) };
    let found = lookup_host((name.as_str(), server.port)).await;
    let found = found.map_err(|error| Error::Lost(format!("{name}: {error}")))?;
    let place = |address| Place::Host { name: name.clone(), address: Some(address) };
    Ok(found.map(|found| Server { place: place(found.ip()), ..server.clone() }).collect())
}

async fn attempt(server: &Server, mode: SslMode, translated: &Translated) -> Result<Feed, Error> {
    let mut config = translated.config.clone();
    config.port(server.port);
    if let Some(password) = &server.password {
        config.password(password.expose());
    }
    match &server.place {
        // PostgreSQL knows no TLS there.
        Place::Folder(folder) => config.host_path(folder).ssl_mode(SslMode::Disable),
        Place::Host { name, address } => {
            address.map(|address| config.hostaddr(address));
            config.host(name).ssl_mode(mode)
        }
    };
    let (client, mut wire) = config.connect(translated.tls.connector.clone()).await?;
    let channel = format!("vestibule_beat_{}", Uuid::from_bytes(random_bytes()).simple());
    let mut early = VecDeque::new();
    let name = answer(&mut wire, store::listen(&client, &channel), |notification| {
        early.extend(understand(notification, &channel));
    });
    let server = name.await?.ok_or_else(|| Error::Lost("the server does not say its name".to_owned()))?;
    Ok(Feed { client, wire, channel, server, early, sent: 0, returned: 0 })
}

/// Keeps the wire going until there is an answer.
async fn answer<T>(
    wire: &mut Wire,
    question: impl Future<Output = Result<T, tokio_postgres::Error>>,
    mut meanwhile: impl FnMut(&tokio_postgres::Notification),
) -> Result<T, Error> {
    let mut question = pin!(question);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = question.as_mut().poll(cx) {
            return Poll::Ready(answer.map_err(Error::from));
        }
        while let Poll::Ready(notification) = poll_notification(wire, cx)? {
            meanwhile(&notification);
        }
        question.as_mut().poll(cx).map_err(Error::from)
    })
    .await
}
