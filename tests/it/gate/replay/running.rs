//! The program itself: switched on while it runs, told to stop, left by its database.

use std::fs;
use std::time::Duration;

use super::File;
use crate::gate::house::{Door, Question};
use crate::resilience::service::Service;
use crate::resilience::sql;
use crate::support::postgres::OwnServer;
use crate::support::raw;
use crate::support::{PATIENCE, eventually, within};

const RULES: &str = "[[gateway.rules]]\nhosts = ['localhost:8081']\nallow = 'public'\n";
const ON: &str = "[gateway]\nrecord = 1.0\n";
const TO_STOP: Duration = Duration::from_secs(10);

fn ask(service: &Service, path: &str) -> u16 {
    raw::send(service.port(), Question::about(Door::ForwardAuth, &format!("http://localhost:8081{path}")).bytes())
        .status
}

fn paths(server: &OwnServer, like: &str) -> i64 {
    sql::count(&server.url(), &format!("SELECT count(*) AS n FROM gate_decisions WHERE path LIKE '{like}'"))
}

fn serve(server: &OwnServer, file: &File) -> Service {
    Service::start(&[("DATABASE__URL", &server.url()), ("$VESTIBULE_CONFIG", file.path())])
}

#[test]
fn a_reload_switches_it_on_and_what_came_last_is_written_at_an_orderly_end() {
    let (server, file) = (OwnServer::start(), File::with(RULES));
    let mut service = serve(&server, &file);
    assert_eq!(ask(&service, "/before"), 200);
    fs::write(&file.path, format!("{ON}{RULES}")).unwrap();
    service.signal("HUP");
    eventually("it to be kept", || {
        assert_eq!(ask(&service, "/after"), 200);
        (paths(&server, "/after") > 0).then_some(())
    });
    for _ in 0..50 {
        assert_eq!(ask(&service, "/last"), 200);
    }
    service.signal("TERM");
    assert!(service.end_within(TO_STOP).success(), "{}", service.log());
    assert_eq!((paths(&server, "/before"), paths(&server, "/last")), (0, 50));
}

#[test]
fn without_a_database_checks_go_on_and_what_they_came_to_is_written_when_it_is_back() {
    let (mut server, file) = (OwnServer::start(), File::with(&format!("{ON}{RULES}")));
    let mut service = serve(&server, &file);
    assert_eq!(ask(&service, "/before"), 200);
    eventually("it to be kept", || (paths(&server, "/before") == 1).then_some(()));
    server.stop();
    for _ in 0..50 {
        assert_eq!(ask(&service, "/without"), 200);
    }
    let tried = within(PATIENCE, || {
        service.log().contains("keeping decisions of the gate: the database is not available").then_some(())
    });
    assert!(tried.is_some(), "nobody has tried to write them:\n{}", service.log());
    assert_eq!(ask(&service, "/without"), 200);
    server.resume();
    eventually("all of them", || (paths(&server, "/without") == 51).then_some(()));
    service.signal("TERM");
    assert!(service.end_within(TO_STOP).success(), "{}", service.log());
}
