//! How soon a process refuses a session that another one has ended.

use std::future::poll_fn;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use diesel::sql_types::Binary;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use tokio_postgres::{AsyncMessage, NoTls};

use crate::client::Connection;
use crate::gate::{self, SECRET};
use crate::report::{Report, median, percentile, section};
use crate::served::{APP, Served};
use crate::{Stage, crowd, people};
use vestibule::db::CHANNEL;
use vestibule::kernel::Token;

const TRIES: usize = 1_000;
/// Sessions of [`crowd`] that are not used there.
const FIRST: i64 = 2_000_000;
const LONGEST: Duration = Duration::from_secs(10);

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let mut service = Served::vestibule(&stage.folder, &[&stage.database(), SECRET, &gate::rules()])?;
    service.wait_until_ready()?;
    people::sign_up(&service, &stage.url, "revoked", 1)?;
    let database = &mut PgConnection::establish(&stage.url)?;
    crowd::insert(database, FIRST, FIRST + i64::try_from(TRIES)?)?;
    let heard = listen(&stage.url)?;
    let (mut refused, mut told) = (Vec::new(), Vec::new());
    let (sealer, mut connection) = (crowd::sealer()?, Connection::open(service.port)?);
    for n in (FIRST..).take(TRIES) {
        let check = gate::check(APP, &crowd::cookie(&sealer, n));
        ensure!(connection.ask(&check)?.status == 200, "session {n} is not known");
        revoke(database, &crowd::token(n))?;
        let returned = Instant::now();
        while connection.ask(&check)?.status == 200 {
            ensure!(returned.elapsed() < LONGEST, "session {n} passes on and on");
        }
        refused.push(millis(returned.elapsed()));
        let heard = heard.recv_timeout(LONGEST).context("the bare LISTEN hears nothing")?;
        told.push(millis(heard.saturating_duration_since(returned)));
    }
    tell(report, &refused, &told);
    Ok(())
}

/// Returns when it is committed.
fn revoke(database: &mut PgConnection, token: &Token) -> anyhow::Result<()> {
    let ended = diesel::sql_query("DELETE FROM sessions WHERE token_digest = $1")
        .bind::<Binary, _>(token.digest().as_bytes())
        .execute(database)?;
    ensure!(ended == 1, "there was nothing to revoke");
    Ok(())
}

/// A connection that does nothing but listen, and when it hears of a session.
fn listen(url: &str) -> anyhow::Result<mpsc::Receiver<Instant>> {
    let (tell, heard) = mpsc::channel();
    let (ready, is_ready) = mpsc::channel();
    let url = url.to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || runtime.block_on(follow(&url, &ready, &tell)));
    is_ready.recv().context("the bare LISTEN has no connection")?;
    Ok(heard)
}

async fn follow(url: &str, ready: &mpsc::Sender<()>, tell: &mpsc::Sender<Instant>) -> anyhow::Result<()> {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await?;
    let listening = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        ready.send(())?;
        std::future::pending::<anyhow::Result<()>>().await
    };
    let hearing = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(word) = message?
                && word.payload().starts_with('s')
            {
                tell.send(Instant::now())?;
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = listening => ended,
        ended = hearing => ended,
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn tell(report: &mut Report, refused: &[f64], told: &[f64]) {
    section(&format!("Revocation: from the end of the revoking call, {TRIES} tries"));
    for (key, what, times) in [
        ("revocation.refused", "refused by another process", refused),
        ("revocation.heard", "heard by a bare LISTEN", told),
    ] {
        report.value(&format!("{key}.median"), &format!("{what}, median"), (median(times), "ms"));
        report.value(&format!("{key}.p99"), "  99th percentile", (percentile(times, 99), "ms"));
    }
}
