//! One connection, from greeting to QUIT (RFC 5321, 3207, 4954, 1870).

use std::io::{self, Read, Write};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConnection, StreamOwned};

use super::{At, Encryption, House, Letter, Mishap, certificate};

const LARGEST: usize = 1 << 20;

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

struct Session<'a> {
    house: &'a House,
    wire: Wire,
    /// Bytes read but not yet used.
    ahead: Vec<u8>,
    authenticated: bool,
    from: Option<String>,
    recipients: Vec<String>,
}

enum Next {
    Go,
    End,
}

pub fn serve(stream: TcpStream, house: &House) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let wire = if house.encryption == Encryption::Implicit { secure(stream)? } else { Wire::Plain(stream) };
    let mut session =
        Session { house, wire, ahead: Vec::new(), authenticated: false, from: None, recipients: Vec::new() };
    session.say_at(At::Greeting, "220 localhost ESMTP")?;
    while let Some(line) = session.line()? {
        if let Next::End = session.obey(&line)? {
            break;
        }
    }
    Ok(())
}

fn secure(stream: TcpStream) -> io::Result<Wire> {
    let connection = ServerConnection::new(certificate::server()).map_err(io::Error::other)?;
    Ok(Wire::Tls(Box::new(StreamOwned::new(connection, stream))))
}

impl Session<'_> {
    fn obey(&mut self, line: &str) -> io::Result<Next> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.greet()?,
            "HELO" => self.say("250 localhost")?,
            "STARTTLS" => return self.start_tls(),
            "AUTH" => self.authenticate(argument)?,
            "MAIL" => self.mail(argument)?,
            "RCPT" => self.rcpt(argument)?,
            "DATA" => self.data()?,
            "RSET" => {
                self.forget();
                self.say("250 2.0.0 OK")?;
            }
            "NOOP" => self.say("250 2.0.0 OK")?,
            "QUIT" => {
                self.say("221 2.0.0 Bye")?;
                return Ok(Next::End);
            }
            _ => self.say("500 5.5.1 Unknown command")?,
        }
        Ok(Next::Go)
    }

    fn greet(&mut self) -> io::Result<()> {
        self.forget();
        let mut reply = format!("250-localhost\r\n250-8BITMIME\r\n250-SIZE {LARGEST}\r\n");
        if self.wants_tls() {
            reply += "250-STARTTLS\r\n";
        } else if self.house.account.is_some() {
            reply += "250-AUTH PLAIN LOGIN\r\n";
        }
        self.say(&(reply + "250 ENHANCEDSTATUSCODES"))
    }

    /// RFC 3207, section 4.2: what was said before the handshake is forgotten, bytes already read included.
    fn start_tls(&mut self) -> io::Result<Next> {
        if !self.wants_tls() {
            self.say("503 5.5.1 TLS is not offered now")?;
            return Ok(Next::Go);
        }
        match self.house.mishap(At::StartTls) {
            // Ready, and something after it that anybody on the way could have put there.
            Some(Mishap::Say(reply)) if reply.starts_with("220") => self.say(reply)?,
            Some(mishap) => return self.suffer(&mishap).map(|()| Next::Go),
            None => self.say("220 2.0.0 Ready")?,
        }
        self.ahead.clear();
        self.forget();
        if let Wire::Plain(stream) = &self.wire {
            self.wire = secure(stream.try_clone()?)?;
        }
        Ok(Next::Go)
    }

    fn authenticate(&mut self, argument: &str) -> io::Result<()> {
        let Some(account) = self.house.account.clone().filter(|_| !self.wants_tls()) else {
            return self.say("503 5.5.1 AUTH is not offered now");
        };
        let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let given = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = if initial.is_empty() { self.ask("")? } else { decoded(initial) };
                let mut fields = answer.split('\0').skip(1).map(str::to_owned);
                (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
            }
            "LOGIN" => (self.ask("Username:")?, self.ask("Password:")?),
            _ => return self.say("504 5.5.4 Unknown mechanism"),
        };
        if given != account {
            return self.say("535 5.7.8 Wrong name or password");
        }
        self.authenticated = self.say_at(At::Auth, "235 2.7.0 Welcome")?;
        Ok(())
    }

    fn mail(&mut self, argument: &str) -> io::Result<()> {
        if self.wants_tls() {
            return self.say("530 5.7.0 Must issue a STARTTLS command first");
        }
        if self.house.account.is_some() && !self.authenticated {
            return self.say("530 5.7.0 Authentication required");
        }
        let Some((from, parameters)) = address(argument, "FROM:") else {
            return self.say("501 5.5.4 Syntax: MAIL FROM:<address>");
        };
        let size = parameters.split(' ').find_map(|word| word.strip_prefix("SIZE=")?.parse::<usize>().ok());
        if size.is_some_and(|size| size > LARGEST) {
            return self.say("552 5.3.4 Too large");
        }
        if self.say_at(At::Mail, "250 2.1.0 OK")? {
            self.forget();
            self.from = Some(from.to_owned());
        }
        Ok(())
    }

    fn rcpt(&mut self, argument: &str) -> io::Result<()> {
        if self.from.is_none() {
            return self.say("503 5.5.1 MAIL first");
        }
        let Some((to, _)) = address(argument, "TO:") else {
            return self.say("501 5.5.4 Syntax: RCPT TO:<address>");
        };
        if self.say_at(At::Rcpt, "250 2.1.5 OK")? {
            self.recipients.push(to.to_owned());
        }
        Ok(())
    }

    fn data(&mut self) -> io::Result<()> {
        let (Some(from), false) = (self.from.clone(), self.recipients.is_empty()) else {
            return self.say("503 5.5.1 MAIL and RCPT first");
        };
        self.say("354 End with a dot")?;
        let raw = self.until_dot()?;
        let letter = Letter { from, recipients: std::mem::take(&mut self.recipients), raw };
        self.forget();
        if letter.raw.len() > LARGEST {
            return self.say("552 5.3.4 Too large");
        }
        match self.house.mishap(At::Letter) {
            Some(mishap @ (Mishap::HangUp | Mishap::Stall)) => {
                self.house.keep(letter);
                self.suffer(&mishap)
            }
            Some(mishap @ Mishap::Say(_)) => self.suffer(&mishap),
            None => {
                self.house.keep(letter);
                self.say("250 2.0.0 Kept")
            }
        }
    }

    /// RFC 5321, section 4.5.2: a line's first dot is not part of it.
    fn until_dot(&mut self) -> io::Result<Vec<u8>> {
        let mut raw = Vec::new();
        loop {
            let line = self.bytes()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line == b"." {
                return Ok(raw);
            }
            raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            raw.extend_from_slice(b"\r\n");
        }
    }

    fn wants_tls(&self) -> bool {
        self.house.encryption == Encryption::StartTls && matches!(self.wire, Wire::Plain(_))
    }

    fn forget(&mut self) {
        self.from = None;
        self.recipients.clear();
    }

    fn ask(&mut self, question: &str) -> io::Result<String> {
        self.say(&format!("334 {}", STANDARD.encode(question)))?;
        Ok(decoded(&self.line()?.ok_or(io::ErrorKind::UnexpectedEof)?))
    }

    /// Says `usual`, or what was scripted for this moment; whether it was the usual.
    fn say_at(&mut self, at: At, usual: &str) -> io::Result<bool> {
        match self.house.mishap(at) {
            Some(mishap) => self.suffer(&mishap).map(|()| false),
            None => self.say(usual).map(|()| true),
        }
    }

    fn suffer(&mut self, mishap: &Mishap) -> io::Result<()> {
        match mishap {
            Mishap::Say(reply) => self.say(reply),
            Mishap::HangUp => Err(io::ErrorKind::ConnectionAborted.into()),
            Mishap::Stall => {
                while self.line()?.is_some() {}
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        }
    }

    /// In one write: a reply in two packets costs the client a delayed acknowledgement.
    fn say(&mut self, reply: &str) -> io::Result<()> {
        let reply = format!("{reply}\r\n");
        match &mut self.wire {
            Wire::Plain(stream) => stream.write_all(reply.as_bytes()),
            Wire::Tls(stream) => stream.write_all(reply.as_bytes()).and_then(|()| stream.flush()),
        }
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        Ok(self.bytes()?.map(|line| String::from_utf8_lossy(&line).into_owned()))
    }

    /// A line without its end, or `None` when the client has gone.
    fn bytes(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|pair| pair == b"\r\n") {
                let rest = self.ahead.split_off(end + 2);
                let mut line = std::mem::replace(&mut self.ahead, rest);
                line.truncate(end);
                return Ok(Some(line));
            }
            let mut chunk = [0; 16_384];
            let length = match &mut self.wire {
                Wire::Plain(stream) => stream.read(&mut chunk)?,
                Wire::Tls(stream) => stream.read(&mut chunk)?,
            };
            if length == 0 {
                return Ok(None);
            }
            self.ahead.extend_from_slice(&chunk[..length]);
        }
    }
}

fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&STANDARD.decode(text).unwrap_or_default()).into_owned()
}

/// The address in `FROM:<ann@x.test> SIZE=12`, and what follows it.
fn address<'a>(argument: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (word, rest) = argument.split_at_checked(keyword.len())?;
    let (address, parameters) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    word.eq_ignore_ascii_case(keyword).then_some((address, parameters.trim_start()))
}
