use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz};
use ipnet::IpNet;

use super::words::Who;
use super::{Deciding, Facts, Fingerprint, Key, Outcome, Place, Record, Visitor};
use crate::affiliations::Affiliations;
use crate::db::schema::gate_decisions::{self, dsl};
use crate::db::schema::users;
use crate::db::{self, ReadTx, Tx};
use crate::gateway::Proofs;
use crate::kernel::{EmailAddress, UserId};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = gate_decisions, check_for_backend(diesel::pg::Pg))]
struct Row {
    at: DateTime<Utc>,
    request_id: String,
    share: f64,
    method: String,
    scheme: String,
    host: String,
    port: i32,
    path: String,
    client: IpNet,
    who: String,
    user_id: Option<UserId>,
    email: Option<String>,
    groups: Vec<String>,
    last_auth_at: Option<DateTime<Utc>>,
    second_factor_at: Option<DateTime<Utc>>,
    passkey_at: Option<DateTime<Utc>>,
    key: String,
    decision: String,
    reason: String,
    rule: Option<i32>,
    rule_name: Option<String>,
    rules: Vec<u8>,
}

impl Row {
    fn of(record: &Record) -> Self {
        let Record { place, visitor, outcome, rule, .. } = record;
        let (facts, proofs) = (visitor.facts(), visitor.proofs());
        let groups = facts.map(|facts| facts.affiliations.words().map(str::to_owned).collect());
        Self {
            at: record.at,
            request_id: record.request_id.clone(),
            share: record.share,
            method: place.method.clone(),
            scheme: place.scheme.clone(),
            host: place.host.clone(),
            port: place.port.into(),
            path: place.path.clone(),
            client: IpNet::from(record.client),
            who: visitor.who().as_str().to_owned(),
            user_id: record.user,
            email: facts.and_then(|facts| facts.verified.as_ref()).map(EmailAddress::to_string),
            groups: groups.unwrap_or_default(),
            last_auth_at: proofs.map(|proofs| proofs.anything),
            second_factor_at: proofs.and_then(|proofs| proofs.second_factor),
            passkey_at: proofs.and_then(|proofs| proofs.passkey),
            key: record.key.as_str().to_owned(),
            decision: outcome.decision.clone().into_owned(),
            reason: outcome.reason.clone().into_owned(),
            rule: rule.as_ref().and_then(|rule| i32::try_from(rule.number).ok()),
            rule_name: rule.as_ref().and_then(|rule| rule.name.clone()),
            rules: record.rules.as_bytes().to_vec(),
        }
    }

    /// `None` for what a later release has written in words of its own.
    fn record(self) -> Option<Record> {
        let rule = self.rule.and_then(|number| usize::try_from(number).ok());
        Some(Record {
            visitor: self.visitor()?,
            at: self.at,
            request_id: self.request_id,
            share: self.share,
            place: Place {
                method: self.method,
                scheme: self.scheme,
                host: self.host,
                port: u16::try_from(self.port).ok()?,
                path: self.path,
            },
            client: self.client.addr(),
            user: self.user_id,
            key: Key::from_stored(&self.key)?,
            outcome: Outcome { decision: self.decision.into(), reason: self.reason.into() },
            rule: rule.map(|number| Deciding { number, name: self.rule_name }),
            rules: Fingerprint::from_stored(&self.rules)?,
        })
    }

    fn visitor(&self) -> Option<Visitor> {
        let verified = self.email.as_deref().and_then(|email| EmailAddress::parse(email).ok());
        let facts = Facts { verified, affiliations: Affiliations::from_stored(self.groups.clone()) };
        Some(match Who::from_stored(&self.who)? {
            Who::Stranger => Visitor::Stranger,
            Who::InvalidKey => Visitor::InvalidKey,
            Who::Leaving => Visitor::Leaving,
            Who::Unprotected => Visitor::Unprotected,
            Who::Program => Visitor::Program(facts),
            Who::Person => Visitor::Person(
                facts,
                Proofs { anything: self.last_auth_at?, second_factor: self.second_factor_at, passkey: self.passkey_at },
            ),
        })
    }
}

/// Those of `named` that are there, and stay until this transaction ends.
pub(super) fn hold_users(tx: &mut Tx<'_>, named: &[UserId]) -> Result<Vec<UserId>, db::Error> {
    let those = users::table.filter(users::id.eq_any(named)).order(users::id).select(users::id);
    Ok(those.for_key_share().load(tx.conn())?)
}

pub(super) fn insert<'a>(tx: &mut Tx<'_>, records: impl Iterator<Item = &'a Record>) -> Result<(), db::Error> {
    let rows: Vec<Row> = records.map(Row::of).collect();
    diesel::insert_into(dsl::gate_decisions).values(rows).execute(tx.conn())?;
    Ok(())
}

/// Of those that are not among the newest `kept`, some. It passes over rows that somebody else forgets just now.
pub(super) fn forget_all_but(tx: &mut Tx<'_>, kept: u32, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT id FROM gate_decisions WHERE id <= (SELECT max(id) FROM gate_decisions) - $1
            ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM gate_decisions USING old WHERE gate_decisions.id = old.id";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(sql_query(statement).bind::<BigInt, _>(i64::from(kept)).bind::<BigInt, _>(most).execute(tx.conn())?)
}

pub(super) fn forget_before(tx: &mut Tx<'_>, before: DateTime<Utc>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT id FROM gate_decisions WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM gate_decisions USING old WHERE gate_decisions.id = old.id";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(sql_query(statement).bind::<Timestamptz, _>(before).bind::<BigInt, _>(most).execute(tx.conn())?)
}

/// The number of the newest; 0 without any.
pub(super) fn newest(tx: &mut ReadTx<'_>) -> Result<i64, db::Error> {
    let newest: Option<i64> = dsl::gate_decisions.select(diesel::dsl::max(dsl::id)).first(tx.conn())?;
    Ok(newest.unwrap_or(0))
}

/// Some after `after` up to `last`, the oldest first, each with its number. `None` is one that cannot be read.
pub(super) fn list(
    tx: &mut ReadTx<'_>,
    since: DateTime<Utc>,
    host: Option<&str>,
    (after, last): (i64, i64),
    most: i64,
) -> Result<Vec<(i64, Option<Record>)>, db::Error> {
    let mut some = dsl::gate_decisions.into_boxed().filter(dsl::id.gt(after).and(dsl::id.le(last)));
    some = some.filter(dsl::at.ge(since));
    if let Some(host) = host {
        some = some.filter(dsl::host.eq(host.to_owned()));
    }
    let rows: Vec<(i64, Row)> = some.order(dsl::id).limit(most).select((dsl::id, Row::as_select())).load(tx.conn())?;
    Ok(rows.into_iter().map(|(id, row)| (id, row.record())).collect())
}

/// Of those who are still there.
pub fn addresses(tx: &mut ReadTx<'_>, of: &[UserId]) -> Result<HashMap<UserId, String>, db::Error> {
    let those = users::table.filter(users::id.eq_any(of)).select((users::id, users::email));
    Ok(those.load::<(UserId, String)>(tx.conn())?.into_iter().collect())
}
