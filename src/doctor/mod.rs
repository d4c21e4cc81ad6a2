//! What can be seen of an installation from outside, through its real proxy: is it as it should be?
//!
//! [`examine`] asks what a visitor, a stranger and somebody who means harm would ask, byte by byte, and judges the
//! answers. What it finds is a [`Finding`]; each says what is wrong, why that matters, and what to change in the words
//! of the proxy that it sees. What it could not look at, it says: nothing is fine that was not checked.
//!
//! Strangers' requests go to whatever is there. With a session nothing but GET is sent, unless the app has turned out
//! to be an [`echo`]: a POST might change something in a real one. What reaches an app is known from an echo alone;
//! [`stand_in`] is one.

mod advice;
mod answer;
mod around;
mod echo;
mod expected;
mod finding;
mod forgeries;
mod framing;
mod guest;
mod house;
mod proxy;
mod report;
mod request;
mod sign_on;
mod stand_in;
mod store;
mod stranger;
mod tls;
mod wire;

use url::Url;

pub use advice::change;
pub use finding::Finding;
pub use proxy::Proxy;
pub use report::{Check, Checked, Examined, Outcome};
pub use stand_in::stand_in;
pub use tls::{NoAuthority, Tls};
pub use wire::Resolved;

use crate::config::Settings;
use crate::db::Db;
use crate::gateway::Rules;
use crate::kernel::return_to::is_within;
use crate::kernel::{Clock, Token};
use wire::Wire;

/// As which it is seen in logs, and in the list of somebody's devices.
pub const NAME: &str = "vestibule doctor";

/// Who comes to the URLs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    People,
    /// Who has no use for a page to sign in at.
    Programs,
}

/// What is to be examined, and with what.
pub struct Plan {
    pub urls: Vec<Url>,
    /// Where nobody but the proxy is to get an answer.
    pub direct: Vec<Url>,
    /// `None` to find it out.
    pub proxy: Option<Proxy>,
    pub audience: Audience,
    pub resolved: Vec<Resolved>,
    pub tls: Tls,
    /// Or why there is none.
    pub session: Result<Session, String>,
    /// Or why there is none.
    pub db: Result<Db, String>,
    pub clock: Clock,
}

/// What opens the gate.
pub struct Session {
    pub cookies: Vec<Cookie>,
    /// What apps are told in `Remote-User`, if it is known.
    pub user: Option<String>,
}

/// `name=value`, and for which hosts.
pub struct Cookie {
    pub reach: Reach,
    pub pair: String,
}

/// Where a cookie goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reach {
    /// To this domain and every host below it.
    Below(String),
    /// To this host alone.
    At(String),
    /// Wherever the operator wants it sent.
    Anywhere,
}

impl Reach {
    fn includes(&self, host: &str) -> bool {
        match self {
            Self::Below(domain) => is_within(host, domain),
            Self::At(own) => host == own,
            Self::Anywhere => true,
        }
    }
}

/// What the service thinks of the proxy in front of the sign-in page, which is the one that asks the gate as a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Trusted,
    NotTrusted,
    /// There is none, or the service does not say.
    Unknown,
}

struct Doctor<'a> {
    settings: &'a Settings,
    plan: &'a Plan,
    rules: Rules,
    wire: Wire,
    /// What an echo has to know.
    mark: String,
    standing: Standing,
}

/// The service itself first, then each URL.
pub async fn examine(settings: &Settings, plan: &Plan) -> Vec<Examined> {
    let mut doctor = Doctor {
        settings,
        plan,
        rules: Rules::compile(&settings.gateway),
        wire: Wire::new(plan.tls.clone(), plan.resolved.clone()),
        mark: Token::generate().expose(),
        standing: Standing::Unknown,
    };
    let (house, standing) = house::examine(&doctor).await;
    doctor.standing = standing;
    let mut examined = vec![house];
    for url in &plan.urls {
        examined.push(around::examine(&doctor, url).await);
    }
    for url in &plan.direct {
        examined.push(house::examine_direct(&doctor, url).await);
    }
    examined
}
