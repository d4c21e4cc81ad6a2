use super::{ANEW, ANN, NEW, THIEF, address, change, change_from, me, thief_of};
use crate::support::TestApp;
use crate::support::people::{PASSWORD, sign_in};

#[test]
fn the_page_does_it_without_scripts_and_says_how_things_stand() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.get("/");
    assert_eq!(ann.click("Change").status, 303);
    assert!(ann.follow().has("To change your address, prove once more that it is you."));
    ann.submit("/confirm", &[("password", PASSWORD)]);
    let page = ann.follow();
    assert!(
        page.has("ann@example.com confirmed") && page.has("can take the change back for 3 days"),
        "{}",
        page.text()
    );
    let page = ann.submit("/account/email", &[("email", "ann")]);
    assert_eq!((page.status, page.title().starts_with("Error: ")), (422, true));
    assert_eq!(
        page.field_error("email").unwrap().split(". ").last(),
        Some("An email address has the form name@example.com.")
    );
    assert_eq!(ann.submit("/account/email", &[("email", ANN)]).status, 303);
    assert!(ann.follow().has("This is your address already. Nothing was changed."));
    assert_eq!(ann.submit("/account/email", &[("email", NEW)]).status, 303);
    let page = ann.follow();
    for told in [
        "We have sent a link to the new one",
        "ann@new.example not confirmed",
        "It waits for you to follow the link",
        "can be had back until 18 January 2027, 08:00 UTC",
    ] {
        assert!(page.has(told), "{told} is not in {}", page.text());
    }
    assert!(!page.has(ANN), "{}", page.text());
    assert_eq!(ann.submit("/email/verification", &[]).status, 303);
    app.mail().to(NEW);
    assert_eq!(app.follow_the_letter(&mut ann, NEW).status, 303);
    assert_eq!(address(&mut ann), (NEW.to_owned(), true));
}

#[test]
fn a_taken_address_is_told_in_its_place() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    app.verified("bob@example.com");
    ann.confirm();
    ann.get("/account/email");
    let page = ann.submit("/account/email", &[("email", "bob@example.com")]);
    assert_eq!(page.status, 409);
    assert!(page.field_error("email").unwrap().contains("belongs to an account already"));
    assert_eq!(page.form("/account/email").unwrap().fields[1].1, "bob@example.com", "what was typed stays");
}

#[test]
fn a_form_that_came_too_late_changes_nothing() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    ann.get("/account/email");
    app.clock().advance(chrono::TimeDelta::minutes(5));
    let page = ann.submit("/account/email", &[("email", NEW)]);
    let to = page.location().unwrap();
    assert_eq!(&to[url::Position::BeforePath..], "/confirm?return_to=%2Faccount%2Femail%3Fdone%3Dunsent");
    assert_eq!(address(&mut ann).0, ANN);
}

#[test]
fn the_letter_leads_through_two_buttons_to_a_new_password() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let mut thief = thief_of(&app, ANN);
    assert_eq!(change(&mut thief, THIEF).status, 200);
    let link = app.mail().to(ANN).link();
    let page = ann.get(&link);
    assert!(page.has("Take your address back") && !page.answer.text().contains(THIEF), "{}", page.text());
    let mut other_tab = ann.clone();
    assert_eq!(ann.submit("/undo-email", &[]).status, 303);
    let page = ann.follow();
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(page.has("everybody is signed out. Only the password is missing"), "{}", page.text());
    assert_eq!(ann.submit("/reset-password", &[("new_password", "password1")]).status, 422);
    assert_eq!(ann.submit("/reset-password", &[("new_password", ANEW)]).status, 303);
    assert!(ann.follow().has("Your password is changed. Sign in with the new one."));
    assert_eq!(sign_in(&mut ann, ANN, ANEW).status, 303);
    let page = other_tab.submit("/undo-email", &[]);
    assert_eq!((page.status, page.header("referrer-policy")), (410, Some("no-referrer")));
    assert!(page.has("If you have pressed the button before, all is well"), "{}", page.text());
    assert_eq!(me(&mut thief).status, 401);
    assert!(thief.get("/login").has("because the address of your account was changed back to an earlier one."));
}

#[test]
fn a_form_from_elsewhere_changes_nothing_and_takes_nothing_back() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let token = change_from(&app, &mut ann, ANN, NEW);
    ann.get("/account/email");
    assert_eq!(ann.cross_site().submit("/account/email", &[("email", THIEF)]).status, 303, "without its cookies");
    let mut reader = app.browser();
    reader.get(&format!("/undo-email?token={token}"));
    assert_eq!(reader.cross_site().submit("/undo-email", &[]).status, 403);
    assert_eq!(reader.post("/undo-email", &[("token", &token)]).status, 403, "without a form's token");
    assert_eq!(address(&mut ann).0, NEW);
}
