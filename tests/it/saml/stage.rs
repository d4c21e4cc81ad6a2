//! A provider, the service that it answers, and a time.

use chrono::{DateTime, TimeZone as _, Utc};
use vestibule::sso::saml::{Answer, Asked, Check, Provider, Report, Verdict, judge};

use crate::support::idp::{Draft, Idp, Key, Sp, encode};

pub const REQUEST: &str = "_2f1d5e9c0b7a4683";

const ISSUER: &str = "https://idp.example/metadata";

pub struct Stage {
    pub idp: Idp,
    pub sp: Sp,
    pub now: DateTime<Utc>,
    pub certificates: Vec<Vec<u8>>,
    /// What assertions may be encrypted to.
    pub own: Key,
}

impl Stage {
    pub fn new() -> Self {
        Self::of(Idp::new(ISSUER))
    }

    pub fn with_key(key: Key) -> Self {
        Self::of(Idp::with_key(ISSUER, key))
    }

    fn of(idp: Idp) -> Self {
        let certificates = vec![idp.key.certificate_der().to_vec()];
        let sp = Sp::new("https://id.example.com/saml/1/metadata", "https://id.example.com/saml/1/acs");
        let now = Utc.with_ymd_and_hms(2030, 5, 17, 12, 0, 0).unwrap();
        Self { idp, sp, now, certificates, own: Key::rsa() }
    }

    /// A good answer to [`REQUEST`].
    pub fn draft(&self) -> Draft {
        Draft { in_response_to: Some(REQUEST.to_owned()), ..self.idp.draft(&self.sp, self.now) }
    }

    pub fn judge(&self, draft: &Draft) -> Report {
        self.judge_text(self.idp.document(draft))
    }

    pub fn judge_text(&self, document: impl AsRef<[u8]>) -> Report {
        self.judge_form(&encode(document), Asked::This(REQUEST))
    }

    pub fn judge_form(&self, form_value: &str, asked: Asked<'_>) -> Report {
        let provider = Provider {
            entity_id: &self.idp.entity_id,
            certificates: &self.certificates,
            audience: &self.sp.entity_id,
            acs_url: &self.sp.acs_url,
            keys: &[self.own.pkcs8_der()],
        };
        judge(form_value, &provider, asked, self.now)
    }
}

/// The answer of a report, or why there is none.
pub fn good(report: Report) -> Answer {
    let failed: Vec<_> =
        report.checks.iter().filter(|checked| matches!(checked.verdict, Verdict::Failed { .. })).cloned().collect();
    match report.outcome {
        Ok(answer) => answer,
        Err(check) => panic!("{}: {failed:?}\n{}", check.as_str(), report.document.unwrap_or_default()),
    }
}

pub fn refused(report: &Report) -> Check {
    match &report.outcome {
        Ok(answer) => panic!("let in: {answer:?}\n{}", report.document.as_deref().unwrap_or_default()),
        Err(check) => *check,
    }
}
