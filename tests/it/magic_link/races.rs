//! Two at once.

use std::thread;

use super::{ANN, ask, asked, by_code, by_link, events, mailed, shown, wrong};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;

const CROWD: usize = 6;

/// What each of a crowd of the same browser got, sorted; the crowd is told apart by a number.
fn all_at_once(browser: &Browser, act: impl Fn(&mut Browser, usize) -> Page + Sync) -> Vec<u16> {
    let act = &act;
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let acts: Vec<_> = (0..CROWD)
            .map(|number| {
                let mut one = browser.clone();
                scope.spawn(move || act(&mut one, number).status)
            })
            .collect();
        acts.into_iter().map(|act| act.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    statuses
}

fn one_wins() -> Vec<u16> {
    let mut expected = vec![410; CROWD];
    expected[0] = 200;
    expected
}

#[test]
fn one_link_used_many_times_at_once_signs_in_once() {
    let app = TestApp::start();
    app.verified(ANN);
    let browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    assert_eq!(all_at_once(&browser, |browser, _| by_link(browser, &token)), one_wins());
    assert_eq!(events(&app, "session.opened"), 2, "and when she signed up");
}

#[test]
fn one_code_used_many_times_at_once_signs_in_once() {
    let app = TestApp::with(&[("limits.login_per_account", "100 per 15m")]);
    app.verified(ANN);
    let browser = asked(&app, ANN);
    let code = shown(&app, &mailed(&app, ANN));
    assert_eq!(all_at_once(&browser, |browser, _| by_code(browser, &code)), one_wins());
    assert_eq!(events(&app, "session.opened"), 2);
}

#[test]
fn link_and_code_at_once_sign_in_once() {
    let app = TestApp::with(&[("limits.login_per_account", "100 per 15m")]);
    app.verified(ANN);
    let browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let code = shown(&app, &token);
    let act = |browser: &mut Browser, number: usize| {
        if number.is_multiple_of(2) { by_link(browser, &token) } else { by_code(browser, &code) }
    };
    assert_eq!(all_at_once(&browser, act), one_wins());
    assert_eq!(events(&app, "session.opened"), 2);
}

#[test]
fn wrong_codes_at_once_are_each_counted() {
    let app = TestApp::with(&[("limits.login_per_account", "100 per 15m")]);
    app.verified(ANN);
    let browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let right = shown(&app, &token);
    let statuses = all_at_once(&browser, |browser, _| by_code(browser, wrong(&right)));
    assert_eq!(statuses, [401, 401, 401, 401, 401, 410]);
    assert_eq!(by_link(&mut browser.clone(), &token).status, 410);
}

#[test]
fn asking_many_times_at_once_leaves_one_link_a_cookie() {
    let app = TestApp::with(&[("limits.mail_per_account", "100 per 1h")]);
    app.verified(ANN);
    let browser = asked(&app, ANN);
    let first = mailed(&app, ANN);
    assert_eq!(all_at_once(&browser, |browser, _| ask(browser, ANN)), [202; CROWD]);
    assert_eq!(by_link(&mut browser.clone(), &first).status, 410, "the earlier one is replaced");
    for _ in 0..CROWD {
        mailed(&app, ANN);
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM magic_links"), i64::try_from(CROWD).unwrap());
}
