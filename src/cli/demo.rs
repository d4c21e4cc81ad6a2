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
}

impl Demo {
    /// Takes the port, and lets signed-in people in where no rule of the operator's says otherwise.
    pub(super) fn open(address: SocketAddr, settings: &mut Settings) -> anyhow::Result<Self> {
        let public_url = &settings.server.public_url;
        ensure!(
            is_loopback(public_url),
            "--demo is for trying out on this machine, and server.public_url is {public_url}"
        );
        let hint = || format!("cannot listen on {address} (--demo): is something else running there?");
        let listener = TcpListener::bind(address).with_context(hint)?;
        listener.set_nonblocking(true)?;
        let mut url = public_url.clone();
        let port = listener.local_addr()?.port();
        url.set_port(Some(port)).ok().context("a URL without a host has no port")?;
        let host = url.host_str().map(|host| format!("{host}:{port}")).unwrap_or_default();
        let rule = Rule { hosts: vec![host], paths: Vec::new(), allow: Allow::SignedIn, verified: true };
        settings.gateway.rules.push(rule);
        Ok(Self { listener, url })
    }
}
