//! Signed-in browsers: one row each, and the tokens of its cookies.
//!
//! The row is the truth; only digests of tokens are stored. A session has one token for the portal (its pages
//! and API) and gate tokens, good for nothing but asking the gate: one for each cookie domain, and those of hosts that
//! no cookie of the portal's reaches. Each is good at the hosts of its own cookie alone ([`GateReach`]). All of them end
//! with the row. In its cookie a gate token has a tag of [`crate::crypto::Sealer`] beside it, so that one that was
//! never ours is not looked up.
//!
//! - It is **live** while it is neither idle for too long nor older than its absolute end, and its holder is neither
//!   disabled nor gone; that is checked on every request ([`find`]).
//! - It is **rotated** (a new id, new cookies, the old ones dead at once; [`rotate`]) when its holder's powers change.
//!   What stays is the device: people see one and the same browser in their list.
//! - Its holder sees it in a list of **devices** and can end it from there ([`devices`]).
//! - Before it begins, a second proof may be asked for ([`pending`]): that is no session yet, and opens nothing.
//! - Who comes by an organization's identity provider has a session that remembers it ([`Provided`]) and ends no later
//!   than the provider wants.
//! - It is **confirmed** when its holder proves once more who they are, before something dangerous ([`confirm`]).
//! - At hosts that no cookie of the portal's reaches it is **handed over** by way of the browser ([`hand_overs`]).
//! - When it **ends**, a word about why is kept for a while, so that the browser can be told ([`end`]).
//!   Rows of sessions that ran out go later, when nobody is in a hurry ([`sweep`]).
//! - The browser it was opened in stays **known** beyond its end, for strangers' failures not to count there
//!   ([`known_devices`]).
//! - Where it is opened from is remembered beyond its end ([`places`]); of a new place its holder is told, and may
//!   say that it was somebody else ([`not_me`]).
//!
//! The portal asks PostgreSQL on every request. The gate is asked far more often, and each node remembers sessions for
//! it ([`live`]).

mod confirm;
mod devices;
mod end;
mod find;
mod hand_overs;
mod known_devices;
mod live;
mod not_me;
mod open;
mod pending;
mod places;
mod probe;
mod reach;
mod rotate;
mod store;
mod sweep;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use confirm::{confirm, end_by};
pub use devices::{Device, list_devices, revoke_device, revoke_own};
pub use end::{EndReason, revoke, revoke_all, revoke_by_token, revoke_of_providers, revoke_others_than_of, why_ended};
pub use find::{count_live, find_by_token, find_provider_session, hold};
pub use hand_overs::{Bearer, HandOver, Handed, HandedOver, begin_hand_over, finish_hand_over};
pub use known_devices::{KNOWN_FOR, recognise, recognise_owner, recognise_person};
pub use live::{Activity, Figures, Known, LEASE, LiveSessions, Remembered, Thing, Ticket};
pub use not_me::{Doubtful, Reach, disown, find_doubtful, is_still_in, issue_link};
pub use open::{open, renew_gate_cookies};
pub use pending::{PENDING_TTL, Pending, begin_pending, count_try, end_pending, end_pending_of, find_pending};
pub use places::{Place, forget_place, forget_places};
pub use probe::{Probe, open_probe};
pub use reach::GateReach;
pub use rotate::{rotate, rotate_all_at_next_visit};
pub use sweep::{Swept, sweep};

use crate::config::settings;
use crate::kernel::{DeviceId, EmailAddress, ProviderSessionId, SessionId, Token, UserId};

/// What "keep me signed in" means for one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Remember {
    Yes,
    No,
}

impl Remember {
    /// How long a session may live in all.
    pub fn absolute_timeout(self, rules: &settings::Session) -> TimeDelta {
        match self {
            Self::Yes => rules.remember_timeout,
            Self::No => rules.absolute_timeout,
        }
    }

    /// How long it may live without a visit.
    pub fn idle_timeout(self, rules: &settings::Session) -> TimeDelta {
        match self {
            Self::Yes => rules.remember_idle_timeout,
            Self::No => rules.idle_timeout,
        }
    }
}

/// How somebody proved who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Method {
    Password,
    SetupLink,
    /// A code of an authenticator app.
    Totp,
    RecoveryCode,
    /// A link that was mailed, or the code it leads to.
    MagicLink,
    /// A key on one of their devices, which has looked at who holds it.
    Passkey,
    /// Their organization's identity provider.
    Sso,
}

impl Method {
    pub const ALL: [Self; 7] =
        [Self::Password, Self::SetupLink, Self::Totp, Self::RecoveryCode, Self::MagicLink, Self::Passkey, Self::Sso];

    /// The stable word for the API, the table and the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SetupLink => "setup_link",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::MagicLink => "magic_link",
            Self::Passkey => "passkey",
            Self::Sso => "sso",
        }
    }

    /// What it shows by itself. A provider's word for more stands in its answer.
    pub fn strength(self) -> Strength {
        match self {
            Self::Passkey => Strength::Passkey,
            Self::Totp | Self::RecoveryCode => Strength::SecondFactor,
            Self::Password | Self::SetupLink | Self::MagicLink | Self::Sso => Strength::OneFactor,
        }
    }

    fn from_stored(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }
}

/// How much a proof shows, the weakest first. NIST SP 800-63B takes a passkey that has looked at who holds it for two
/// factors at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Strength {
    OneFactor,
    SecondFactor,
    Passkey,
}

/// A sign-in by an identity provider that a session of ours comes of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Provided {
    pub session: ProviderSessionId,
    /// When the provider wants it to end at the latest.
    pub ends_at: Option<DateTime<Utc>>,
    /// As far as the provider says so.
    pub strength: Strength,
}

/// What a session is to be.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    pub user: UserId,
    /// Every proof they gave, in its order.
    pub by: &'a [Method],
    /// For somebody who comes by a provider.
    pub provided: Option<Provided>,
    pub remember: Remember,
}

impl Opening<'_> {
    fn strength(&self) -> Strength {
        let own = self.by.iter().map(|method| method.strength()).max();
        let provided = self.provided.map(|provided| provided.strength);
        own.max(provided).unwrap_or(Strength::OneFactor)
    }
}

/// A session that is live, with what is known of its holder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Live {
    pub session: SessionId,
    pub device: DeviceId,
    pub user: UserId,
    pub email: EmailAddress,
    pub email_verified: bool,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub last_active_at: DateTime<Utc>,
    /// The last proof that it is them: signing in, or confirming it.
    pub last_auth_at: DateTime<Utc>,
    /// When they last confirmed it within this session, as nothing but a dangerous action asks for.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Every proof that they gave to open it, in its order. What a node of a later version has written is left out.
    pub methods: Vec<Method>,
    /// When a second factor was last proved in it.
    pub second_factor_at: Option<DateTime<Utc>>,
    /// When a passkey was; that is a second factor as well.
    pub passkey_at: Option<DateTime<Utc>>,
    /// The absolute end.
    pub expires_at: DateTime<Utc>,
    /// The sign-in by a provider that it comes of.
    pub provider_session: Option<ProviderSessionId>,
    /// Whether its holder asked to be kept signed in.
    pub is_remembered: bool,
    /// Whether its cookies are good for one thing only: to be exchanged for new ones.
    pub is_rotation_due: bool,
    /// Until when its holder can come back who has asked to be deleted; `None` for somebody who stays.
    pub deletes_at: Option<DateTime<Utc>>,
    /// From when on an organization of theirs asks its holder for a second factor who has none; `None` for whoever has
    /// one, or needs none.
    pub second_factor_due: Option<DateTime<Utc>>,
}

impl Live {
    /// Whether its holder has asked to be deleted.
    pub fn is_leaving(&self) -> bool {
        self.deletes_at.is_some()
    }

    /// Whether a second factor is asked for that its holder has not.
    pub fn lacks_second_factor(&self, now: DateTime<Utc>) -> bool {
        self.second_factor_due.is_some_and(|due| due <= now)
    }

    fn remember(&self) -> Remember {
        if self.is_remembered { Remember::Yes } else { Remember::No }
    }
}

/// A session just opened or rotated, with the secrets that only its browser will know.
#[derive(Debug)]
pub struct Opened {
    pub id: SessionId,
    pub device: DeviceId,
    pub user: UserId,
    pub token: Token,
    /// What the browser is known by from now on, for a session just opened.
    pub known_by: Option<Token>,
    pub gate: Vec<GateCookie>,
    pub remember: Remember,
    pub expires_at: DateTime<Utc>,
}

/// What goes into one gate cookie.
#[derive(Debug)]
pub struct GateCookie {
    /// `None` for a cookie of this host alone.
    pub domain: Option<String>,
    pub token: Token,
}
