//! Who is let in where: every state of a session or key, at every kind of place.

use super::cast::Who;
use super::scene::{BOTH, Case, Scene, Then};
use crate::assertions::ON;

/// Rows are people, columns are places; a word for what becomes of them there.
const TABLE: &str = "
    .           public  closed   x        two      lately   passkey  any      keys     admins   nowhere
    Nobody      nobody  closed   sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  closed
    Forger      nobody  closed   sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  closed
    SignedOut   nobody  closed   sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  closed
    Disabled    nobody  closed   sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  closed
    RanOut      nobody  closed   sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  closed
    Half        nobody  closed   sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  sign-in  closed
    Unverified  in      closed   address  address  address  address  in       address  closed   closed
    Leaving     nobody  closed   leaving  leaving  leaving  leaving  leaving  leaving  leaving  closed
    Unenrolled  nobody  closed   enrol    enrol    enrol    enrol    enrol    enrol    enrol    closed
    Ann         in      closed   in       confirm  in       confirm  in       in       in       closed
    Stale       in      closed   in       confirm  confirm  confirm  in       in       closed   closed
    TwoFactors  in      closed   in       in       in       confirm  in       in       closed   closed
    Key         nobody  closed   sign-in  sign-in  sign-in  sign-in  sign-in  in       sign-in  closed
    RevokedKey  nobody  closed   sign-in  sign-in  sign-in  sign-in  sign-in  bad-key  sign-in  closed
    OtherKey    nobody  closed   sign-in  sign-in  sign-in  sign-in  sign-in  bad-key  sign-in  closed
";

fn who(word: &str) -> Who {
    let all = [
        Who::RanOut,
        Who::Stale,
        Who::TwoFactors,
        Who::Half,
        Who::Ann,
        Who::Unverified,
        Who::Leaving,
        Who::Unenrolled,
        Who::SignedOut,
        Who::Disabled,
        Who::Key,
        Who::RevokedKey,
        Who::OtherKey,
        Who::Forger,
        Who::Nobody,
    ];
    all.into_iter().find(|who| format!("{who:?}") == word).unwrap_or_else(|| panic!("{word} is nobody"))
}

fn then(word: &str) -> Then {
    match word {
        "in" => Then::In,
        "nobody" => Then::AsNobody,
        "sign-in" => Then::SignIn,
        "confirm" => Then::Confirm,
        "closed" | "leaving" => Then::Refused("forbidden"),
        "address" => Then::Refused("email_unverified"),
        "enrol" => Then::Refused("mfa_enrollment_required"),
        "bad-key" => Then::BadKey,
        _ => panic!("{word} is no answer"),
    }
}

fn url(place: &str) -> String {
    match place {
        "nowhere" => "https://nowhere.example.com/x".to_owned(),
        "x" => "/x".to_owned(),
        place => format!("/{place}/x?a=1&b=2"),
    }
}

#[test]
fn everybody_is_answered_by_what_they_are_and_where_they_want_to_go() {
    check_all(&[], "");
}

/// By whomever apps are told, each of them is told a proof of it, and of nobody else.
#[test]
fn nobody_is_let_in_elsewhere_where_apps_are_told_a_proof() {
    check_all(&[ON], "eyJ");
}

/// `proof` is how one begins that apps are told.
fn check_all(special: &[(&str, &str)], proof: &'static str) {
    let mut rows = TABLE.lines().map(|row| row.split_whitespace().collect::<Vec<_>>()).filter(|row| !row.is_empty());
    let places = rows.next().expect("a head");
    let rows: Vec<_> = rows.collect();
    let whos: Vec<Who> = rows.iter().map(|row| who(row[0])).collect();
    let mut scene = Scene::with(special, &whos);
    scene.proof = proof;
    for row in rows {
        assert_eq!(row.len(), places.len(), "{row:?}");
        for (place, word) in places.iter().zip(&row).skip(1) {
            for looks in BOTH {
                scene.check(&Case::new(who(row[0]), &url(place), then(word)).looks(looks));
            }
        }
    }
}
