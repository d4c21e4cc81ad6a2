//! A real `SimpleSAMLphp`, as Debian packages it, on a loopback port.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vestibule::kernel::Clock;
use vestibule::sso::saml::keys;

use super::browser::Browser;
use super::page::Page;
use super::port::Port;
use super::process::{Folder, Tended};

const PROGRAM: &str = "/usr/share/simplesamlphp/www";

const FILES: [(&str, &str); 3] = [
    ("config/config.php", include_str!("simplesamlphp/config.php")),
    ("config/authsources.php", include_str!("simplesamlphp/authsources.php")),
    ("metadata/saml20-idp-hosted.php", include_str!("simplesamlphp/saml20-idp-hosted.php")),
];

pub struct SimpleSamlPhp {
    port: Port,
    settings: Value,
    process: Tended,
}

impl SimpleSamlPhp {
    /// It knows Ann of `example.com` and signs both response and assertion.
    pub fn start() -> Self {
        Self::start_with(|_, _| FILES.map(|(name, text)| (name, text.to_owned())).to_vec())
    }

    /// As the package has left it, with what `shown` adds: what a document would have people write into its files, in
    /// this order: its settings, with whom it signs people in, who it is, and whom it trusts.
    pub fn start_as_packaged([settings, people, hosted, trusted]: [&str; 4]) -> Self {
        let packaged = |name: &str| {
            let text = fs::read_to_string(format!("/etc/simplesamlphp/{name}")).expect("the package is installed");
            // What is secret is in a file of root's.
            text.lines().filter(|line| !line.starts_with("require_once")).collect::<Vec<_>>().join("\n")
        };
        Self::start_with(|folder, url| {
            let of_ours = |text: &str| text.replace("/etc/simplesamlphp", folder).replace("vestibule.xml", "sp.xml");
            let config = [packaged("config.php"), of_ours(settings), of_ours(trusted), IN_A_FOLDER.to_owned()];
            let people = format!("{}\n{people}", packaged("authsources.php"));
            let hosted = hosted.replace("https://idp.example.com/simplesamlphp/", url);
            vec![(FILES[0].0, config.join("\n")), (FILES[1].0, people), (FILES[2].0, hosted)]
        })
    }

    /// `files` are given the folder they will be in and the URL it will have.
    fn start_with(files: impl FnOnce(&str, &str) -> Vec<(&'static str, String)>) -> Self {
        let (port, folder) = (Port::claim(), Folder::make("simplesamlphp", "TERM"));
        for name in ["config", "metadata", "cert", "sessions", "tmp"] {
            fs::create_dir(folder.path().join(name)).expect("our own folder");
        }
        let url = format!("http://127.0.0.1:{}/", port.number());
        for (name, text) in files(&folder.path().display().to_string(), &url) {
            fs::write(folder.path().join(name), text).expect("our own folder");
        }
        let ann =
            json!({ "mail": ["ann@example.com"], "displayName": ["Ann Lee"], "groups": ["engineering", "staff"] });
        let settings = json!({
            "url": url,
            "key": "first",
            "people": { "ann": ann },
            "sign_response": true,
            "sign_assertion": true,
            "encrypt": false,
        });
        let mut command = Command::new("php");
        command
            .args(["-d", "session.gc_probability=0", "-S", &format!("127.0.0.1:{}", port.number()), "-t", PROGRAM])
            .env("SIMPLESAMLPHP_CONFIG_DIR", folder.path().join("config"));
        fs::write(folder.path().join("metadata/sp.xml"), NOBODY).expect("our own folder");
        write_key(&folder, "first");
        write_key(&folder, "second");
        // As the documentation calls it.
        write_key(&folder, "server");
        fs::write(folder.path().join("settings.json"), settings.to_string()).expect("our own folder");
        let mut process = Tended::start(folder, &mut command, "TERM");
        process.wait_until(|| port.answers());
        Self { port, settings, process }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings["url"].as_str().expect("its own"))
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// It is found there from now on, where a proxy passes on to it.
    pub fn is_behind(&mut self, url: &str) {
        self.set("url", json!(url));
    }

    /// The file with the metadata of whom it trusts.
    pub fn trusted(&self) -> PathBuf {
        self.process.folder().join("metadata/sp.xml")
    }

    pub fn entity_id(&self) -> String {
        self.url("saml2/idp/metadata.php")
    }

    /// As it publishes it.
    pub fn metadata(&self) -> String {
        let mut browser = Browser::new(&self.url(""), self.port.number());
        let page = browser.get(&self.entity_id());
        assert_eq!(page.status, 200, "{}\n{}", page.answer.text(), self.process.log());
        page.answer.text()
    }

    /// Lets a service ask it: by that service's own metadata, and by nothing else.
    pub fn trust(&self, metadata: &str) {
        fs::write(self.trusted(), metadata).expect("its own folder");
    }

    /// Changes one of its settings at once: `key` (`first`, `second`), `people`, `sign_response`, `sign_assertion`, `encrypt`.
    pub fn set(&mut self, name: &str, value: Value) {
        self.settings[name] = value;
        // Whole at once: it reads it with every request.
        let (new, file) = ("settings.new", "settings.json");
        let folder = self.process.folder();
        fs::write(folder.join(new), self.settings.to_string()).expect("its own folder");
        fs::rename(folder.join(new), folder.join(file)).expect("its own folder");
    }

    /// Goes from the answer that sends a browser here, through its pages, until it posts something back. `name` signs in
    /// where it asks for that.
    pub fn pass(&self, browser: &mut Browser, mut page: Page, name: &str) -> Page {
        // As many as a chain of its own pages could have.
        for _ in 0..12 {
            if matches!(page.status, 301..=308) {
                let next = page.location().expect("where to");
                if next.port() != Some(self.port.number()) {
                    return page;
                }
                page = browser.follow();
            } else if page.has("Username") {
                let password = format!("{name}-password");
                let action = page.form_with("username").expect("a form to sign in with").action;
                page = browser.submit(action.path(), &[("username", name), ("password", &password)]);
            } else {
                assert_eq!(page.status, 200, "{}\n{}", page.text(), self.process.log());
                return page;
            }
        }
        panic!("it goes round in circles: {}\n{}", page.text(), self.process.log());
    }
}

/// After the settings of a package: everything it writes is in the folder above, and it is reached without TLS.
const IN_A_FOLDER: &str = r#"
$folder = dirname(__DIR__);
$config = [
    'baseurlpath' => json_decode(file_get_contents("$folder/settings.json"), true)['url'],
    'metadatadir' => "$folder/metadata/",
    'loggingdir' => "$folder/",
    'datadir' => "$folder/",
    'tempdir' => "$folder/tmp/",
    'logging.handler' => 'errorlog',
    'secretsalt' => 'the salt of a test that hides nothing',
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'session.phpsession.savepath' => "$folder/sessions",
] + $config;
"#;

/// What it reads before it knows anybody.
const NOBODY: &str = r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:nobody">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="http://127.0.0.1/"/>
</md:SPSSODescriptor></md:EntityDescriptor>"#;

fn write_key(folder: &Folder, name: &str) {
    let pair = keys::generate(name, Clock::System.now()).expect("a key");
    let cert = folder.path().join("cert");
    fs::write(cert.join(format!("{name}.pem")), pem("PRIVATE KEY", &pair.key)).expect("our own folder");
    fs::write(cert.join(format!("{name}.crt")), pem("CERTIFICATE", &pair.certificate)).expect("our own folder");
}

pub fn pem(kind: &str, der: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", wrapped(der))
}

fn wrapped(der: &[u8]) -> String {
    let text = STANDARD.encode(der).into_bytes();
    let lines: Vec<_> = text.chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    lines.join("\n")
}
