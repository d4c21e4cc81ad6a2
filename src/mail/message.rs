//! A letter as it goes out: its words, before any library or server sees them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use url::Url;

use super::failure::Failure;
use super::letter::{EMAIL_UNDO_TTL, INVITATION_TTL, Kind, MAGIC_LINK_TTL, NEW_PLACE_LINK_TTL};
use crate::config::Settings;
use crate::config::settings::Mailbox;
use crate::kernel::{EmailAddress, LetterId, Redacted};
use crate::render::Renderer;

/// Rendered. Made anew for every attempt; all that could differ is its words about time.
#[derive(Debug)]
pub(super) struct Message {
    pub id: LetterId,
    pub written_at: DateTime<Utc>,
    pub from: Mailbox,
    pub to: EmailAddress,
    /// One line.
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// What a letter is rendered from.
pub(super) struct Draft {
    pub id: LetterId,
    pub kind: Kind,
    pub to: EmailAddress,
    pub written_at: DateTime<Utc>,
    /// When, where, with what: as [`super::enqueue`] kept it.
    pub details: Value,
    pub secret: Option<Redacted>,
}

impl Message {
    /// RFC 5322, section 3.6.4: unique, and the same at every attempt.
    pub fn message_id(&self) -> String {
        format!("<{}@{}>", self.id, self.from.address.domain())
    }
}

impl Draft {
    /// What the templates say, at `now`.
    pub fn render(&self, settings: &Settings, render: &Renderer, now: DateTime<Utc>) -> Result<Message, Failure> {
        let mut context = self.context(settings, now)?;
        let part = |name: &str, context: &Value| {
            let template = format!("mail/{}/{name}", self.kind.name());
            render.render(&template, context).map_err(|error| Failure::for_now(error.to_string()))
        };
        let subject = one_line(&part("subject.txt", &context)?);
        insert(&mut context, "subject", &subject);
        Ok(Message {
            id: self.id,
            written_at: self.written_at,
            from: settings.mail.from.clone(),
            to: self.to.clone(),
            text: part("text.txt", &context)?,
            html: part("html.html", &context)?,
            subject,
        })
    }

    /// What every letter says.
    fn frame(&self, settings: &Settings) -> Value {
        json!({
            "site": {
                "name": settings.mail.from.name.as_deref().unwrap_or("Vestibule"),
                "url": settings.server.public_url.origin().ascii_serialization(),
            },
            // No name: whoever signs up with somebody else's address would choose what we say to them.
            "to": { "email": self.to.as_str(), "name": "" },
            "event": {
                "at": self.written_at,
                "browser": self.details.get("browser").and_then(Value::as_str).unwrap_or_default(),
                "address": self.details.get("address").and_then(Value::as_str).unwrap_or_default(),
            },
        })
    }

    fn context(&self, settings: &Settings, now: DateTime<Utc>) -> Result<Value, Failure> {
        let url = &settings.server.public_url;
        let mut context = self.frame(settings);
        if self.kind == Kind::FactorChanged {
            // An earlier version has written less down.
            insert(&mut context, "passkey", "");
            insert(&mut context, "protection", "lost");
        }
        self.insert_facts(&mut context);
        for (name, page) in pages(self.kind) {
            insert(&mut context, name, link(url, page, None).as_str());
        }
        match tokens(self.kind, settings) {
            Some((page, ttl)) => {
                insert(&mut context, "link", link(url, page, Some(self.token()?)).as_str());
                insert(&mut context, "valid_for", &self.valid_for(ttl, now)?);
            }
            None if self.kind == Kind::AddressKept => insert(&mut context, "valid_for", &in_words(EMAIL_UNDO_TTL)),
            None if self.kind == Kind::WebhookDisabled => {
                insert(&mut context, "link", link(url, &self.page_in_organization("webhooks"), None).as_str());
            }
            None if self.kind == Kind::DomainChanged => {
                insert(&mut context, "link", link(url, &self.page_in_organization("domains"), None).as_str());
            }
            None if self.kind == Kind::CertificateEnds => {
                insert(&mut context, "link", link(url, &self.page_in_organization("sso"), None).as_str());
            }
            None if self.kind == Kind::BreakGlassUsed => {
                insert(&mut context, "link", link(url, &self.page_in_organization("activity"), None).as_str());
            }
            None => {}
        }
        Ok(context)
    }

    /// What the letter was given beside when and where.
    fn insert_facts(&self, context: &mut Value) {
        if let (Value::Object(context), Value::Object(details)) = (context, &self.details) {
            let facts = details.iter().filter(|(name, _)| !["at", "address", "browser"].contains(&name.as_str()));
            context.extend(facts.map(|(name, fact)| (name.clone(), fact.clone())));
        }
    }

    /// Of its organization, or the start where there is none.
    fn page_in_organization(&self, page: &str) -> String {
        match self.details.get("organization").and_then(Value::as_str) {
            Some("") | None => "/".to_owned(),
            Some(slug) => format!("/orgs/{slug}/{page}"),
        }
    }

    /// A link that works for `ttl` from when the letter was written.
    fn valid_for(&self, ttl: TimeDelta, now: DateTime<Utc>) -> Result<String, Failure> {
        remaining(ttl, now - self.written_at)
            .ok_or_else(|| Failure::for_good("the link in it ran out before it could be sent"))
    }

    fn token(&self) -> Result<&Redacted, Failure> {
        self.secret.as_ref().ok_or_else(|| Failure::for_good("the secret of this letter is gone"))
    }
}

/// Where the secret of a letter leads, and for how long.
fn tokens(kind: Kind, settings: &Settings) -> Option<(&'static str, TimeDelta)> {
    match kind {
        Kind::VerifyEmail => Some(("/verify-email", settings.accounts.verification_ttl)),
        Kind::AccountMade => Some(("/reset-password", settings.accounts.verification_ttl)),
        Kind::ResetPassword => Some(("/reset-password", settings.accounts.reset_ttl)),
        Kind::MagicLink => Some(("/magic-link", MAGIC_LINK_TTL)),
        Kind::EmailChanged => Some(("/undo-email", EMAIL_UNDO_TTL)),
        Kind::NewPlace => Some(("/not-me", NEW_PLACE_LINK_TTL)),
        Kind::DeletionAsked => Some(("/restore", settings.accounts.deletion_grace)),
        Kind::Invitation => Some(("/invitation", INVITATION_TTL)),
        Kind::AlreadyRegistered
        | Kind::NoPassword
        | Kind::PasswordChanged
        | Kind::EmailRestored
        | Kind::AddressKept
        | Kind::FactorChanged
        | Kind::RecoveryCodeUsed
        | Kind::ApiKeyChanged
        | Kind::MembershipChanged
        | Kind::AccountRestored
        | Kind::AccountDeleted
        | Kind::WebhookDisabled
        | Kind::DomainChanged
        | Kind::BreakGlassUsed
        | Kind::SignOnEnforced
        | Kind::ProviderConnected
        | Kind::CertificateEnds
        | Kind::Test => None,
    }
}

/// Where else it leads, by the names that the templates use.
fn pages(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::EmailRestored | Kind::PasswordChanged => &[("link", "/forgot-password")],
        Kind::AddressKept | Kind::AccountDeleted => &[("link", "/signup")],
        Kind::AccountMade | Kind::DeletionAsked => &[("forgot", "/forgot-password")],
        Kind::AlreadyRegistered | Kind::AccountRestored => &[("link", "/login"), ("forgot", "/forgot-password")],
        Kind::NoPassword | Kind::SignOnEnforced => &[("link", "/login")],
        Kind::FactorChanged | Kind::RecoveryCodeUsed | Kind::ProviderConnected => {
            &[("forgot", "/forgot-password"), ("link", "/account/security")]
        }
        Kind::ApiKeyChanged => &[("forgot", "/forgot-password"), ("link", "/account/api-keys")],
        Kind::MembershipChanged => &[("link", "/orgs"), ("set_up", "/account/security")],
        Kind::VerifyEmail
        | Kind::ResetPassword
        | Kind::MagicLink
        | Kind::EmailChanged
        | Kind::NewPlace
        | Kind::Invitation
        | Kind::WebhookDisabled
        | Kind::DomainChanged
        | Kind::BreakGlassUsed
        | Kind::CertificateEnds
        | Kind::Test => &[],
    }
}

fn insert(context: &mut Value, key: &str, value: &str) {
    if let Value::Object(context) = context {
        context.insert(key.to_owned(), value.into());
    }
}

fn link(public_url: &Url, path: &str, token: Option<&Redacted>) -> Url {
    let mut url = public_url.clone();
    url.set_path(path);
    if let Some(token) = token {
        url.query_pairs_mut().append_pair("token", token.expose());
    }
    url
}

/// A subject must not become two headers, whatever a template does.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// How long a link still works, in words; `None` when it has run out. The minutes that a letter usually waits
/// are not told.
fn remaining(ttl: TimeDelta, elapsed: TimeDelta) -> Option<String> {
    let left = if elapsed < ttl / 50 { ttl } else { ttl - elapsed };
    (left >= TimeDelta::minutes(1)).then(|| in_words(left))
}

/// At least a minute.
fn in_words(time: TimeDelta) -> String {
    let (count, unit) = match (time.num_days(), time.num_hours(), time.num_minutes()) {
        (days, ..) if days > 2 => (days, "day"),
        (_, hours, _) if hours > 1 => (hours, "hour"),
        (_, _, minutes) => (minutes, "minute"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_link_works_is_told_in_words() {
        let hours = TimeDelta::hours;
        let told = [
            (hours(24), TimeDelta::seconds(1), Some("24 hours")),
            (hours(24), hours(5), Some("19 hours")),
            (hours(1), TimeDelta::zero(), Some("60 minutes")),
            (hours(1), TimeDelta::minutes(58), Some("2 minutes")),
            (TimeDelta::days(7), TimeDelta::zero(), Some("7 days")),
            (hours(24), hours(24), None),
            (hours(24), hours(99), None),
        ];
        for (ttl, elapsed, words) in told {
            assert_eq!(remaining(ttl, elapsed).as_deref(), words, "{ttl} {elapsed}");
        }
    }

    #[test]
    fn links_are_built_from_the_public_url() {
        let token = Redacted::new("a b&c".into());
        let url = Url::parse("https://auth.example.com:8443/").unwrap();
        assert_eq!(
            link(&url, "/verify-email", Some(&token)).as_str(),
            "https://auth.example.com:8443/verify-email?token=a+b%26c"
        );
        assert_eq!(link(&url, "/login", None).as_str(), "https://auth.example.com:8443/login");
    }

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line(" Hello\r\nBcc: x@y.test\n"), "Hello Bcc: x@y.test");
    }
}
