//! Proving it once more on the way to an app on a host of its own, behind a real Caddy, in a real browser. The journey
//! itself is in `tests/browser`.

use std::io::Write as _;
use std::process::Stdio;

use crate::chromium::{PATIENCE, is_ready, play_before, program};
use crate::proxies::street::caddy;
use crate::support::echo::Echo;
use crate::support::port::Port;
use crate::support::process::{Folder, Tended};
use crate::support::within;

const SETTINGS: [&str; 4] = [
    "mail.transport=smtp",
    "server.public_url=http://auth.example.com",
    "session.cookie_domains=example.com",
    r#"gateway.rules=[
        { name = "Wiki", note = "A deleted page cannot be brought back.", hosts = ["app.example.com"], paths = ["/pages/**"], methods = ["POST", "DELETE"], recent_auth = "30s", allow = "signed_in" },
        { hosts = ["app.example.com"], paths = ["/recent/**"], recent_auth = "30s", allow = "signed_in" },
        { hosts = ["app.example.com"], allow = "signed_in" },
    ]"#,
];

#[test]
fn people_confirm_on_the_way_to_an_app_on_another_host_in_a_real_browser() {
    let (ports, app) = ([Port::claim(), Port::claim()], Echo::start());
    let set = || {
        let mut command = program(&ports);
        command.args(SETTINGS.iter().flat_map(|setting| ["--set", setting]));
        command
    };
    let mut service = Tended::start(Folder::make("chromium", "TERM"), set().arg("serve"), "TERM");
    let is_up = within(PATIENCE, || {
        assert!(service.is_running(), "the program ended:\n{}", service.log());
        is_ready(ports[0].number()).then_some(())
    });
    assert!(is_up.is_some(), "not ready after {PATIENCE:?}:\n{}", service.log());
    let mut create = set();
    create.args(["user", "create", "ann@example.com", "--name", "Ann", "--verified", "--password-stdin"]);
    create.current_dir(service.folder()).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut asked = create.spawn().expect("the program");
    asked.stdin.take().expect("its input").write_all(b"seven quiet herons\n").expect("it reads");
    assert!(asked.wait().expect("its end").success());
    let proxy = caddy(ports[0].number(), &app);
    play_before(&service, "gate-stepup.mjs", &[&proxy.port().to_string()], "screenshots-gate-stepup");
}
