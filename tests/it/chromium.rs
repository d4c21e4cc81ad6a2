//! The long journeys in a real browser, against the program as `make run` starts it: its own PostgreSQL, its own
//! inbox, and the demo app behind the gate. The journeys themselves are in `tests/browser`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_query};
use url::Url;
use vestibule::kernel::Clock;
use vestibule::sso::saml::keys;

use crate::support::browser::Browser;
use crate::support::dns::Dns;
use crate::support::idp::{Idp, Sp};
use crate::support::port::Port;
use crate::support::postgres::TestDb;
use crate::support::process::{Folder, Tended};
use crate::support::proxy::Proxy;
use crate::support::raw;
use crate::support::simplesamlphp::{SimpleSamlPhp, pem};
use crate::support::sql::Words;
use crate::support::traces::traces;
use crate::support::within;

/// A cluster is made from nothing, and the machine may be busy.
pub const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn people_get_through_the_door_in_a_real_browser() {
    let service = Service::start(&[]);
    play(&service, "journeys.mjs", &[&service.portal, &service.demo, &service.setup_link()], "screenshots");
}

#[test]
fn people_confirm_that_it_is_them_in_a_real_browser() {
    let service = Service::start(&["step_up.window=15s"]);
    play(&service, "stepup.mjs", &[&service.portal], "screenshots-stepup");
}

#[test]
fn people_sign_in_with_a_second_factor_in_a_real_browser() {
    let service = Service::start(&[]);
    play(&service, "factors.mjs", &[&service.portal], "screenshots-factors");
}

#[test]
fn people_make_name_and_remove_passkeys_in_a_real_browser() {
    let service = Service::start(&[]);
    play(&service, "passkeys.mjs", &[&service.portal], "screenshots-passkeys");
}

#[test]
fn people_give_keys_to_their_programs_in_a_real_browser() {
    let service = Service::start(&[]);
    play(&service, "api-keys.mjs", &[&service.portal, &service.demo], "screenshots-api-keys");
}

#[test]
fn admins_have_programs_told_what_happens_in_a_real_browser() {
    let service = Service::start(&["webhooks.allowed_networks=127.0.0.0/8"]);
    play(&service, "webhooks.mjs", &[&service.portal], "screenshots-webhooks");
}

#[test]
fn people_sign_in_by_a_mailed_link_in_a_real_browser() {
    let service = Service::start(&[]);
    play(&service, "magic-link.mjs", &[&service.portal, &service.demo], "screenshots-magic-link");
}

#[test]
fn people_sign_in_and_confirm_with_passkeys_in_a_real_browser() {
    let service = Service::start(&["step_up.window=15s"]);
    play(&service, "passkey-signin.mjs", &[&service.portal], "screenshots-passkey-signin");
}

#[test]
fn people_change_their_address_and_take_it_back_in_a_real_browser() {
    let service = Service::start(&[]);
    play(&service, "email.mjs", &[&service.portal], "screenshots-email");
}

#[test]
fn people_leave_and_come_back_in_a_real_browser() {
    let service = Service::start(&[]);
    let short = Service::start(&["accounts.deletion_grace=1s"]);
    play(&service, "leaving.mjs", &[&service.portal, &short.portal], "screenshots-leaving");
}

#[test]
fn people_found_run_and_hand_over_organizations_in_a_real_browser() {
    let database = TestDb::make();
    let url = format!("database.url={}", database.url());
    let key = "secrets.key=dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==";
    let service = Service::start(&[&url, key]);
    play(&service, "organizations.mjs", &[&service.portal, "found"], "screenshots-organizations-founded");
    let let_mia_in = "INSERT INTO members SELECT o.id, u.id, 'member', now() FROM organizations o, users u
        WHERE u.email = 'mia@example.com'";
    PgConnection::establish(database.url()).unwrap().batch_execute(let_mia_in).unwrap();
    play(&service, "organizations.mjs", &[&service.portal, "run"], "screenshots-organizations");
}

#[test]
fn owners_prove_domains_and_their_people_are_led_to_the_provider_in_a_real_browser() {
    let mut dns = Dns::serve(&[]);
    let service = Service::start(&[&format!("sso.dns_server={}", dns.address())]);
    let play = |part: &str| {
        play(&service, "domains.mjs", &[&service.portal, part], &format!("screenshots-domains/{part}"));
    };
    let mut database = PgConnection::establish(&service.database()).unwrap();
    play("claims");
    let record = "SELECT 'vestibule-domain=' || token AS t FROM domains";
    let record = sql_query(record).get_result::<Words>(&mut database).unwrap().t;
    dns.serve_instead(&[("_vestibule.corp.example", &record)]);
    play("proves");
    let a_provider = "INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding,
            metadata_from, created_at, changed_at)
        SELECT gen_random_uuid(), id, 'Acme Login', 'https://idp.example/', 'https://idp.example/sso', 'redirect', 'hand',
            now(), now() FROM organizations;
        UPDATE domains SET connection_id = (SELECT id FROM connections)";
    database.batch_execute(a_provider).unwrap();
    play("chooses");
    database.batch_execute("UPDATE connections SET enforced_from = now()").unwrap();
    play("is-led");
}

#[test]
fn administrators_read_why_an_answer_was_refused_in_a_real_browser() {
    let service = Service::start(&[]);
    play(&service, "sso-reports.mjs", &[&service.portal, "founds", ""], "screenshots-sso-reports/founds");
    let idp = Idp::new("https://idp.example/");
    let id = "01976d3e-0000-7000-8000-00000000000a";
    let certificate = idp.key.certificate_der().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let a_provider = format!(
        "INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding, metadata_from,
            allow_idp_initiated, created_at, changed_at)
        SELECT '{id}', id, 'Acme Login', 'https://idp.example/', 'https://idp.example/sso', 'redirect', 'hand',
            true, now(), now() FROM organizations;
        INSERT INTO domains (id, organization_id, name, token, connection_id, proved_at, proved_by, created_at)
        SELECT gen_random_uuid(), id, 'corp.example', 'x', '{id}', now(), 'operator', now() FROM organizations;
        INSERT INTO connection_certificates (connection_id, sha256, der, subject, not_before, not_after, added_at)
        SELECT '{id}', sha256(der), der, 'CN=idp.test', now(), now(), now() FROM (SELECT '\\x{certificate}'::bytea AS der) c"
    );
    PgConnection::establish(&service.database()).unwrap().batch_execute(&a_provider).unwrap();
    let sp = Sp::new("https://old.example/metadata", "https://old.example/acs");
    let form = idp.answer(&idp.draft(&sp, Clock::System.now()));
    let portal = Url::parse(&service.portal).unwrap();
    let mut somebody = Browser::new(&service.portal, portal.port().unwrap());
    let refused = somebody.post(&format!("/saml/{id}/acs"), &[("SAMLResponse", &form), ("again", "yes")]);
    assert_eq!(refused.status, 403, "{}", refused.answer.text());
    play(&service, "sso-reports.mjs", &[&service.portal, "reads", id], "screenshots-sso-reports/reads");
}

#[test]
fn people_see_what_happened_and_take_their_data_along_in_a_real_browser() {
    let service = Service::start(&[]);
    play(&service, "activity.mjs", &[&service.portal], "screenshots-activity");
}

#[test]
fn people_live_a_whole_life_in_a_real_browser() {
    let mut service = Service::start(&[]);
    let kept = service.program.folder().join("browsers").display().to_string();
    let act = |service: &Service, name: &str| {
        let pictures = format!("screenshots-whole-life/{name}");
        play(service, "whole-life.mjs", &[&service.portal, &service.demo, name, &kept], &pictures);
    };
    act(&service, "lives");
    // As the stories say who she is, and where she is.
    let words = ["Wilhelmina", "mina@lantern.example", "203.0.113.201", "198.51.100.202", "Hermes/9", "Mina's laptop"];
    for word in words {
        assert_ne!(traces(&service.database(), &[word]), [""; 0], "nothing was ever there of {word}");
    }
    service.restart(&["accounts.deletion_grace=1s"]);
    act(&service, "leaves");
    // The receipt stays until it is sent.
    let erased = within(PATIENCE, || {
        service.command(&["jobs", "run", "erase_accounts"]);
        traces(&service.database(), &words).is_empty().then_some(())
    });
    assert!(erased.is_some(), "{:#?}", traces(&service.database(), &words));
    act(&service, "is-gone");
}

#[test]
fn people_invite_others_and_sort_them_into_groups_in_a_real_browser() {
    let service = Service::start(&[]);
    play(&service, "invitations.mjs", &[&service.portal], "screenshots-invitations");
}

#[test]
fn people_sign_in_by_their_companys_provider_on_another_site_in_a_real_browser() {
    let provider = SimpleSamlPhp::start();
    let service = Service::start(&["step_up.window=5s"]);
    service.found_acme();
    let metadata = provider.trusted().display().to_string();
    play(&service, "sso.mjs", &[&service.portal, &service.demo, &provider.url(""), &metadata], "screenshots-sso");
}

#[test]
fn owners_connect_a_real_provider_by_the_pages_alone_in_a_real_browser() {
    let provider = SimpleSamlPhp::start();
    let service = Service::start(&["sso.allowed_networks=127.0.0.0/8"]);
    service.found_acme();
    let metadata = provider.trusted().display().to_string();
    play(&service, "connections.mjs", &[&service.portal, &provider.url(""), &metadata], "screenshots-connections");
}

/// Where cookies can be for other sites, and only then are some of them sent at all.
#[test]
fn people_sign_in_by_their_companys_provider_over_https_in_a_real_browser() {
    let mut provider = SimpleSamlPhp::start();
    let certificate = Certificate::make();
    let ports = [Port::claim(), Port::claim()];
    let [portal, there] = [ports[0].number(), provider.port()].map(|port| certificate.before(port));
    provider.is_behind(&format!("https://127.0.0.1:{}/", there.port()));
    let public_url = format!("server.public_url=https://localhost:{}", portal.port());
    let mut service = Service::on(ports, &["step_up.window=5s", &public_url]);
    service.portal = format!("https://localhost:{}", portal.port());
    service.found_acme();
    let metadata = provider.trusted().display().to_string();
    play(&service, "sso.mjs", &[&service.portal, &service.demo, &provider.url(""), &metadata], "screenshots-sso-https");
}

/// Plays the stories of a file, which takes these arguments and last a folder for its pictures.
fn play(service: &Service, stories: &str, arguments: &[&str], pictures: &str) {
    play_before(&service.program, stories, arguments, pictures);
}

/// The same before any program of ours.
pub fn play_before(program: &Tended, stories: &str, arguments: &[&str], pictures: &str) {
    let drivers = browser_folder();
    assert!(
        drivers.join("node_modules/playwright-core").is_dir(),
        "the browser's driver is not installed: run `make setup-test`"
    );
    let output = Command::new("node")
        .arg(stories)
        .args(arguments)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(pictures))
        .current_dir(&drivers)
        .output()
        .unwrap_or_else(|error| panic!("node cannot be started ({error}): run `make setup-test`"));
    assert!(
        output.status.success(),
        "{}{}\nthe service said:\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        program.log()
    );
}

fn browser_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

struct Service {
    portal: String,
    demo: String,
    program: Tended,
    ports: [Port; 2],
}

impl Service {
    /// With settings that differ, as `--set` takes them.
    fn start(special: &[&str]) -> Self {
        Self::on([Port::claim(), Port::claim()], special)
    }

    fn on(ports: [Port; 2], special: &[&str]) -> Self {
        let folder = Folder::make("chromium", "TERM");
        let [portal, demo] = ports.each_ref().map(|port| format!("http://localhost:{}", port.number()));
        let program = Tended::start(folder, &mut serve(&ports, special), "TERM");
        let mut service = Self { portal, demo, program, ports };
        service.wait();
        service
    }

    /// Ends it in good order, and starts it with other settings on what it has kept.
    fn restart(&mut self, special: &[&str]) {
        self.program.end("TERM");
        self.program.again(&mut serve(&self.ports, special));
        self.wait();
    }

    fn wait(&mut self) {
        let is_up = within(PATIENCE, || {
            assert!(self.program.is_running(), "the program ended:\n{}", self.program.log());
            is_ready(self.ports[0].number()).then_some(())
        });
        assert!(is_up.is_some(), "not ready after {PATIENCE:?}:\n{}", self.program.log());
    }

    /// What an operator types beside the running service.
    fn command(&self, words: &[&str]) {
        let output = program(&self.ports).current_dir(self.program.folder()).args(words).output().expect("the program");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// An organization with an owner, which has proved `example.com` by the operator's word.
    fn found_acme(&self) {
        let olive = "olive@elsewhere.example";
        let mut command = program(&self.ports);
        command.current_dir(self.program.folder());
        command.args(["user", "create", olive, "--name", "Olive", "--verified", "--password-stdin"]);
        let mut asked = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the program");
        asked.stdin.take().expect("its input").write_all(b"seven quiet herons\n").expect("it reads");
        assert!(asked.wait().expect("its end").success());
        self.command(&["org", "create", "Acme", "--owner", olive]);
        self.command(&["domain", "verify", "acme", "example.com"]);
    }

    /// Its private one.
    fn database(&self) -> String {
        let socket = self.program.folder().join("data/postgres/socket");
        format!("postgresql:///vestibule?host={}&port=5432&user=vestibule", socket.display())
    }

    /// As the banner shows it to whoever has started the service.
    fn setup_link(&self) -> String {
        let log = self.program.log();
        let link = log.lines().find_map(|line| line.trim().strip_prefix("Set up"));
        link.unwrap_or_else(|| panic!("no set-up link in\n{log}")).trim().to_owned()
    }
}

/// One that nobody has vouched for, and nginx with it.
struct Certificate(Folder);

impl Certificate {
    fn make() -> Self {
        let folder = Folder::make("certificate", "TERM");
        let pair = keys::generate("localhost", Clock::System.now()).expect("a key");
        fs::write(folder.path().join("key"), pem("PRIVATE KEY", &pair.key)).expect("our own folder");
        fs::write(folder.path().join("certificate"), pem("CERTIFICATE", &pair.certificate)).expect("our own folder");
        Self(folder)
    }

    /// https, before something on this port that does not speak it.
    fn before(&self, port: u16) -> Proxy {
        let folder = self.0.path().display();
        Proxy::nginx(|own| {
            format!(
                "server {{ listen 127.0.0.1:{own} ssl; ssl_certificate {folder}/certificate;
                ssl_certificate_key {folder}/key; location / {{ proxy_pass http://127.0.0.1:{port};
                proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
                proxy_set_header X-Forwarded-Proto https; proxy_buffers 8 32k; proxy_buffer_size 32k; }} }}"
            )
        })
    }
}

fn serve(ports: &[Port; 2], special: &[&str]) -> Command {
    let mut command = program(ports);
    command.args(special.iter().flat_map(|setting| ["--set", setting]));
    command.args(["serve", "--demo", &ports[1].address().to_string()]);
    command
}

/// With nothing of this machine's: neither its configuration nor what our own shell has set.
pub fn program([own, _]: &[Port; 2]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    #[expect(clippy::disallowed_methods, reason = "the search path is this process's own")]
    let search_path = std::env::var_os("PATH");
    command.env_clear().envs(search_path.map(|path| ("PATH", path)));
    command.args(["--config", "/dev/null", "--set", &format!("server.listen={}", own.address())]);
    command.args(["--set", &format!("server.public_url=http://localhost:{}", own.number())]);
    command.args(["--set", "server.metrics_listen="]);
    command
}

pub fn is_ready(port: u16) -> bool {
    let question = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    raw::try_send(port, question).is_ok_and(|answer| answer.status == 200)
}
