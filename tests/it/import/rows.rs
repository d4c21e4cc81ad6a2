//! What is wrong with a file, said line by line.

use serde_json::{Value, json};

use super::{BCRYPT, HEADER, crowd, events, import, import_csv, import_lines, people};
use crate::support::TestApp;

#[test]
fn every_error_is_told_with_its_line_and_the_rest_is_imported() {
    let app = TestApp::start();
    let file = format!(
        "{{\"email\": \"ann@example.com\", \"name\": \"Ann\"}}\n\
         \n\
         {{\"email\": \"nonsense\", \"name\": \"a\\u0000b\", \"password_hash\": \"hunter2\"}}\n\
         {{\"name\": \"Nobody\"}}\n\
         {{\"email\": \"bob@example.com\", \"pasword_hash\": \"{BCRYPT}\"}}\n\
         {{\"email\": \"bob@example.com\", \"email\": \"eve@example.com\"}}\n\
         {{\"email\": \"bob@example.com\"\n\
         {{\"email\": \"bob@example.com\"}} trailing\n\
         [\"bob@example.com\"]\n\
         {{\"email\": \"bob@example.com\", \"created_at\": \"yesterday\", \"email_verified\": \"perhaps\", \"name\": true}}\n\
         {{\"email\": \"bob@example.com\", \"created_at\": \"2999-01-01T00:00:00Z\"}}\n\
         {{\"email\": \"ANN@example.com\"}}\r\n\
         {{\"email\": \"bob@example.com\", \"id\": 7}}\n\
         {{\"email\": \"bob@example.com\", \"password_hash\": \"$2b$31${}\"}}\n\
         {{\"email\": \"carl@example.com\", \"name\": null, \"email_verified\": true, \"password_hash\": \"\"}}",
        &BCRYPT[7..]
    );
    let ended = import_lines(&app, &file);
    let expected = [
        "line 3: email: An email address has the form name@example.com.",
        "line 3: name: A name cannot hold control characters or line breaks.",
        "line 3: password_hash: this is not a hash of bcrypt, argon2, scrypt or PBKDF2 in a form that is taken here",
        "line 4: email: it is missing",
        "line 5: there is no field \"pasword_hash\"; is it password_hash?",
        "line 6: email: it is there twice",
        "line 7: this is not a whole JSON object: the line, or the file, was cut off",
        "line 8: this is not JSON, from column 30 on",
        "line 9: one JSON object is expected on each line",
        "line 10: name: a text is expected",
        "line 10: email_verified: true or false is expected",
        "line 10: created_at: a time like 2024-05-17T09:30:00Z is expected",
        "line 11: created_at: this time is still to come",
        "line 12: email: the same address as in line 1",
        "line 13: id: a text, or true or false, is expected",
        "line 14: password_hash: to check a password against this hash of bcrypt would take too much: a cost of 15 is the \
         most there can be",
    ];
    assert_eq!(ended.complaints(), expected);
    assert_eq!(ended.out, "Imported: 2 · already there: 0 · refused: 12 · rows: 14\n");
    assert!(ended.code == 1 && ended.err.ends_with(": 12 rows were refused\n"), "{}", ended.err);
    assert_eq!((people(&app), events(&app)), (2, 2));
    assert!(!ended.err.contains("bob@example.com") && !ended.err.contains("hunter2"), "{}", ended.err);
}

#[test]
fn scripts_get_each_error_and_the_counts_as_json() {
    let app = TestApp::start();
    let ended =
        import(&app, &["--format", "jsonl", "--json"], "{\"email\": \"ann@example.com\"}\n{\"email\": \"x\"}\n");
    let wrong: Value = serde_json::from_str(ended.err.lines().next().unwrap()).unwrap();
    let expected = json!({ "line": 2, "field": "email", "message": "An email address has the form name@example.com." });
    assert_eq!((ended.code, wrong), (1, expected));
    assert_eq!(ended.counts(), [2, 1, 0, 1]);
    assert_eq!(serde_json::from_str::<Value>(&ended.out).unwrap()["dry_run"], false);
}

#[test]
fn a_table_is_read_as_spreadsheets_and_databases_write_it() {
    let app = TestApp::start();
    let file = format!(
        "\u{feff}name,email_verified,email,password_hash\r\n\
         \"Lee, \"\"Annie\"\"\",TRUE,ann@example.com,{BCRYPT}\r\n\
         \r\n\
         Zoë,f,zoe@example.com,\r\n\
         ,,bob@example.com,\r\n"
    );
    let ended = import_csv(&app, file);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let told = app.text(
        "SELECT string_agg(concat_ws('|', name, email, email_verified_at IS NOT NULL, password_hash IS NOT NULL), ' '
         ORDER BY email) AS t FROM users",
    );
    assert_eq!(told, "Lee, \"Annie\"|ann@example.com|t|t |bob@example.com|f|f Zoë|zoe@example.com|f|f");
}

#[test]
fn errors_of_a_table_are_told_with_the_line_on_which_the_row_begins() {
    let app = TestApp::start();
    let mut file =
        b"email,name\n\nann@example.com,\"two\nlines\"\nbob@example.com\ncarl@example.com,Carl,more\n".to_vec();
    file.extend(b"dora@example.com,\xff\xfe\neve@example.com,Eve\nEVE@example.com,Eve");
    let expected = [
        "line 3: name: A name cannot hold control characters or line breaks.",
        "line 5: there are 1 fields, and 2 in the header",
        "line 6: there are 3 fields, and 2 in the header",
        "line 7: name: this is not UTF-8",
        "line 9: email: the same address as in line 8",
        "line 9: the file ends here without a line break: make sure that it was not cut off",
    ];
    let of_windows = file.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(b"\r\n".as_slice());
    for file in [file, of_windows] {
        let ended = import(&app, &["--format", "csv", "--dry-run"], file);
        assert_eq!((ended.code, ended.complaints()), (1, expected.to_vec()));
        assert!(ended.out.starts_with("Nothing was written. To import: 1 "), "{}", ended.out);
    }
}

#[test]
fn a_header_that_is_not_one_stops_everything() {
    let app = TestApp::start();
    for (file, why) in [
        ("", "the header: email is missing"),
        ("name,password_hash\nAnn,x\n", "the header: email is missing"),
        ("email,Name\n", "the header: there is no field \"Name\"; is it name?"),
        ("email,admin\n", "the header: there is no field \"admin\"; there are: email, name, password_hash"),
        ("email,email\n", "the header: email is there twice"),
        ("\u{feff}e\u{1b}[2Jmail\n", "the header: there is no field \"e?[2Jmail\""),
    ] {
        let ended = import_csv(&app, file);
        assert_eq!(ended.code, 1, "{file}");
        assert!(ended.err.contains(why), "{file}: {}", ended.err);
    }
    let utf_16: Vec<u8> = "email,name\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(import_csv(&app, [b"\xff\xfe".as_slice(), &utf_16].concat()).err.contains("the header is not UTF-8"));
    assert_eq!(people(&app), 0);
}

#[test]
fn a_line_of_ten_megabytes_is_refused_and_the_next_one_read() {
    let app = TestApp::start();
    let long = "x".repeat(10 << 20);
    let file = format!("{{\"email\": \"{long}\"}}\n{{\"email\": \"ann@example.com\"}}\n{long}");
    let ended = import_lines(&app, file);
    let expected = ["line 1: this line is longer than 64 KiB", "line 3: this line is longer than 64 KiB"];
    assert_eq!((ended.complaints(), people(&app)), (expected.to_vec(), 1));
}

#[test]
fn a_quote_that_is_never_closed_ends_the_import_and_says_where() {
    let app = TestApp::start();
    let file = format!("{HEADER}{}bob@example.com,\"Bob,,,\n{}", crowd(0, 3), crowd(3, 3000));
    let ended = import_csv(&app, file);
    assert_eq!(ended.code, 1);
    for part in ["a row is longer than 64 KiB: is a closing quote missing?", "the import stopped after 3 rows"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
    assert!(ended.out.contains("rows: 3\n"), "{}", ended.out);
}

#[test]
fn what_is_asked_for_wrongly_is_said_before_anything_is_read() {
    let app = TestApp::start();
    let ended = import(&app, &[], "");
    assert!(ended.code == 1 && ended.err.contains("--format jsonl or --format csv"), "{}", ended.err);
    assert_eq!(import(&app, &["--format", "xml"], "").code, 2);
    let file = super::command(&app, &["/nowhere/people.csv"]).output().unwrap();
    let err = String::from_utf8(file.stderr).unwrap();
    assert!(err.contains("opening /nowhere/people.csv"), "{err}");
}

#[test]
fn an_address_that_somebody_may_come_back_to_is_not_given_away() {
    let app = TestApp::start();
    let mut ann = app.verified("ann@example.com");
    ann.confirm();
    assert_eq!(ann.api("PUT", "/me/email", json!({ "email": "ann@elsewhere.example" })).status, 200);
    let file =
        "{\"email\": \"ANN@example.com\"}\n{\"email\": \"ann@elsewhere.example\"}\n{\"email\": \"bob@example.com\"}\n";
    for arguments in [["--format", "jsonl", "--dry-run"].as_slice(), &["--format", "jsonl"]] {
        let ended = import(&app, arguments, file);
        let why = "line 1: email: somebody has left this address lately, and may come back to it";
        assert!(ended.code == 1 && ended.err.contains(why), "{}", ended.err);
        assert!(ended.out.contains("1 · already there: 1 · refused: 1 · rows: 3"), "{}", ended.out);
    }
    assert_eq!((people(&app), events(&app)), (2, 1));
}
