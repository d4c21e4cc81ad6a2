//! People who have accounts.

use std::net::Ipv4Addr;

use anyhow::ensure;
use diesel::prelude::*;
use serde_json::json;
use vestibule::db::schema::users;

use crate::client::{Answer, Connection, post_json};
use crate::served::Served;

const PASSWORD: &str = "velvet orbit canoe kettle";

pub struct Person {
    email: String,
    /// Each has their own, as people do; failed attempts are counted for it.
    address: Ipv4Addr,
}

/// Signs people up by the front door. The link in their letter is replaced by one statement.
pub fn sign_up(service: &Served, url: &str, name: &str, count: u8) -> anyhow::Result<Vec<Person>> {
    let mut connection = Connection::open(service.port)?;
    let mut people = Vec::new();
    for n in 1..=count {
        let person = Person { email: format!("{name}{n}@example.test"), address: Ipv4Addr::new(203, 0, 113, n) };
        let body = json!({ "email": person.email, "password": PASSWORD, "name": "Ann" });
        let answer = connection.ask(&post_json("/auth/signup", person.address, &body))?;
        ensure!(answer.status == 202, "{}", answer.head);
        people.push(person);
    }
    let database = &mut <PgConnection as diesel::Connection>::establish(url)?;
    diesel::update(users::table).set(users::email_verified_at.eq(diesel::dsl::now)).execute(database)?;
    Ok(people)
}

impl Person {
    pub fn sign_in(&self, connection: &mut Connection) -> anyhow::Result<Answer> {
        let body = json!({ "email": self.email, "password": PASSWORD });
        let answer = connection.ask(&post_json("/auth/login", self.address, &body))?;
        ensure!(answer.status == 200, "{} {}", answer.head, String::from_utf8_lossy(&answer.body));
        Ok(answer)
    }
}
