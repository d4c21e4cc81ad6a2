//! Which decisions are kept, for trying out other rules.

use chrono::{DateTime, Utc};

use super::claim::claim;
use super::visitor::Visitor;
use super::{Check, Compiled};
use crate::decisions::{Judged, Key, Record, Seen};
use crate::gateway::{Judgement, Request, Subject};
use crate::kernel::secrets::random_bytes;

/// What is judged, and when.
pub(super) struct Case<'a> {
    pub asked: &'a Request<'a>,
    pub compiled: &'a Compiled,
    pub at: DateTime<Utc>,
}

impl Check<'_> {
    /// `visitor` is whoever `subject` is about.
    pub(super) fn record(
        &self,
        case: &Case<'_>,
        visitor: Option<&Visitor>,
        subject: &Subject<'_>,
        judgement: &Judgement<'_>,
    ) {
        let key = || match visitor {
            Some(Visitor::Program(_)) => Key::Read,
            Some(Visitor::Person(_)) | None => match claim(self.request.headers()) {
                Some(_) => Key::Unread,
                None => Key::None,
            },
        };
        self.keep(case, || (key(), visitor, Judged::ByRules(&case.compiled.rules, subject, judgement)));
    }

    pub(super) fn record_invalid_key(&self, case: &Case<'_>) {
        self.keep(case, || (Key::Read, None, Judged::InvalidKey));
    }

    /// Nothing is worked out for a check that is not kept.
    fn keep<'a>(&self, case: &Case<'a>, decided: impl FnOnce() -> (Key, Option<&'a Visitor>, Judged<'a>)) {
        let Some(sampling) = &case.compiled.sampling else { return };
        if !sampling.takes(random_bytes()) {
            return;
        }
        self.gate.recorder.keep(self.gate.app.db.meters(), || {
            let (key, visitor, judged) = decided();
            let seen = Seen {
                at: case.at,
                request_id: self.arrival.id.as_str(),
                request: case.asked,
                user: visitor.map(Visitor::user),
                key,
                judged,
            };
            Record::of(&seen, sampling)
        });
    }
}
