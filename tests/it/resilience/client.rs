//! A program that calls the API with a session of its own, and lives with a connection that breaks.

use std::io;

use serde_json::{Value, json};

use crate::support::raw::{self, Answer};

pub const PASSWORD: &str = "velvet orbit canoe";

#[derive(Clone)]
pub struct Client {
    port: u16,
    pub email: String,
    cookies: Vec<(String, String)>,
}

impl Client {
    pub fn new(port: u16, email: &str) -> Self {
        Self { port, email: email.to_owned(), cookies: Vec::new() }
    }

    /// Somebody who has just this one cookie.
    pub fn holding(port: u16, name: &str, value: &str) -> Self {
        Self { cookies: vec![(name.to_owned(), value.to_owned())], ..Self::new(port, "") }
    }

    /// The same person, asking another node.
    pub fn at(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }

    pub fn sign_up(&self) -> io::Result<Answer> {
        let account = json!({ "email": self.email, "password": PASSWORD, "name": "Ann" });
        self.send("POST", "/auth/signup", &account)
    }

    /// From now on with the cookies of the new session, if there is one.
    pub fn sign_in(&mut self) -> io::Result<Answer> {
        let credentials = json!({ "email": self.email, "password": PASSWORD });
        let answer = Self::new(self.port, &self.email).send("POST", "/auth/login", &credentials)?;
        if answer.status == 200 {
            self.take_cookies(&answer);
        }
        Ok(answer)
    }

    /// From now on with the cookies that came with this answer, and no others.
    pub fn take_cookies(&mut self, answer: &Answer) {
        self.cookies = answer.headers("set-cookie").into_iter().filter_map(pair).collect();
    }

    pub fn is_signed_in(&self) -> bool {
        !self.cookies.is_empty()
    }

    pub fn me(&self) -> io::Result<Answer> {
        self.send("GET", "/me", &Value::Null)
    }

    pub fn rename(&self, name: &str) -> io::Result<Answer> {
        self.send("PATCH", "/me", &json!({ "name": name }))
    }

    /// What a proxy asks about this visitor's request to the app at `host`.
    pub fn passes_the_gate(&self, host: &str) -> io::Result<Answer> {
        self.knock(host)?.answer()
    }

    /// The same, and does not wait for the answer.
    pub fn knock(&self, host: &str) -> io::Result<raw::Connection> {
        let forwarded = format!(
            "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: {host}\r\nX-Forwarded-Uri: /\r\n"
        );
        let mut connection = raw::Connection::open(self.port)?;
        connection.write(self.request("GET", "/gateway/forward-auth", &forwarded, ""))?;
        Ok(connection)
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> io::Result<Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        raw::try_send(self.port, self.request(method, path, &headers, &body))
    }

    pub fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if pairs.is_empty() { String::new() } else { format!("Cookie: {}\r\n", pairs.join("; ")) };
        let port = self.port;
        format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n\
             Connection: close\r\n{cookies}{headers}\r\n{body}"
        )
    }
}

fn pair(set_cookie: &str) -> Option<(String, String)> {
    let (name, value) = set_cookie.split(';').next()?.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}
