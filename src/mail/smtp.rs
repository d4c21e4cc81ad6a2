//! Real mail: one conversation with one server, over lettre's connections.
//!
//! Not over its pooled transport: that one waits for an answer without an end, and says neither what was being
//! done when it went wrong (the same 550 refuses a recipient, or us) nor that a connection was left in the
//! middle of a letter.

use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret as _;
use url::Host;

use super::failure::{Failure, quote};
use super::message::Message;
use super::mime::{address, mime};
use super::protection::Protection;
use super::transport::Unusable;
use super::wire::Wire;
use crate::config::Settings;
use crate::config::settings::SmtpUrl;

/// A letter has this many timeouts to be over and done with.
pub(super) const STEPS: u32 = 4;

/// The server and how to speak with it.
pub(super) struct Smtp {
    url: SmtpUrl,
    protection: Protection,
    credentials: Option<Credentials>,
    hello: ClientId,
    /// For one answer of the server's.
    timeout: Duration,
}

/// What was being done when it went wrong.
#[derive(Clone, Copy)]
enum Step {
    Connect,
    StartTls,
    SignIn,
    Sender,
    Recipient,
    Letter,
}

/// Before a server has spoken, or after.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Reach(#[from] io::Error),
    #[error(transparent)]
    Smtp(#[from] lettre::transport::smtp::Error),
}

impl Smtp {
    pub fn new(settings: &Settings) -> Result<Self, Unusable> {
        let mail = &settings.mail;
        let credentials = (!mail.username.is_empty())
            .then(|| Credentials::new(mail.username.clone(), mail.password.expose_secret().to_owned()));
        Ok(Self {
            protection: Protection::of(mail, credentials.is_some())?,
            credentials,
            hello: hello(settings),
            timeout: mail.timeout.to_std().unwrap_or(Duration::from_secs(30)),
            url: mail.url.clone(),
        })
    }

    pub fn open(&self) -> Line<'_> {
        Line { smtp: self, conn: None }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let mut conn = self.step(Step::Connect, self.greet()).await?;
        match &self.protection {
            Protection::StartTls(tls) => {
                self.step(Step::StartTls, conn.starttls(tls.clone(), &self.hello)).await?;
            }
            Protection::StartTlsIfOffered(tls) if conn.can_starttls() => {
                self.step(Step::StartTls, conn.starttls(tls.clone(), &self.hello)).await?;
            }
            Protection::StartTlsIfOffered(_) | Protection::Implicit(_) | Protection::None => {}
        }
        if let Some(credentials) = &self.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            self.step(Step::SignIn, conn.auth(&mechanisms, credentials)).await?;
        }
        Ok(conn)
    }

    /// Half the time for each address of the server, so that the second has a chance.
    async fn greet(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let (host, port, half) = (self.url.host.as_str(), self.url.port, self.timeout / 2);
        if let Protection::Implicit(tls) = &self.protection {
            let tls = Some(tls.clone());
            return Ok(AsyncSmtpConnection::connect_tokio1((host, port), Some(half), &self.hello, tls, None).await?);
        }
        let wire = Wire::connect(host, port, half).await?;
        Ok(AsyncSmtpConnection::connect_with_transport(Box::new(wire), &self.hello).await?)
    }

    async fn hand_over(&self, conn: &mut AsyncSmtpConnection, message: &Message) -> Result<(), Failure> {
        let bytes = mime(message)?;
        let from = address(&message.from.address)?;
        let to = address(&message.to)?;
        self.step(Step::Sender, conn.command(Mail::new(Some(from), Vec::new()))).await?;
        self.step(Step::Recipient, conn.command(Rcpt::new(to, Vec::new()))).await?;
        self.step(Step::Letter, conn.command(Data)).await?;
        self.step(Step::Letter, conn.message(&bytes)).await?;
        Ok(())
    }

    /// Waits for one answer, and turns what went wrong into a sentence.
    async fn step<T>(
        &self,
        step: Step,
        answer: impl Future<Output = Result<T, impl Into<Trouble>>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(answer) => answer.map_err(|trouble| self.explain(step, &trouble.into())),
            Err(_) => Err(Failure::for_now(format!(
                "{self} gave no answer within {}. Check that mail.url names a mail server and the right port.",
                humantime::format_duration(self.timeout)
            ))),
        }
    }

    fn explain(&self, step: Step, trouble: &Trouble) -> Failure {
        let (error, said) = match trouble {
            Trouble::Reach(error) => return Failure::for_now(self.explain_silence(step, &error.to_string())),
            Trouble::Smtp(error) => (error, error.source().map_or_else(|| error.to_string(), ToString::to_string)),
        };
        let Some(code) = error.status() else { return Failure::for_now(self.explain_silence(step, &said)) };
        let reply = format!("{code} {}", quote(&said));
        let sentence = match step {
            Step::Connect => format!("{self} turned us away: {reply}"),
            Step::StartTls => format!("{self} offers STARTTLS and refused it: {reply}"),
            Step::SignIn if error.is_permanent() => {
                format!("{self} refused the name and password. Check mail.username and mail.password: {reply}")
            }
            Step::SignIn => format!("{self} could not check the name and password: {reply}"),
            Step::Sender => format!("{self} refused the sender. Check that it may send for mail.from: {reply}"),
            Step::Recipient => format!("{self} refused the recipient: {reply}"),
            Step::Letter => format!("{self} refused the letter: {reply}"),
        };
        // RFC 5321, section 4.2.1: after a 5xx the same request is not repeated. But only a refusal of this
        // recipient or letter is one; X.7 (RFC 3463, section 3.8) and the steps before refuse us, which the
        // operator can mend while the letter waits.
        match step {
            Step::Recipient | Step::Letter if error.is_permanent() && !said.starts_with("5.7.") => {
                Failure::for_good(sentence)
            }
            _ => Failure::for_now(sentence),
        }
    }

    /// It was not the server that said no.
    fn explain_silence(&self, step: Step, cause: &str) -> String {
        let host = &self.url.host;
        if cause.contains("UnknownIssuer") {
            format!(
                "the certificate of {self} is signed by an authority that this machine does not know. \
                 Name the authority's certificate in mail.ca_file."
            )
        } else if cause.contains("NotValidForName") || cause.contains("not valid for name") {
            format!("the certificate of {self} is not for {host}. Write the name that it is for into mail.url.")
        } else if cause.contains("certificate") {
            format!("the certificate of {self} is not valid: {}", quote(cause))
        } else if matches!(step, Step::StartTls) && cause.contains("STARTTLS") {
            format!(
                "{self} offers no STARTTLS, and without it nothing is sent. If it speaks TLS from the first byte, \
                 write submissions:// in mail.url; if the way to it is safe, set mail.tls = \"off\"."
            )
        } else if matches!(step, Step::SignIn) {
            format!(
                "{self} takes no password the way we can give it ({}). Clear mail.username, or use the server's \
                 submission port.",
                quote(cause)
            )
        } else if matches!(step, Step::Connect) && self.is_implicit() && is_tls_gone_wrong(cause) {
            format!(
                "{self} does not speak TLS from the first byte ({}). Write submission:// in mail.url.",
                quote(cause)
            )
        } else {
            format!("cannot speak with {self}: {}. Check mail.url, and that the server runs.", quote(cause))
        }
    }

    fn is_implicit(&self) -> bool {
        matches!(self.protection, Protection::Implicit(_))
    }
}

impl fmt::Display for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SmtpUrl { host, port, .. } = &self.url;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Smtp({self})")
    }
}

/// One connection, kept for as long as there are letters.
pub(super) struct Line<'a> {
    smtp: &'a Smtp,
    conn: Option<AsyncSmtpConnection>,
}

impl Line<'_> {
    pub async fn send(&mut self, message: &Message) -> Result<(), Failure> {
        let patience = self.smtp.timeout * STEPS;
        // Whatever is dropped here is a connection, never an answer that the next letter could mistake for its own.
        match tokio::time::timeout(patience, self.try_send(message)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::for_now(format!(
                "{} took longer than {} over a letter",
                self.smtp,
                humantime::format_duration(patience)
            ))),
        }
    }

    async fn try_send(&mut self, message: &Message) -> Result<(), Failure> {
        let mut conn = match self.living().await {
            Some(conn) => conn,
            None => self.smtp.connect().await?,
        };
        let outcome = self.smtp.hand_over(&mut conn, message).await;
        match &outcome {
            Ok(()) => self.conn = Some(conn),
            Err(_) => self.end(conn).await,
        }
        outcome
    }

    /// As far as to where a letter would follow.
    pub async fn try_out(self) -> Result<(), Failure> {
        let conn = self.smtp.connect().await?;
        self.end(conn).await;
        Ok(())
    }

    async fn living(&mut self) -> Option<AsyncSmtpConnection> {
        let mut conn = self.conn.take()?;
        let is_alive = tokio::time::timeout(self.smtp.timeout, conn.test_connected()).await;
        is_alive.unwrap_or(false).then_some(conn)
    }

    pub async fn close(mut self) {
        if let Some(conn) = self.conn.take() {
            self.end(conn).await;
        }
    }

    /// Says goodbye, without waiting long for an answer.
    async fn end(&self, mut conn: AsyncSmtpConnection) {
        let _ = tokio::time::timeout(Duration::from_secs(1).min(self.smtp.timeout), conn.abort()).await;
    }
}

/// RFC 5321, section 4.1.4: our own name. A container's host name is nobody's; the one people type is ours.
fn hello(settings: &Settings) -> ClientId {
    match settings.server.public_url.host() {
        Some(Host::Domain(name)) => ClientId::Domain(name.to_owned()),
        Some(Host::Ipv4(address)) => ClientId::Ipv4(address),
        Some(Host::Ipv6(address)) => ClientId::Ipv6(address),
        None => ClientId::default(),
    }
}

fn is_tls_gone_wrong(cause: &str) -> bool {
    ["corrupt message", "InvalidContentType", "unexpected message"].iter().any(|sign| cause.contains(sign))
}
