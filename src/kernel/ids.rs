//! One type per kind of id, so that an id of one thing cannot be used for another.
//!
//! All are UUIDv7 (RFC 9562, section 5.7): they sort by the time they were made, which keeps the
//! indexes compact. They are names, not secrets: a token is a [`super::Token`].

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types;
use serde::{Deserialize, Serialize};
use uuid::{Builder, NoContext, Timestamp, Uuid};

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[derive(AsExpression, FromSqlRow)]
        #[diesel(sql_type = sql_types::Uuid)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, made at `now`.
            pub fn new(now: DateTime<Utc>) -> Self {
                let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
                let at = Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos());
                Self(Uuid::new_v7(at))
            }

            pub fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl ToSql<sql_types::Uuid, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<sql_types::Uuid, Pg>::to_sql(&self.0, out)
            }
        }

        impl FromSql<sql_types::Uuid, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                <Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(value).map(Self)
            }
        }
    };
}

id!(
    /// A person's account.
    UserId
);
impl UserId {
    /// The name of somebody who is gone: a `UUIDv8` (RFC 9562, section 5.8), so that nobody takes it for an account's.
    pub fn pseudonym(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

id!(
    /// One signed-in browser, until its powers change.
    SessionId
);
id!(
    /// One browser for as long as it stays signed in: it keeps this when its session gets a new id.
    DeviceId
);
id!(
    /// What a person has given to a program.
    ApiKeyId
);
id!(
    /// One person in one browser where they have signed in before.
    KnownDeviceId
);
id!(
    /// An organization, whatever it is called.
    OrganizationId
);
id!(
    /// A group of an organization's members.
    GroupId
);
id!(
    /// Somebody's invitation into an organization.
    InvitationId
);
id!(
    /// One row of the audit log.
    EventId
);
id!(
    /// Somebody's wish for a letter, who has typed an address.
    LetterRequestId
);
id!(
    /// One key on somebody's device.
    PasskeyId
);
id!(
    /// A program of somebody's that is told what happens.
    WebhookId
);
id!(
    /// One event on its way to one webhook; receivers know it as `webhook-id`.
    DeliveryId
);
id!(
    /// One letter in the outbox; also the left half of its Message-ID.
    LetterId
);

impl EventId {
    /// A new id, after those of the `turn` events before it that were recorded at the same `now` by the same
    /// transaction (RFC 9562, section 6.2, method 1, with the 12 bits of `rand_a` as the counter).
    pub fn in_turn(now: DateTime<Utc>, turn: u16) -> Self {
        const COUNTER: u128 = 0xfff << 64;
        let counter = u128::from(turn.min(0xfff)) << 64;
        Self(Uuid::from_u128((Self::new(now).0.as_u128() & !COUNTER) | counter))
    }

    /// Not after any id made at `at` or later, and after every one that was made a millisecond or more before.
    pub fn first_at(at: DateTime<Utc>) -> Self {
        const LATEST: u64 = (1 << 48) - 1;
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0).min(LATEST);
        Self(Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}
id!(
    /// What an organization has set up to sign its people in by an identity provider.
    ConnectionId
);
id!(
    /// A key of ours that belongs to a connection.
    ConnectionKeyId
);
id!(
    /// An organization's claim to a domain.
    DomainId
);
id!(
    /// One sign-in by an identity provider.
    ProviderSessionId
);
id!(
    /// What is kept of an identity provider's answer, for administrators.
    ReportId
);

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn events_of_one_transaction_are_in_their_order() {
        let now = DateTime::from_timestamp(1_800_000_000, 123_456_789).unwrap();
        let ids: Vec<EventId> = (0..50).map(|turn| EventId::in_turn(now, turn)).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.0.get_version_num() == 7));
        assert_eq!(EventId::in_turn(now, 0xfff).0.as_u128() >> 64, EventId::in_turn(now, 0x1000).0.as_u128() >> 64);
    }

    #[test]
    fn an_instant_stands_before_all_ids_of_its_millisecond_and_after_those_before() {
        let at = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let first = EventId::first_at(at);
        for turn in [0, 1, 0xfff] {
            assert!(first <= EventId::in_turn(at, turn));
            assert!(first > EventId::in_turn(at - TimeDelta::milliseconds(1), turn));
        }
        assert!(
            EventId::first_at(DateTime::<Utc>::MIN_UTC) < first && EventId::first_at(DateTime::<Utc>::MAX_UTC) > first
        );
    }
}
