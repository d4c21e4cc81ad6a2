//! Where webhooks may lead. What counts as public is a table beside the rule; here it is what connections are made to.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use vestibule::outbound::Outside;
use vestibule::webhooks::Address;

use super::{add_at, block_on, command};
use crate::resilience::service::Service;
use crate::support::TestApp;
use crate::support::eventually;
use crate::support::postgres::TestDb;
use crate::support::process::Folder;
use crate::support::receiver::{Manner, Receiver};
use crate::support::smtp::certificate_authority;

fn refusal(app: &TestApp, url: &str) -> String {
    block_on(Address::look_up(&app.app.outside, url)).unwrap_err().to_string()
}

#[test]
fn what_is_not_public_is_refused_when_it_is_named() {
    let (app, receiver) = (TestApp::start(), Receiver::start(Manner::Takes));
    let port = receiver.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fd00::1]",
        "[fe80::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        // Names, by what they resolve to.
        "localhost",
        "LOCALHOST.",
        "no-such-name.invalid",
    ] {
        assert_eq!(refusal(&app, &format!("https://{host}:{port}/")), "Its host has no public address.", "{host}");
        assert_eq!(refusal(&app, &format!("http://{host}:{port}/")), "Only https is taken.", "{host}");
    }
    assert_eq!(refusal(&app, "http://1.1.1.1/"), "Only https is taken.");
    assert!(receiver.told().is_empty());
}

/// As a name that is public when it is named, and leads inside when something is sent there.
#[test]
fn what_is_not_public_is_refused_at_every_sending_whatever_it_was_when_it_was_named() {
    let (app, receiver) = (TestApp::start(), Receiver::start(Manner::Takes));
    let lenient = Outside::new(&["127.0.0.0/8".parse().unwrap()], Duration::from_secs(10));
    let port = receiver.port();
    for host in ["localhost", "LocalHost", "127.0.0.1", "2130706433", "[::ffff:127.0.0.1]"] {
        for scheme in ["http", "https"] {
            add_at(&app, &lenient, &format!("{scheme}://{host}:{port}/"), &["user.created"]);
        }
    }
    app.signed_up("ann@example.com");
    let refused = "SELECT count(*) AS n FROM webhook_deliveries WHERE attempts = 1 AND last_status IS NULL
        AND last_error = 'Its host has no public address.'";
    eventually("all refused", || (app.count(refused) == 10).then_some(()));
    assert!(receiver.told().is_empty());
}

#[test]
fn where_one_network_is_allowed_no_other_is() {
    let app = TestApp::with(&[("webhooks.allowed_networks", "127.0.0.2/32, 10.0.0.0/8")]);
    assert_eq!(refusal(&app, "http://localhost:1/"), "Its host has no public address.");
    assert_eq!(refusal(&app, "https://127.0.0.1/"), "Its host has no public address.");
    assert!(block_on(Address::look_up(&app.app.outside, "http://127.0.0.2:1/")).is_ok());
    assert!(block_on(Address::look_up(&app.app.outside, "https://10.9.8.7/hook")).is_ok());
}

#[test]
fn a_proxy_of_the_environment_is_told_nothing() {
    let (receiver, proxy, database) = (Receiver::start(Manner::Takes), Receiver::start(Manner::Takes), TestDb::make());
    let proxy_url = format!("http://127.0.0.1:{}", proxy.port());
    let settings = [
        ("DATABASE__URL", database.url()),
        ("WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("$HTTP_PROXY", &proxy_url),
        ("$http_proxy", &proxy_url),
        ("$ALL_PROXY", &proxy_url),
    ];
    let service = Service::start(&settings);
    let webhook = command::add(database.url(), &receiver.url());
    command::run(database.url(), &["test", &webhook]);
    receiver.first("webhook.tested");
    assert!(proxy.told().is_empty(), "{}", service.log());
}

#[test]
fn over_https_a_receiver_is_believed_by_an_authority_of_the_system_and_by_no_other() {
    let (receiver, database) = (Receiver::start_encrypted(Manner::Takes), TestDb::make());
    let folder = Folder::make("authorities", "TERM");
    let authority = folder.path().join("authority.pem");
    fs::write(&authority, certificate_authority()).unwrap();
    let settings = [("DATABASE__URL", database.url()), ("WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8")];
    let mut stranger = Service::start(&settings);
    let webhook = command::add(database.url(), &receiver.url());
    command::run(database.url(), &["test", &webhook]);
    let deliveries = || -> Value {
        serde_json::from_str(&command::run(database.url(), &["deliveries", &webhook, "--json"])).unwrap()
    };
    let said = eventually("a refusal", || deliveries()["deliveries"][0]["last_error"].as_str().map(str::to_owned));
    assert!(said.contains("certificate"), "{said}");
    assert!(receiver.told().is_empty());
    stranger.kill();

    let vouched = [&settings[..], &[("$SSL_CERT_FILE", authority.to_str().unwrap())]].concat();
    let service = Service::start(&vouched);
    command::run(database.url(), &["test", &webhook]);
    receiver.first("webhook.tested");
    drop(service);
}
