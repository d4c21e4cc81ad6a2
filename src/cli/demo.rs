//! `--demo`: an app to protect, for trying out.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context as _, ensure};
use url::Url;

use crate::config::Settings;
use crate::config::settings::{Allow, Rule};
use crate::kernel::return_to::is_loopback;

pub(super) struct Demo {
    pub(super) listener: TcpListener,
    pub(super) url: Url,
    /// For signed-in people and their programs.
    pub(super) rule: Rule,
}

impl Demo {
    /// Takes the port, and lets signed-in people in where no rule of the operator's says otherwise.
    pub(super) fn open(address: SocketAddr, settings: &mut Settings) -> anyhow::Result<Self> {
        let public_url = &settings.server.public_url;
        ensure!(
            is_loopback(public_url),
            "--demo is for trying out on this machine, and server.public_url is {public_url}: start `vestibule serve` \
             without it"
        );
        let hint = || format!("cannot listen on {address} (--demo): is something else running there?");
        let listener = TcpListener::bind(address).with_context(hint)?;
        listener.set_nonblocking(true)?;
        let mut url = public_url.clone();
        let port = listener.local_addr()?.port();
        url.set_port(Some(port)).ok().context("a URL without a host has no port")?;
        let host = url.host_str().map(|host| format!("{host}:{port}")).unwrap_or_default();
        let rule = Rule { api_keys: true, ..Rule::for_hosts(vec![host], Allow::SignedIn) };
        settings.gateway.rules.push(rule.clone());
        Ok(Self { listener, url, rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, ConfigFile, Environment, Setting, Sources};

    fn settings(flags: &[(&str, &str)]) -> Settings {
        let flags = flags.iter().map(|(key, value)| Setting { key: (*key).into(), value: (*value).into() }).collect();
        config::load(&Sources { file: ConfigFile::Nowhere, environment: Environment::default(), flags })
            .unwrap()
            .settings
    }

    #[test]
    fn the_demo_is_for_signed_in_people_after_all_other_rules() {
        let mut settings = settings(&[("gateway.rules", r#"[{ hosts = ["localhost"], allow = "deny" }]"#)]);
        let demo = Demo::open(([127, 0, 0, 1], 0).into(), &mut settings).unwrap();
        let port = demo.listener.local_addr().unwrap().port();
        assert_eq!(demo.url.as_str(), format!("http://localhost:{port}/"));
        let [own, added] = settings.gateway.rules.as_slice() else { panic!() };
        assert_eq!(own.allow, Allow::Deny);
        let expected = Rule { api_keys: true, ..Rule::for_hosts(vec![format!("localhost:{port}")], Allow::SignedIn) };
        assert_eq!(*added, expected);
        assert_eq!(settings.gateway.default, Allow::Deny);
    }

    #[test]
    fn a_service_for_everybody_has_no_demo() {
        let mut settings = settings(&[
            ("server.public_url", "https://auth.example.com"),
            ("mail.transport", "smtp"),
            ("mail.url", "smtp://mail.example.com"),
        ]);
        let error = Demo::open(([127, 0, 0, 1], 0).into(), &mut settings).err().unwrap();
        assert!(error.to_string().contains("https://auth.example.com"), "{error}");
        assert!(settings.gateway.rules.is_empty());
    }

    #[test]
    fn a_taken_port_is_said_before_anything_starts() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = Demo::open(taken.local_addr().unwrap(), &mut settings(&[])).err().unwrap();
        assert!(error.to_string().contains("--demo"), "{error}");
    }
}
