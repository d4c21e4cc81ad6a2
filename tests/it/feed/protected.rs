//! TLS and ways to sign in, as `database.url` asks for them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use vestibule::db::feed::Error;

use super::{block_on, db, sql, until_back};
use crate::support::postgres::OwnServer;
use crate::support::process::Folder;
use crate::support::smtp::{certificate_authority, certificate_for, own_certificate_for};

const ACCESS: &str = "
hostssl   all shy       all scram-sha-256
hostssl   all carried   all cert
hostssl   all covered   all trust
hostnossl all open      all trust
host      all vestibule all trust";

struct House {
    server: OwnServer,
    folder: Folder,
}

impl House {
    fn start() -> Self {
        Self::with(certificate_for("localhost"))
    }

    fn with(identity: (String, String)) -> Self {
        let server = OwnServer::start_with_tls(identity, ACCESS);
        let roles = "SET password_encryption = 'scram-sha-256'; CREATE ROLE shy LOGIN PASSWORD 'a b''c'; \
                     CREATE ROLE carried LOGIN; CREATE ROLE covered LOGIN; CREATE ROLE open LOGIN";
        sql(&server.url()).batch_execute(roles).unwrap();
        Self { server, folder: Folder::make("tls", "TERM") }
    }

    fn url(&self, user: &str, host: &str, rest: &str) -> String {
        format!("postgres://{user}@{host}:{}/vestibule?connect_timeout=5&{rest}", self.server.tcp_port())
    }

    /// A file that only we may read.
    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// `true` when the wire is encrypted. The beat has come back.
    fn hears(&self, url: &str) -> Result<bool, Error> {
        block_on(async {
            let mut feed = db(url).listen().await?;
            let beat = feed.beat()?;
            assert_eq!(until_back(&mut feed, beat).await, []);
            Ok(self.count(
                "SELECT count(*) AS n FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                           WHERE ssl AND application_name = 'vestibule live'",
            ) == 1)
        })
    }

    fn count(&self, question: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        sql_query(question).get_result::<Number>(&mut sql(&self.server.url())).unwrap().n
    }

    fn refuses(&self, url: &str) -> String {
        match self.hears(url) {
            Ok(_) => panic!("{url} was good enough"),
            Err(error) => error.to_string(),
        }
    }
}

#[test]
fn the_wire_is_encrypted_as_the_address_and_the_server_have_it() {
    let house = House::start();
    for (user, rest, is_encrypted) in [
        ("vestibule", "connect_timeout=4", true),
        ("vestibule", "sslmode=prefer", true),
        ("vestibule", "sslmode=require", true),
        ("vestibule", "sslmode=require&ssl_max_protocol_version=TLSv1.2", true),
        ("vestibule", "sslmode=allow", false),
        ("vestibule", "sslmode=disable", false),
        // The server has it the other way round.
        ("open", "sslmode=prefer", false),
        ("covered", "sslmode=allow", true),
    ] {
        let url = house.url(user, "localhost", rest);
        assert_eq!(house.hears(&url).unwrap(), is_encrypted, "{url}");
    }
    assert!(house.refuses(&house.url("open", "localhost", "sslmode=require")).contains("pg_hba.conf"));
    assert!(house.refuses(&house.url("covered", "localhost", "sslmode=disable")).contains("pg_hba.conf"));
}

#[test]
fn a_certificate_is_checked_as_far_as_the_address_says() {
    let house = House::start();
    let ours = house.file("ours.crt", certificate_authority());
    let another = house.file("another.crt", &certificate_for("another").0);
    for (host, mode) in
        [("localhost", "verify-full"), ("127.0.0.1", "verify-ca"), ("127.0.0.1", "require"), ("127.0.0.1", "prefer")]
    {
        let url = house.url("vestibule", host, &format!("sslmode={mode}&sslrootcert={ours}"));
        assert!(house.hears(&url).unwrap(), "{url}");
    }
    let refusal =
        house.refuses(&house.url("vestibule", "127.0.0.1", &format!("sslmode=verify-full&sslrootcert={ours}")));
    assert!(refusal.contains("not valid for name"), "{refusal}");
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = house.url("vestibule", "localhost", &format!("sslmode={mode}&sslrootcert={another}"));
        let refusal = house.refuses(&url);
        assert!(refusal.contains("UnknownIssuer"), "{refusal}");
    }
}

#[test]
fn a_password_is_proved_over_the_very_wire() {
    let house = House::start();
    let url = |rest: &str| house.url("shy", "localhost", &format!("sslmode=require{rest}"));
    assert!(house.hears(&url("&password=a%20b'c&channel_binding=require")).unwrap());
    assert!(house.refuses(&url("&password=wrong")).contains("password authentication failed"));
    assert!(house.refuses(&url("")).contains("password missing"));
    let port = house.server.tcp_port();
    let passwords = house.file("passwords", &format!("localhost:{port}:vestibule:shy:a b'c\n"));
    assert!(house.hears(&url(&format!("&passfile={passwords}"))).unwrap());
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(house.refuses(&url(&format!("&passfile={passwords}"))).contains("password missing"));
}

#[test]
fn a_certificate_of_ours_opens_the_door() {
    let house = House::start();
    let (certificate, key) = certificate_for("carried");
    let (certificate, key) = (house.file("own.crt", &certificate), house.file("own.key", &key));
    let url = house.url("carried", "localhost", &format!("sslmode=require&sslcert={certificate}&sslkey={key}"));
    assert!(house.hears(&url).unwrap());
}

#[test]
fn a_server_that_vouches_for_itself_is_believed_when_its_very_certificate_is_given() {
    let (certificate, key) = own_certificate_for("localhost");
    let house = House::with((certificate.clone(), key));
    let own = house.file("own.crt", &certificate);
    let another = house.file("another.crt", &own_certificate_for("localhost").0);
    let url = |host: &str, mode: &str, path: &str| {
        house.url("vestibule", host, &format!("sslmode={mode}&sslrootcert={path}"))
    };
    assert!(house.hears(&url("localhost", "verify-full", &own)).unwrap());
    assert!(house.hears(&url("127.0.0.1", "verify-ca", &own)).unwrap());
    assert!(house.refuses(&url("127.0.0.1", "verify-full", &own)).contains("not valid for name"));
    assert!(house.refuses(&url("localhost", "verify-ca", &another)).contains("invalid peer certificate"));
}
