//! Judging what identity providers answer: against verifying the signature alone, and refusing everything that is not
//! good, with the documents of the tests.

// The documents are those of the tests.
#[path = "../../tests/it/saml/attacks/mod.rs"]
#[expect(clippy::unwrap_used, reason = "what is made for tests")]
mod attacks;
#[path = "../../tests/it/saml/stage.rs"]
#[expect(dead_code, reason = "what tests ask of it as well")]
mod stage;

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::ensure;
use samael::crypto::{CertificateDer, Crypto, CryptoProvider as _};
use vestibule::sso::saml::{Asked, Report as Judged};

use crate::meter;
use crate::report::{Report, section};
use crate::support::idp::{Draft, Sign};

use stage::{REQUEST, Stage};

const ROUNDS: usize = 21;
const PER_ROUND: usize = 400;

/// So many answers, after a tenth of that for warming up.
const FOR_MEMORY: u32 = 100_000;

pub fn measure(report: &mut Report, bench: &crate::Stage) -> anyhow::Result<()> {
    section("Answers of identity providers (SAML)");
    let stage = Stage::new();
    throughput(&stage, report)?;
    refusals(&stage, report)?;
    memory(&stage, bench.scaled(FOR_MEMORY), report)
}

/// The other side parses and verifies the same document by the same libraries, and reads nothing of it.
fn throughput(stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    for (key, what, sign) in [
        ("saml_assertion", "Judged per verified by xmlsec alone, assertion signed", Sign::Assertion),
        ("saml_response", "Judged per verified by xmlsec alone, response signed", Sign::Response),
    ] {
        let document = stage.idp.document(&Draft { sign, ..stage.draft() });
        let form = stage.idp.answer(&Draft { sign, ..stage.draft() });
        let certificate = CertificateDer::from(stage.idp.key.certificate_der().to_vec());
        let mut ratios = Vec::new();
        for _ in 0..ROUNDS {
            let plain = timed(|| Crypto::verify_signed_xml(&document, &certificate, Some("ID")).is_ok())?;
            let ours = timed(|| stage.judge_form(&form, Asked::This(REQUEST)).outcome.is_ok())?;
            ratios.push(plain.as_secs_f64() / ours.as_secs_f64());
        }
        report.ratio(key, what, &ratios);
    }
    Ok(())
}

fn timed(mut work: impl FnMut() -> bool) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    for _ in 0..PER_ROUND {
        ensure!(black_box(work()), "a good document was refused");
    }
    Ok(begin.elapsed())
}

/// Each document three times, of which the quickest counts: what else the machine does is no part of it.
fn refusals(stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
    let mut slowest = (Duration::ZERO, String::new());
    let attacks = attacks::all(stage);
    let before = meter::peak(std::process::id())?;
    for attack in &attacks {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let begin = Instant::now();
            let judged: Judged = black_box(stage.judge_form(&attack.form_value, attack.asked));
            ensure!(judged.outcome == Err(attack.refused_by), "{} was taken for something else", attack.name);
            best = best.min(begin.elapsed());
        }
        if best > slowest.0 {
            slowest = (best, attack.name.clone());
        }
    }
    let grown = meter::peak(std::process::id())? - before;
    let what = format!("Slowest refusal of {} documents ({})", attacks.len(), slowest.1);
    report.value("saml_slowest_refusal", &what, (slowest.0.as_secs_f64() * 1000.0, "ms"));
    report.value("saml_refusal_memory", "Most memory that all of them took on top", (grown, "MiB"));
    Ok(())
}

fn memory(stage: &Stage, answers: u32, report: &mut Report) -> anyhow::Result<()> {
    let good = stage.idp.answer(&Draft { sign: Sign::Both, ..stage.draft() });
    let bad = stage.idp.answer(&stage.draft().edit(">ann<", "> ann<"));
    let judge = |count: u32| {
        for round in 0..count {
            let form = if round % 4 == 0 { &bad } else { &good };
            black_box(stage.judge_form(form, Asked::This(REQUEST)));
        }
    };
    judge(answers / 10);
    let before = meter::resident(std::process::id())?;
    judge(answers);
    let grown = meter::resident(std::process::id())? - before;
    report.value("saml_memory", &format!("Memory grown over {answers} answers"), (grown, "MiB"));
    Ok(())
}
