//! `vestibule doctor`: looks at an installation from outside, through its real proxy.

mod say;
mod session;

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use url::Url;

use self::session::Lent;
use super::database::Database;
use super::user::who::Who;
use super::{Common, Misuse};
use crate::config::{self, Settings};
use crate::db::Db;
use crate::doctor::{self, Audience, Cookie, Plan, Proxy, Reach, Resolved, Session, Tls};
use crate::kernel::Clock;

#[derive(Args)]
#[command(long_about = "Looks at an installation from outside, through its real proxy: is an app reachable without \
    signing in, do forged headers get through, do redirects lead back, are certificates, clocks, mail server and \
    trusted proxies in order? Says what to change, for the proxy that it sees. docs/doctor.md lists all there is.")]
#[command(
    after_help = "Strangers' requests are sent as they are. With --as or --cookie nothing but GET is sent, unless \
    the app turns out to be an echo, which --stand-in is: stop the app and let the doctor answer in its place."
)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Where apps are, as people type it
    #[arg(value_name = "URL", required = true, value_parser = web_url)]
    urls: Vec<Url>,
    /// Come in as this person, by a session of a few minutes
    #[arg(long = "as", value_name = "PERSON", value_parser = Who::parse, conflicts_with = "cookie")]
    person: Option<Who>,
    /// Come in by this gate cookie, from a browser that has signed in
    #[arg(long, value_name = "NAME=VALUE", value_parser = cookie)]
    cookie: Option<String>,
    /// Answer here in place of the app, and tell what reaches it
    #[arg(long, value_name = "ADDRESS:PORT")]
    stand_in: Option<SocketAddr>,
    /// Where the app itself listens, and nobody but the proxy is to get an answer; may be repeated
    #[arg(long, value_name = "URL", value_parser = web_url)]
    app_direct: Vec<Url>,
    /// Which proxy it is, where it does not say
    #[arg(long, value_name = "NAME", value_parser = proxies())]
    proxy: Option<Proxy>,
    /// These URLs are for programs, and a plain 401 is right
    #[arg(long)]
    for_programs: bool,
    /// Look for this host here; may be repeated
    #[arg(long, value_name = "HOST=ADDRESS:PORT", value_parser = resolved)]
    resolve: Vec<Resolved>,
    /// Certificates of authorities to trust beside the system's, in PEM
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

fn web_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "not a URL: it begins with https:// or http://")?;
    let is_web = matches!(url.scheme(), "https" | "http") && url.host_str().is_some_and(|host| !host.is_empty());
    let is_plain = url.username().is_empty() && url.password().is_none();
    if is_web && is_plain { Ok(url) } else { Err("not a URL of the web: it begins with https:// or http://") }
}

fn cookie(text: &str) -> Result<String, &'static str> {
    let is_pair = text.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty());
    let is_clean = text.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"".contains(&byte));
    if is_pair && is_clean { Ok(text.to_owned()) } else { Err("not NAME=VALUE, as the browser shows it") }
}

fn proxies() -> impl clap::builder::TypedValueParser<Value = Proxy> {
    PossibleValuesParser::new(Proxy::KNOWN.map(Proxy::as_str))
        .try_map(|word| Proxy::from_word(&word).ok_or("no such proxy"))
}

fn resolved(text: &str) -> Result<Resolved, &'static str> {
    let (host, address) = text.split_once('=').ok_or("not HOST=ADDRESS:PORT")?;
    let address = address.parse().map_err(|_| "not HOST=ADDRESS:PORT")?;
    Ok(Resolved { host: host.to_ascii_lowercase(), address })
}

pub(super) fn run(arguments: &Arguments, mut settings: Settings) -> anyhow::Result<()> {
    let tls = Tls::new(arguments.ca_file.as_deref()).map_err(|error| Misuse(format!("--ca-file: {error}")))?;
    let listener = arguments.stand_in.map(listen).transpose()?;
    settings.secrets.keys = config::secret_keys(&settings)?;
    let database = Database::reach(&settings);
    let (url, unreached) = match &database {
        Ok(database) => (database.url().to_owned(), None),
        Err(error) => (String::new(), Some(format!("{error:#}"))),
    };
    let outcome = block_on(async {
        let lent =
            session::lend(arguments.person.as_ref(), &arguments.urls, &settings, &url, unreached.as_deref()).await?;
        let plan = plan(
            arguments,
            tls,
            session_of(arguments, lent.as_ref()),
            match &unreached {
                None => Ok(Db::new(&url, 1, Clock::System)),
                Some(why) => Err(why.clone()),
            },
        );
        let examined = tokio::select! {
            examined = doctor::examine(&settings, &plan) => Ok(examined),
            failed = standing_in(listener) => failed,
        };
        if let Some(lent) = lent {
            lent.end().await?;
        }
        examined
    });
    if let Ok(database) = database {
        database.close()?;
    }
    let examined = outcome??;
    if arguments.json {
        say::as_json(&examined)?;
    } else {
        say::as_text(&examined)?;
    }
    match examined.iter().flat_map(doctor::Examined::findings).count() {
        0 => Ok(()),
        1 => bail!("1 thing is wrong"),
        count => bail!("{count} things are wrong"),
    }
}

fn plan(arguments: &Arguments, tls: Tls, session: Result<Session, String>, db: Result<Db, String>) -> Plan {
    Plan {
        urls: arguments.urls.clone(),
        direct: arguments.app_direct.clone(),
        proxy: arguments.proxy,
        audience: if arguments.for_programs { Audience::Programs } else { Audience::People },
        resolved: arguments.resolve.clone(),
        tls,
        session,
        db,
        clock: Clock::System,
    }
}

fn session_of(arguments: &Arguments, lent: Option<&Lent>) -> Result<Session, String> {
    match (lent, &arguments.cookie) {
        (Some(lent), _) => Ok(lent.session()),
        (None, Some(pair)) => {
            Ok(Session { cookies: vec![Cookie { reach: Reach::Anywhere, pair: pair.clone() }], user: None })
        }
        (None, None) => Err("there is no session: give --as PERSON or --cookie".to_owned()),
    }
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let hint = || format!("cannot listen on {address} (--stand-in): is the app still running?");
    TcpListener::bind(address).with_context(hint)
}

/// Ends only when it fails.
async fn standing_in<T>(listener: Option<TcpListener>) -> anyhow::Result<T> {
    match listener {
        Some(listener) => match doctor::stand_in(listener).await {
            Ok(never) => match never {},
            Err(error) => Err(error).context("standing in for the app (--stand-in)"),
        },
        None => std::future::pending().await,
    }
}

fn block_on<F: Future>(work: F) -> anyhow::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_asked_is_taken() {
        assert_eq!(web_url("https://app.example.com/x?y").unwrap().as_str(), "https://app.example.com/x?y");
        for wrong in ["app.example.com", "/x", "ftp://app.example.com/", "https://ann:pw@app.example.com/", "http://"] {
            assert!(web_url(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "x", "=x", "x=", "x=a b", "x=a;b=c", "x=a\r\nb"] {
            assert!(cookie(wrong).is_err(), "{wrong:?}");
        }
        let known = resolved("App.example.com=127.0.0.1:8443").unwrap();
        assert_eq!((known.host.as_str(), known.address.port()), ("app.example.com", 8443));
        assert!(resolved("app.example.com=127.0.0.1").is_err() && resolved("127.0.0.1:1").is_err());
    }
}
