//! What the log says of apps.

use super::house::{DOORS, Door, Question};
use crate::resilience::service::Service;
use crate::support::postgres::TestDb;
use crate::support::{eventually, raw};

const RULES: &str = r#"[
    { hosts = ["app.example.com"], allow = "deny", shadow = true },
    { hosts = ["app.example.com"], paths = ["/keys/**"], allow = "signed_in", api_keys = true },
    { hosts = ["app.example.com"], allow = "public" },
]"#;

#[test]
fn the_log_says_what_was_decided_and_never_where_in_an_app_somebody_went() {
    const SECRET: &str = "5f3c9a7e21";
    let database = TestDb::make();
    let service = Service::start(&[("DATABASE__URL", database.url()), ("GATEWAY__RULES", RULES)]);
    let status = |question: &Question| raw::send(service.port(), question.bytes()).status;
    let url = |path: &str| format!("https://app.example.com{path}/{SECRET};jsessionid={SECRET}?q={SECRET}");
    for door in DOORS {
        let malformed = if door == Door::AuthRequest { 403 } else { 400 };
        assert_eq!(status(&Question::about(door, &url("/x"))), 200);
        assert_eq!(status(&Question::about(door, &url("/%zz"))), malformed);
        let with_key = Question::about(door, &url("/keys")).with("Authorization", "Bearer vst_nobodys");
        assert_eq!(status(&with_key), 401);
    }
    assert_eq!(status(&Question::about(Door::ForwardAuth, "https://last.example.com/")), 403);
    let log = eventually("the last line", || Some(service.log()).filter(|log| log.contains("deny last.example.com")));
    assert!(log.contains("would be deny") && !log.contains(SECRET), "{log}");
    assert_eq!(log.matches("invalid_key app.example.com").count(), 3, "{log}");
}
