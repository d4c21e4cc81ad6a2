use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use super::*;
use crate::affiliations::Affiliations;

static NOWHERE: LazyLock<Affiliations> = LazyLock::new(Affiliations::default);
static ADDRESS: LazyLock<EmailAddress> = LazyLock::new(|| EmailAddress::parse("ann@example.com").unwrap());
const NOW: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;
const BY_PASSWORD: Proofs = Proofs { anything: NOW, second_factor: None, passkey: None };

static ANN: LazyLock<Subject> = LazyLock::new(|| Subject::Person(holder(Some(&ADDRESS)), BY_PASSWORD));
static NEW: LazyLock<Subject> = LazyLock::new(|| Subject::Person(holder(None), BY_PASSWORD));
static PROGRAM: LazyLock<Subject> = LazyLock::new(|| Subject::Program(holder(Some(&ADDRESS))));
static PROGRAM_OF_NEW: LazyLock<Subject> = LazyLock::new(|| Subject::Program(holder(None)));
const SIGN_IN: Decision = Decision::SignIn;
const ALLOW: Decision = Decision::Allow;
const FORBIDDEN: Decision = Decision::Deny(Reason::Forbidden);
const UNVERIFIED: Decision = Decision::Deny(Reason::Unverified);
const AMBIGUOUS: Decision = Decision::Deny(Reason::Ambiguous);

fn rule(hosts: &[&str], paths: &[&str], allow: Allow) -> settings::Rule {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    settings::Rule { paths: owned(paths), ..settings::Rule::for_hosts(owned(hosts), allow) }
}

fn holder(verified: Option<&'static EmailAddress>) -> Holder<'static> {
    Holder { verified, affiliations: &NOWHERE }
}

fn rules() -> Rules {
    let rules = vec![
        rule(&["app.example.com"], &["/admin/**"], Allow::Deny),
        settings::Rule { api_keys: true, ..rule(&["app.example.com"], &["/api/**"], Allow::SignedIn) },
        settings::Rule {
            verified: false,
            api_keys: true,
            ..rule(&["app.example.com"], &["/hooks/**"], Allow::SignedIn)
        },
        rule(&["app.example.com"], &["/public/**", "/feed.xml"], Allow::Public),
        settings::Rule { verified: false, ..rule(&["app.example.com"], &["/welcome"], Allow::SignedIn) },
        rule(&["app.example.com", "localhost:8081"], &[], Allow::SignedIn),
        rule(&["*.example.com"], &["/*/open"], Allow::Public),
    ];
    let organizations = settings::Organizations::Named(Vec::new());
    Rules::compile(&settings::Gateway {
        default: Allow::Deny,
        assertion: false,
        organizations,
        rules,
        record: settings::Record::NOTHING,
    })
}

fn judge(url: &str, subject: Subject<'_>) -> Decision {
    let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let request = Request::from_url(b"GET", url.as_bytes(), client).unwrap();
    rules().judge(&request, &subject, Rehearsal::No, NOW).decision
}

#[test]
fn the_first_matching_rule_decides_and_the_default_denies() {
    let cases = [
        ("https://app.example.com/", [SIGN_IN, UNVERIFIED, ALLOW]),
        ("https://app.example.com:8443/x", [SIGN_IN, UNVERIFIED, ALLOW]),
        ("https://APP.example.com./x", [SIGN_IN, UNVERIFIED, ALLOW]),
        ("https://app.example.com/admin", [FORBIDDEN; 3]),
        ("https://app.example.com/admin/x", [FORBIDDEN; 3]),
        ("https://app.example.com/public/x", [ALLOW; 3]),
        ("https://app.example.com/feed.xml", [ALLOW; 3]),
        ("https://app.example.com/feed.xml/x", [SIGN_IN, UNVERIFIED, ALLOW]),
        ("https://app.example.com/welcome", [SIGN_IN, ALLOW, ALLOW]),
        ("http://localhost:8081/", [SIGN_IN, UNVERIFIED, ALLOW]),
        ("http://localhost:8082/", [FORBIDDEN; 3]),
        ("https://other.example.com/x/open", [ALLOW; 3]),
        ("https://other.example.com/x/y/open", [FORBIDDEN; 3]),
        ("https://other.example.com/", [FORBIDDEN; 3]),
        ("https://example.com/x/open", [FORBIDDEN; 3]),
        ("https://app.example.com.evil.test/public/x", [FORBIDDEN; 3]),
    ];
    for (url, expected) in cases {
        let decisions = [Subject::Stranger, *NEW, *ANN].map(|subject| judge(url, subject));
        assert_eq!(decisions, expected, "{url}");
    }
}

#[test]
fn a_key_is_good_where_the_rule_takes_keys_and_for_whom_it_lets_through() {
    let cases = [
        ("https://app.example.com/api/x", [ALLOW, UNVERIFIED], true),
        ("https://app.example.com/hooks/x", [ALLOW, ALLOW], true),
        ("https://app.example.com/x", [SIGN_IN, SIGN_IN], false),
        ("https://app.example.com/welcome", [SIGN_IN, SIGN_IN], false),
        ("https://app.example.com/public/x", [ALLOW, ALLOW], false),
        ("https://app.example.com/admin/x", [FORBIDDEN, FORBIDDEN], false),
        ("https://app.example.com/api/..%2fx", [AMBIGUOUS, AMBIGUOUS], false),
        ("https://app.example.com/API/x", [AMBIGUOUS, AMBIGUOUS], false),
        ("https://other.example.com/api/x", [FORBIDDEN, FORBIDDEN], false),
    ];
    for (url, expected, are_taken) in cases {
        assert_eq!([*PROGRAM, *PROGRAM_OF_NEW].map(|subject| judge(url, subject)), expected, "{url}");
        let request = Request::from_url(b"GET", url.as_bytes(), IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        assert_eq!(rules().takes_keys(&request), are_taken, "{url}");
    }
    assert_eq!(judge("https://app.example.com/api/x", *ANN), ALLOW, "a cookie is as good as ever");
    assert_eq!(judge("https://app.example.com/api/x", Subject::Stranger), SIGN_IN);
}

#[test]
fn whoever_leaves_or_lacks_a_second_factor_comes_in_where_anybody_may_and_nowhere_else() {
    for (subject, reason) in [(Subject::Leaving, Reason::Leaving), (Subject::Unprotected, Reason::Unprotected)] {
        for (url, expected) in [
            ("https://app.example.com/", Decision::Deny(reason)),
            ("https://app.example.com/welcome", Decision::Deny(reason)),
            ("https://app.example.com/api/x", Decision::Deny(reason)),
            ("https://app.example.com/public/x", ALLOW),
            ("https://app.example.com/admin", FORBIDDEN),
            ("https://app.example.com/API/x", AMBIGUOUS),
        ] {
            assert_eq!(judge(url, subject), expected, "{url}");
        }
    }
}

#[test]
fn a_path_that_others_read_as_another_is_denied_to_everybody() {
    let sneaky = [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/%2E./secret",
        "/public/%252e%252e/admin",
        "/public/..%2fadmin",
        "/public/..%5cadmin",
        "/public/..;/admin",
        "/public/..;x=y/admin",
        "/public//../admin",
        "/public/./../admin",
        "/public/.;/..;/admin",
        "/public%2f..%2fsecret",
        "/public%2fx",
        "//admin",
        "//public/x",
        "/./admin",
        "/x/../admin",
        "/%2fadmin",
        "/admin;x",
        "/;/admin",
        "/admin%2fx",
        "/ad%6din%2f..%2fpublic",
        "/feed.xml;x",
        "/%61dmin/..",
        "/Admin",
        "/ADMIN/x",
        "/Public/x",
        "/public/..%2fADMIN",
        "/admin%3fx",
        "/admin%23",
        "/feed.xml%3F",
    ];
    for path in sneaky {
        let url = format!("https://app.example.com{path}");
        for subject in [Subject::Stranger, *NEW, *ANN] {
            assert_eq!(judge(&url, subject), AMBIGUOUS, "{path}");
        }
    }
}

#[test]
fn an_odd_path_that_everybody_judges_alike_is_let_through() {
    let harmless = [
        "/x//y",
        "/x/./y",
        "/x;v=1/y",
        "/projects/group%2Fproject",
        "/x/%2e%2e/y",
        "/100%25",
        "/caf%E9",
        "/?path=../../admin",
        "/x?/../admin",
        "/?",
    ];
    for path in harmless {
        assert_eq!(judge(&format!("https://app.example.com{path}"), *ANN), ALLOW, "{path}");
    }
    assert_eq!(judge("https://app.example.com/public/a;b//c%2Fd", Subject::Stranger), ALLOW);
    assert_eq!(judge("https://app.example.com/%61dmin", *ANN), FORBIDDEN);
    assert_eq!(judge("https://app.example.com/admin/%2e/x", *ANN), FORBIDDEN);
}

/// Whatever is put between a public folder and a way out of it, nobody is let in unasked to what any
/// reader takes for the inside.
#[test]
fn no_mixture_of_oddities_opens_a_closed_folder() {
    let pieces = [
        "public",
        "admin",
        "x",
        ".",
        "..",
        "%2e%2e",
        ".%2e",
        "..;",
        "..;a",
        "",
        "%2f",
        "..%2f",
        "%5c",
        "..%5c",
        "%252e%252e",
        ";",
    ];
    let mut escaped = 0;
    for (a, b, c) in pieces.iter().flat_map(|a| pieces.iter().flat_map(move |b| pieces.map(|c| (*a, *b, c)))) {
        let path = format!("/public/{a}/{b}/{c}/admin/secret");
        let decision = judge(&format!("https://app.example.com{path}"), Subject::Stranger);
        if escapes(&path) {
            escaped += 1;
            assert_eq!(decision, AMBIGUOUS, "{path}");
        } else {
            assert!(matches!(decision, ALLOW | AMBIGUOUS), "{path}: {decision:?}");
        }
    }
    assert!(escaped > 100, "{escaped}");
    assert_eq!(judge("https://app.example.com/public/x//;/admin/secret", Subject::Stranger), ALLOW);
}

/// Another reader, written differently: a URL parser, after everything that can be unwrapped was.
fn escapes(path: &str) -> bool {
    let text = path.replace("%25", "%").replace("%2f", "/").replace("%5c", "/").replace("%2e", ".");
    let plain: Vec<&str> = text.split('/').map(|s| s.split(';').next().unwrap()).filter(|s| !s.is_empty()).collect();
    let url = url::Url::parse(&format!("https://x.test/{}", plain.join("/"))).unwrap();
    !url.path().starts_with("/public/")
}
