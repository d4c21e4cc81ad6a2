//! Why a rule decides, or why it does not.

use super::{Case, Rule, Rules, Subject};
use crate::gateway::forwarded::Request;

/// What one rule has to do with a request.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub rule: &'a Rule,
    pub fit: Fit,
}

/// The first thing by which a rule stands somewhere else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    /// It is the first that fits.
    Decides,
    /// It fits, and another one has decided.
    TooLate,
    Host,
    Path,
    Method,
    Network,
    /// It names others.
    People,
    /// It would decide, and is only tried out.
    Shadow,
}

impl Fit {
    /// The stable word for commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decides => "decides",
            Self::TooLate => "too_late",
            Self::Host => "host",
            Self::Path => "path",
            Self::Method => "method",
            Self::Network => "network",
            Self::People => "people",
            Self::Shadow => "shadow",
        }
    }
}

impl Rules {
    /// All of them in their order, for the path as it is read first. Where readings differ, [`Rules::judge`] says so.
    pub fn explain<'a>(&'a self, request: &Request<'_>, subject: &Subject<'_>) -> Vec<Look<'a>> {
        let Some(path) = request.readings().next() else { return Vec::new() };
        let mut is_decided = false;
        let look = |rule: &'a Rule| {
            let fit = rule.fit(request, path, subject);
            let fit = match fit {
                Fit::Decides if is_decided => Fit::TooLate,
                Fit::Decides if rule.is_shadow => Fit::Shadow,
                fit => fit,
            };
            is_decided |= fit == Fit::Decides;
            Look { rule, fit }
        };
        self.all.iter().map(look).collect()
    }
}

impl Rule {
    fn fit(&self, request: &Request<'_>, path: &[u8], subject: &Subject<'_>) -> Fit {
        let checks = [
            (self.is_at_host(request), Fit::Host),
            (self.is_at_path(path, Case::Matters), Fit::Path),
            (self.is_for_method(request), Fit::Method),
            (self.is_from(request), Fit::Network),
            (self.may_be_for(subject), Fit::People),
        ];
        checks.into_iter().find(|(fits, _)| !fits).map_or(Fit::Decides, |(_, fit)| fit)
    }
}
