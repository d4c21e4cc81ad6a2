//! The mail server goes away and comes back.

use chrono::TimeDelta;

use crate::support::smtp::{At, Mishap, Times};
use crate::support::{TestApp, eventually};

#[test]
fn a_sign_up_while_the_mail_server_is_down_is_finished_when_it_is_back() {
    let app = TestApp::start();
    app.mail().stop();
    // It answers as always: nobody waits for the mail server.
    let mut browser = app.signed_up("ann@example.com");
    eventually("an attempt that failed", || {
        (app.count("SELECT count(*) AS n FROM mail_outbox WHERE last_error IS NOT NULL") == 1).then_some(())
    });
    assert_eq!(app.browser().get("/readyz").status, 200, "signing in works without mail");
    // Back, but the first answer is lost: the service cannot know that the letter arrived.
    app.mail().misbehave(At::Letter, Mishap::HangUp, Times::Once);
    app.mail().resume();
    app.clock().advance(TimeDelta::minutes(1));
    let first = app.mail().to("ann@example.com");
    eventually("the second attempt to be put off", || {
        (app.count("SELECT count(*) AS n FROM mail_outbox WHERE attempts = 2 AND leased_until IS NULL") == 1)
            .then_some(())
    });
    app.clock().advance(TimeDelta::minutes(5));
    let again = app.mail().to("ann@example.com");
    assert_eq!(first.header("message-id"), again.header("message-id"));
    assert_eq!(first.link(), again.link());
    eventually("the letter to be done with", || {
        (app.count("SELECT count(*) AS n FROM mail_outbox WHERE sent_at IS NOT NULL") == 1).then_some(())
    });
    assert_eq!(browser.get(&first.link()).status, 200);
    assert_eq!(browser.submit("/verify-email", &[]).status, 303);
}
