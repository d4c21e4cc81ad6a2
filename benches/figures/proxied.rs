//! A request through a real nginx that asks the gate, beside the same nginx that asks nobody.

use std::fs;
use std::process::Command;

use anyhow::Context as _;

use crate::client::{Connection, get};
use crate::contest::{self, Contender};
use crate::gate::{self, SECRET};
use crate::report::{Report, ratios, section};
use crate::served::{APP, Served, free_port};
use crate::{Stage, bare, people};

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    if Command::new("nginx").arg("-v").output().is_err() {
        println!("\nWithout nginx nothing is measured through it.");
        return Ok(());
    }
    let mut service =
        Served::vestibule(&stage.folder, &[&stage.database(), SECRET, "server.workers=1", &gate::rules()])?;
    service.wait_until_ready()?;
    let [ann] = people::sign_up(&service, &stage.url, "proxied", 1)?.try_into().ok().context("one person")?;
    let signed_in = ann.sign_in(&mut Connection::open(service.port)?)?;
    let token = signed_in.cookie("vestibule_gate").context("no gate cookie")?;
    let mut app = bare::start(&[bare::EMPTY])?;
    app.wait_until_ready()?;
    let mut empty = bare::start(&[bare::EMPTY])?;
    empty.wait_until_ready()?;

    let open = nginx(stage, "open", &app, None)?;
    let asking_empty = nginx(stage, "empty", &app, Some(&empty))?;
    let asking_us = nginx(stage, "us", &app, Some(&service))?;
    let request = get("/reports/2026").replace("\r\n\r\n", &format!("\r\nCookie: vestibule_gate={token}\r\n\r\n"));
    let mut contenders = [
        Contender::new(&open, &request).together_with(&[&app]),
        Contender::new(&asking_empty, &request).together_with(&[&app, &empty]),
        Contender::new(&asking_us, &request).together_with(&[&app, &service]),
    ];
    contest::run(&mut contenders, stage.postgres)?;
    tell(report, &contenders);
    Ok(())
}

/// An nginx in one process before `app`, which asks `auth` first if there is one.
fn nginx(stage: &Stage, name: &str, app: &Served, auth: Option<&Served>) -> anyhow::Result<Served> {
    let (folder, port) = (stage.folder.join(format!("nginx-{name}")), free_port()?);
    fs::create_dir(&folder)?;
    let ask = if auth.is_some() { "auth_request /authz;" } else { "" };
    let auth = auth.map_or(app.port, |auth| auth.port);
    let configuration = format!(
        r#"daemon off; master_process off; pid nginx.pid; error_log error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; keepalive_requests 100000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    proxy_http_version 1.1; proxy_set_header Connection "";
    upstream app {{ server 127.0.0.1:{}; keepalive 32; keepalive_requests 100000000; }}
    upstream auth {{ server 127.0.0.1:{auth}; keepalive 32; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ {ask} proxy_pass http://app; }}
        location = /authz {{
            internal;
            proxy_pass http://auth/gateway/auth-request;
            proxy_pass_request_body off;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Original-URL http://{APP}$request_uri;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"#,
        app.port
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&folder).arg("-c").arg(&file).arg("-e").arg(folder.join("error.log"));
    let mut nginx = Served::start(command, port)?;
    nginx.wait_until_listening()?;
    Ok(nginx)
}

fn tell(report: &mut Report, [open, asking_empty, asking_us]: &[Contender; 3]) {
    section("Through nginx: CPU of nginx, the app and whom nginx asks");
    let of = |one: &Contender| ratios(&one.costs, &open.costs);
    report.ratio("proxied.us", "auth_request asking the gate ÷ without auth_request (aim 2.1)", &of(asking_us));
    report.ratio("proxied.empty", "auth_request asking an empty server ÷ without", &of(asking_empty));
    report.value("proxied.open.cpu", "without auth_request", (open.cost(), "µs"));
}
