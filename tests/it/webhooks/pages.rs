//! The pages, without a script.

use super::start;
use crate::orgs::{ADMIN, staffed};
use crate::support::eventually;
use crate::support::people::{PASSWORD, sign_in};
use crate::support::receiver::{Manner, Receiver};

const PLACE: &str = "/orgs/acme/webhooks";

#[test]
fn an_admin_adds_tries_changes_and_removes_a_webhook_on_pages() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let ([_, mut admin, mut member], _) = staffed(&app);
    assert!(admin.get("/orgs/acme").text().contains("Programs that are told what happens"));
    assert!(!member.get("/orgs/acme").text().contains("Programs that are told what happens"));
    assert_eq!(member.get(PLACE).status, 403);
    assert!(admin.get(PLACE).text().contains("There are no webhooks."));
    admin.confirm();

    let refused = admin.submit(&format!("{PLACE}/add"), &[("url", "https://10.0.0.1/x"), ("kinds", "member.joined")]);
    assert_eq!(refused.status, 422);
    assert!(refused.field_error("url").unwrap().contains("Its host has no public address."));
    assert!(refused.field_error("kinds").unwrap().contains("There is no such kind of event"));
    let shown =
        admin.submit(&format!("{PLACE}/add"), &[("url", &receiver.url()), ("kinds", "member.*, group.created")]);
    assert_eq!(shown.status, 200, "{}", shown.text());
    let secret = shown.text().split_whitespace().find(|word| word.starts_with("whsec_")).unwrap().to_owned();
    let place = format!("{PLACE}/{}", app.text("SELECT id::text AS t FROM webhooks"));
    let text = admin.get(PLACE).text();
    assert!(
        text.contains("localhost") && text.contains("group.created member.*") && !text.contains("whsec_"),
        "{text}"
    );

    admin.get(&place);
    let tested = admin.submit(&format!("{place}/send-test"), &[]);
    assert_eq!(tested.location().unwrap().query(), Some("done=tested"));
    let told = receiver.first("webhook.tested");
    assert_eq!(told.signatures_by(&secret), 1);
    eventually("a delivery on the page", || admin.get(&place).text().contains("Delivered").then_some(()));
    assert_eq!(admin.submit(&format!("{place}/deliveries/{}/send-again", told.id()), &[]).status, 303);
    receiver.until_told(2);

    admin.get(&place);
    let wrong = admin.submit(&format!("{place}/change"), &[("url", "ftp://x"), ("kinds", "*")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.field_error("url").is_some(), "{}", wrong.text());
    assert_eq!(admin.submit(&format!("{place}/change"), &[("url", &receiver.url()), ("kinds", "*")]).status, 303);
    admin.get(&place);
    let replaced = admin.submit(&format!("{place}/replace-secret"), &[]).text();
    assert!(replaced.contains("whsec_") && !replaced.contains(&secret));
    admin.get(&place);
    assert_eq!(admin.submit(&format!("{place}/disable"), &[]).status, 303);
    assert!(admin.get(&place).text().contains("It was turned off"));
    assert_eq!(admin.submit(&format!("{place}/enable"), &[]).status, 303);
    admin.get(&place);
    assert_eq!(admin.submit(&format!("{place}/remove"), &[]).status, 303);
    assert!(admin.get(&format!("{PLACE}?done=removed")).text().contains("The webhook is removed."));
    assert_eq!(admin.get(&place).status, 404);
}

#[test]
fn whoever_has_not_confirmed_is_led_to_do_so_and_comes_back() {
    let app = start();
    let (_people, _) = staffed(&app);
    let mut admin = app.browser();
    assert_eq!(sign_in(&mut admin, ADMIN, PASSWORD).status, 303);
    admin.get(PLACE);
    let led = admin.submit(&format!("{PLACE}/add"), &[("url", "https://example.com/"), ("kinds", "*")]);
    let to = led.location().unwrap();
    assert_eq!((led.status, to.path()), (303, "/confirm"));
    let back = to.query_pairs().find(|(name, _)| name == "return_to").unwrap().1.into_owned();
    assert_eq!(back, format!("{PLACE}?done=unsent"));
    assert_eq!(admin.get(&back).status, 200);
}
