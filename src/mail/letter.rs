use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::kernel::{Redacted, Token, WebhookId};

/// How long the link in the letter about a new place works.
pub const NEW_PLACE_LINK_TTL: TimeDelta = TimeDelta::days(7);

/// How long a link that signs in works, and its code.
pub const MAGIC_LINK_TTL: TimeDelta = TimeDelta::minutes(15);

/// For how long a change of somebody's address can be taken back, by the link in the letter to the old one.
pub const EMAIL_UNDO_TTL: TimeDelta = TimeDelta::hours(72);

/// How long an invitation into an organization works.
pub const INVITATION_TTL: TimeDelta = TimeDelta::days(7);

/// What there is to write about, with what only the letter may know.
#[derive(Debug)]
pub enum Letter {
    /// Prove that this address is yours: a link to `/verify-email`.
    VerifyEmail { token: Token },
    /// The operator has made an account for this address, and it has no password: a link to `/reset-password`.
    AccountMade { token: Token },
    /// Somebody tried to sign up with an address that has an account.
    AlreadyRegistered,
    /// Choose a new password: a link to `/reset-password`.
    ResetPassword { token: Token },
    /// Somebody asked for a new password, and there is none: how its holder signs in instead.
    NoPassword,
    /// Sign in: a link to `/magic-link`.
    MagicLink { token: Token },
    /// The password is another one now, whichever way that came about.
    PasswordChanged,
    /// This address is no longer that of the account: a link to `/undo-email`. Which one is in its place it does not say.
    EmailChanged { token: Token },
    /// It is again, and what was removed on the way.
    EmailRestored { removed: Vec<&'static str> },
    /// Somebody tried to sign up with an address that an account has just left, and can have back.
    AddressKept,
    /// Somebody signed in from where this person never did: a link to `/not-me`.
    NewPlace { token: Token },
    /// What it takes to sign in is something else now.
    FactorChanged { change: FactorChange },
    /// Somebody signed in with a recovery code.
    RecoveryCodeUsed { left: u32 },
    /// A program has, or no longer has, a way in; the name is what the key's holder calls it.
    ApiKeyChanged { change: KeyChange, name: String },
    /// Become a member of an organization: a link to `/invitation`. The words are somebody's choice and go to a stranger: that
    /// they hold no link of their own is for the caller to see to. `inviter` may be empty.
    Invitation { token: Token, organization: String, inviter: String, role: &'static str },
    /// What somebody is in an organization of this name is something else now.
    MembershipChanged { change: MembershipChange, organization: String },
    /// The account is to be deleted at this instant: a link to `/restore`.
    DeletionAsked { token: Token, deletes_at: DateTime<Utc>, organizations: Vec<Fate> },
    /// It stays after all.
    AccountRestored,
    /// It is gone. The last letter there is; nothing is kept of it once it is sent or given up.
    AccountDeleted,
    /// A webhook took nothing for days, and is told nothing any more; `organization` is whose it is, by its slug.
    WebhookDisabled { host: String, webhook: WebhookId, organization: Option<String> },
    /// What has become of a domain that an organization has proved; `organization` is its slug.
    DomainChanged { change: DomainChange, domain: String, organization: String },
    /// An owner of this organization, by its slug, has signed in with a password where the provider is a must, as they were
    /// named to. Who it was stands in the activity.
    BreakGlassUsed { organization: String },
    /// From this instant on they sign in by the provider of an organization alone. Both by their names.
    SignOnEnforced { organization: String, provider: String, from: DateTime<Utc> },
    /// The provider of an organization lets somebody into their account from now on. Both by their names.
    ProviderConnected { organization: String, provider: String },
    /// What a provider signs with runs out at this instant, or has; `organization` by its slug, `connection` by its name.
    CertificateEnds {
        organization: String,
        connection: String,
        subject: String,
        ends_at: DateTime<Utc>,
        ending: Ending,
    },
    /// The operator asks whether mail arrives.
    Test,
}

/// Whether there is still time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    Soon,
    Over,
}

/// What has become of somebody's place in an organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MembershipChange {
    /// To this one, by its stable word.
    RoleChanged(&'static str),
    /// By somebody else.
    Removed,
    /// The organization is no more.
    Deleted,
    /// Its only owner goes for good at this instant, and they come after.
    WillOwn(DateTime<Utc>),
    /// The owner stays after all.
    OwnerStays,
    /// The organization asks for a second factor, which they have not, from then on.
    SecondFactorRequired(DateTime<Utc>),
}

/// What has become of the proof that a domain is an organization's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DomainChange {
    /// Its record is gone; the proof ends at this instant.
    Missing(DateTime<Utc>),
    /// The proof has ended.
    Lost,
}

impl DomainChange {
    fn facts(&self) -> Vec<(&'static str, Value)> {
        let (change, at) = match self {
            Self::Missing(at) => ("missing", Some(at.to_rfc3339())),
            Self::Lost => ("lost", None),
        };
        vec![("change", change.into()), ("ends_at", at.into())]
    }
}

impl MembershipChange {
    fn facts(&self) -> Vec<(&'static str, Value)> {
        let (change, role, at) = match self {
            Self::RoleChanged(role) => ("role_changed", *role, None),
            Self::Removed => ("removed", "", None),
            Self::Deleted => ("deleted", "", None),
            Self::WillOwn(at) => ("will_own", "", Some(at.to_rfc3339())),
            Self::OwnerStays => ("owner_stays", "", None),
            Self::SecondFactorRequired(from) => {
                return vec![("change", "second_factor_required".into()), ("from", from.to_rfc3339().into())];
            }
        };
        vec![("change", change.into()), ("role", role.into()), ("goes_at", at.into())]
    }
}

/// What becomes of an organization that somebody owns alone, once they have gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fate {
    /// What it is called.
    pub organization: String,
    /// What the next owner is now, by its stable word; none where nobody else belongs to it. Not who it is: this is kept
    /// for a while, and they may be gone before it is.
    pub heir: Option<&'static str>,
}

impl Fate {
    fn fact(&self) -> Value {
        serde_json::json!({ "name": self.organization, "heir": self.heir.unwrap_or_default() })
    }
}

/// What has become of somebody's factors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FactorChange {
    AuthenticatorOn,
    AuthenticatorOff(Protection),
    /// By the name that its holder has given it.
    PasskeyAdded(String),
    PasskeyRemoved(String, Protection),
    RecoveryCodesReplaced,
    /// There are passkeys instead.
    PasswordRemoved,
    /// All of them, by the operator.
    TakenAway,
}

/// Whether signing in still takes more than the password when a factor is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    Kept,
    /// It was the last, and the recovery codes are gone with it.
    Lost,
}

impl FactorChange {
    /// As the templates know it.
    fn as_str(&self) -> &'static str {
        match self {
            Self::AuthenticatorOn => "authenticator_on",
            Self::AuthenticatorOff(_) => "authenticator_off",
            Self::PasskeyAdded(_) => "passkey_added",
            Self::PasskeyRemoved(..) => "passkey_removed",
            Self::RecoveryCodesReplaced => "recovery_codes_replaced",
            Self::PasswordRemoved => "password_removed",
            Self::TakenAway => "taken_away",
        }
    }

    fn facts(&self) -> Vec<(&'static str, Value)> {
        let (passkey, protection) = match self {
            Self::AuthenticatorOn | Self::RecoveryCodesReplaced | Self::PasswordRemoved => ("", Protection::Kept),
            Self::AuthenticatorOff(protection) => ("", *protection),
            Self::PasskeyAdded(name) => (name.as_str(), Protection::Kept),
            Self::PasskeyRemoved(name, protection) => (name.as_str(), *protection),
            Self::TakenAway => ("", Protection::Lost),
        };
        let protection = match protection {
            Protection::Kept => "kept",
            Protection::Lost => "lost",
        };
        vec![("change", self.as_str().into()), ("passkey", passkey.into()), ("protection", protection.into())]
    }
}

/// What has become of one of somebody's API keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyChange {
    Created,
    Revoked,
}

impl KeyChange {
    /// As the templates know it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Revoked => "revoked",
        }
    }
}

/// The same without what it carries: what a stored letter says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    VerifyEmail,
    AccountMade,
    AlreadyRegistered,
    ResetPassword,
    NoPassword,
    MagicLink,
    PasswordChanged,
    EmailChanged,
    EmailRestored,
    AddressKept,
    NewPlace,
    FactorChanged,
    RecoveryCodeUsed,
    ApiKeyChanged,
    Invitation,
    MembershipChanged,
    DeletionAsked,
    AccountRestored,
    AccountDeleted,
    WebhookDisabled,
    DomainChanged,
    BreakGlassUsed,
    SignOnEnforced,
    ProviderConnected,
    CertificateEnds,
    Test,
}

impl Letter {
    /// What may be written down beside when and where, by the names that the templates use.
    pub(super) fn facts(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::FactorChanged { change } => change.facts(),
            Self::RecoveryCodeUsed { left } => vec![("left", (*left).into())],
            Self::ApiKeyChanged { change, name } => {
                vec![("change", change.as_str().into()), ("name", name.as_str().into())]
            }
            Self::Invitation { organization, inviter, role, .. } => vec![
                ("organization", organization.as_str().into()),
                ("inviter", inviter.as_str().into()),
                ("role", (*role).into()),
                // Where whoever did it sits is nobody else's business.
                ("address", Value::Null),
                ("browser", Value::Null),
            ],
            Self::MembershipChanged { change, organization } => {
                let mut facts = change.facts();
                facts.push(("organization", organization.as_str().into()));
                // Where whoever did it sits is nobody else's business.
                facts.extend([("address", Value::Null), ("browser", Value::Null)]);
                facts
            }
            Self::WebhookDisabled { host, webhook, organization } => vec![
                ("host", host.as_str().into()),
                ("webhook", webhook.to_string().into()),
                ("organization", organization.as_deref().unwrap_or_default().into()),
            ],
            Self::DomainChanged { change, domain, organization } => {
                let mut facts = change.facts();
                facts.push(("domain", domain.as_str().into()));
                facts.push(("organization", organization.as_str().into()));
                facts
            }
            Self::BreakGlassUsed { organization } => vec![("organization", organization.as_str().into())],
            Self::SignOnEnforced { .. } | Self::ProviderConnected { .. } | Self::CertificateEnds { .. } => {
                self.facts_of_connections()
            }
            Self::EmailRestored { removed } => vec![("removed", removed.clone().into())],
            Self::DeletionAsked { deletes_at, organizations, .. } => {
                let organizations: Vec<Value> = organizations.iter().map(Fate::fact).collect();
                vec![("deletes_at", deletes_at.to_rfc3339().into()), ("organizations", organizations.into())]
            }
            Self::VerifyEmail { .. }
            | Self::AccountMade { .. }
            | Self::AlreadyRegistered
            | Self::ResetPassword { .. }
            | Self::NoPassword
            | Self::MagicLink { .. }
            | Self::PasswordChanged
            | Self::EmailChanged { .. }
            | Self::AddressKept
            | Self::NewPlace { .. }
            | Self::AccountRestored
            | Self::AccountDeleted
            | Self::Test => Vec::new(),
        }
    }

    fn facts_of_connections(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::SignOnEnforced { organization, provider, from } => vec![
                ("organization", organization.as_str().into()),
                ("provider", provider.as_str().into()),
                ("from", from.to_rfc3339().into()),
            ],
            Self::ProviderConnected { organization, provider } => {
                vec![("organization", organization.as_str().into()), ("provider", provider.as_str().into())]
            }
            Self::CertificateEnds { organization, connection, subject, ends_at, ending } => vec![
                ("organization", organization.as_str().into()),
                ("connection", connection.as_str().into()),
                ("subject", subject.as_str().into()),
                ("ends_at", ends_at.to_rfc3339().into()),
                ("is_over", (*ending == Ending::Over).into()),
            ],
            _ => Vec::new(),
        }
    }

    /// What kind it is, and what must be sealed.
    pub(super) fn take_apart(self) -> (Kind, Option<Redacted>) {
        match self {
            Self::VerifyEmail { token } => (Kind::VerifyEmail, Some(Redacted::new(token.expose()))),
            Self::AccountMade { token } => (Kind::AccountMade, Some(Redacted::new(token.expose()))),
            Self::AlreadyRegistered => (Kind::AlreadyRegistered, None),
            Self::ResetPassword { token } => (Kind::ResetPassword, Some(Redacted::new(token.expose()))),
            Self::NoPassword => (Kind::NoPassword, None),
            Self::MagicLink { token } => (Kind::MagicLink, Some(Redacted::new(token.expose()))),
            Self::PasswordChanged => (Kind::PasswordChanged, None),
            Self::EmailChanged { token } => (Kind::EmailChanged, Some(Redacted::new(token.expose()))),
            Self::EmailRestored { .. } => (Kind::EmailRestored, None),
            Self::AddressKept => (Kind::AddressKept, None),
            Self::NewPlace { token } => (Kind::NewPlace, Some(Redacted::new(token.expose()))),
            Self::FactorChanged { .. } => (Kind::FactorChanged, None),
            Self::RecoveryCodeUsed { .. } => (Kind::RecoveryCodeUsed, None),
            Self::ApiKeyChanged { .. } => (Kind::ApiKeyChanged, None),
            Self::Invitation { token, .. } => (Kind::Invitation, Some(Redacted::new(token.expose()))),
            Self::MembershipChanged { .. } => (Kind::MembershipChanged, None),
            Self::DeletionAsked { token, .. } => (Kind::DeletionAsked, Some(Redacted::new(token.expose()))),
            Self::AccountRestored => (Kind::AccountRestored, None),
            Self::AccountDeleted => (Kind::AccountDeleted, None),
            Self::WebhookDisabled { .. } => (Kind::WebhookDisabled, None),
            Self::DomainChanged { .. } => (Kind::DomainChanged, None),
            Self::BreakGlassUsed { .. } => (Kind::BreakGlassUsed, None),
            Self::SignOnEnforced { .. } => (Kind::SignOnEnforced, None),
            Self::ProviderConnected { .. } => (Kind::ProviderConnected, None),
            Self::CertificateEnds { .. } => (Kind::CertificateEnds, None),
            Self::Test => (Kind::Test, None),
        }
    }
}

impl Kind {
    const ALL: [Self; 26] = [
        Self::VerifyEmail,
        Self::AccountMade,
        Self::AlreadyRegistered,
        Self::ResetPassword,
        Self::NoPassword,
        Self::MagicLink,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::EmailRestored,
        Self::AddressKept,
        Self::NewPlace,
        Self::FactorChanged,
        Self::RecoveryCodeUsed,
        Self::ApiKeyChanged,
        Self::Invitation,
        Self::MembershipChanged,
        Self::DeletionAsked,
        Self::AccountRestored,
        Self::AccountDeleted,
        Self::WebhookDisabled,
        Self::DomainChanged,
        Self::BreakGlassUsed,
        Self::SignOnEnforced,
        Self::ProviderConnected,
        Self::CertificateEnds,
        Self::Test,
    ];

    /// The folder of its templates, and its name in the outbox.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::AccountMade => "account_made",
            Self::AlreadyRegistered => "already_registered",
            Self::ResetPassword => "reset_password",
            Self::NoPassword => "no_password",
            Self::MagicLink => "magic_link",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::EmailRestored => "email_restored",
            Self::AddressKept => "address_kept",
            Self::NewPlace => "new_place",
            Self::FactorChanged => "factor_changed",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::ApiKeyChanged => "api_key_changed",
            Self::Invitation => "invitation",
            Self::MembershipChanged => "membership_changed",
            Self::DeletionAsked => "deletion_asked",
            Self::AccountRestored => "account_restored",
            Self::AccountDeleted => "account_deleted",
            Self::WebhookDisabled => "webhook_disabled",
            Self::DomainChanged => "domain_changed",
            Self::BreakGlassUsed => "break_glass_used",
            Self::SignOnEnforced => "sign_on_enforced",
            Self::ProviderConnected => "provider_connected",
            Self::CertificateEnds => "certificate_ends",
            Self::Test => "test",
        }
    }

    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is worthless once its secret is erased.
    pub(super) fn has_secret(self) -> bool {
        match self {
            Self::VerifyEmail
            | Self::AccountMade
            | Self::ResetPassword
            | Self::MagicLink
            | Self::EmailChanged
            | Self::NewPlace
            | Self::Invitation
            | Self::DeletionAsked => true,
            Self::AlreadyRegistered
            | Self::NoPassword
            | Self::PasswordChanged
            | Self::EmailRestored
            | Self::AddressKept
            | Self::FactorChanged
            | Self::RecoveryCodeUsed
            | Self::ApiKeyChanged
            | Self::MembershipChanged
            | Self::AccountRestored
            | Self::AccountDeleted
            | Self::WebhookDisabled
            | Self::DomainChanged
            | Self::BreakGlassUsed
            | Self::SignOnEnforced
            | Self::ProviderConnected
            | Self::CertificateEnds
            | Self::Test => false,
        }
    }

    /// Whether its row is the only thing that still names whom it is to, and must not outlast it.
    pub(super) fn is_last(self) -> bool {
        self == Self::AccountDeleted
    }
}
