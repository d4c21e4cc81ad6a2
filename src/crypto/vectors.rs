//! Hashes as other systems make them, and what becomes of those that nobody should have made.

use super::{Hasher, PasswordHash, Unusable, Verdict};
use crate::config::settings;
use crate::kernel::Redacted;

const PASSWORD: &str = "velvet orbit canoe";

/// Of [`PASSWORD`], by bcrypt 4.0, argon2-cffi 25.1, passlib 1.7.4, Django 5.2 and hashlib of Python 3.11.
const MADE_ELSEWHERE: [&str; 23] = [
    "$2b$05$O3tHxw5h8YuV.s9h/EnT.uE1XjqXhfNlovH5aFiqtdByI3FYIMq3y",
    "$2a$05$kDQREfauoYTx3JWsalTHa.4L9tPV.rEi2CsPzx31SYFkcfB5JBRRS",
    "$2y$05$g1eBRCBGwpeveOk7HFVOFu/YZOMgEA0DYL2vmIDPKgszrwmgKkS8q",
    "bcrypt$$2b$05$4w2zZWou8kk0eSYnGIA9Au1a9uDiIPVUjr847h8jmxNWORPFlvkQ.",
    "$argon2i$v=19$m=256,t=3,p=4$/Sm3yibQ6RnSntLYPYDQsA$Yc/6mpRI71QMUymOOsxNv/4oniE1uh7KLHLIoDMzEvo",
    "$argon2d$v=19$m=256,t=3,p=4$7fX2UWVSgqQx7S6Mv0mC3A$ObpuGOfmCAQ0Ltufx4xnycrUyE47BE64QGvKvesUY7U",
    "$argon2id$v=19$m=256,t=3,p=4$GqwXkIV7l6iuK19inL/gDg$dYUZ7oxnV30J7TtIRWmn+qr7D6rAYopjOzWU1craRj8",
    "$argon2id$v=19$m=32768,t=1,p=1$WyzkMbPyOWhvk6rJUvoxnA$tUFldxqmio76qjA6wQYXxO6R6XEednoh9OUrrsFtBPk",
    "$argon2i$v=16$m=128,t=2,p=1$c29tZXNhbHQxMjM0$/WIFVMQVo17LlWEXr9uxyHYiixnSvtVDmfKGBcSQE8A",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c2Vhc2FsdDIwMjR4$XO66de0joCVPpZfugI8qRzy3FN3mkSsb109o/UberfA",
    "$scrypt$ln=10,r=8,p=2$43wvJeQ8R2jN+R9j7J1TCg$u+oEIYjICrn0oKpmg6NIZru+D1Y2veAcdawUPr0H1CM",
    "$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$sSVQGhFmKKC3/rpuhiLK7JnCnNCuu7L8664BYtdnmD8",
    "$7$86..../....GYMwxlirlXJuba1Vai2FsA$GLcJTmigG2QE6.5WoH/S7Up7REnG3UmA.oCBO76oBx7",
    "scrypt$1024$seasalt2024x$8$1$y00sYq/xcOL6lKyNIY5eWaQShcPUDTdGH6R+T1rIh+SdylKCU9swM98hqT9Jp6CipzBG7cccemG4eoyn5m8giA==",
    "$pbkdf2$1000$Wmut9R5DSOk9J6TUeu8dYw$hKqRf5qZ6M6JkbHvk8NPQC0eBCc",
    "$pbkdf2-sha256$1000$GSPk3Nsb49z7vzdmrFWKcQ$mcydl3tUe25is5zbkRZieuQRhLLKaOXvQEFFobOAyUw",
    "$pbkdf2-sha512$1000$0trbu9d6rxXCeE.pdQ7BGA$tZC5.WHNpoznFcA3kgdi.zqvPx8Xn4klcbTkDKe27l9gj0dkS1uvJcgeYLBYPs004ymnVtKYMM42jMbUuY/0kw",
    "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$KSkS4lZwxUBpBxnauQyQ9gjFlG2VVtDWjUma/1loPsc",
    "$pbkdf2-sha256$i=1000$c2FsdHNhbHRzYWx0c2FsdA$KSkS4lZwxUBpBxnauQyQ9gjFlG2VVtDWjUma/1loPsc",
    "$pbkdf2-sha512$i=1000,l=64$c2FsdHNhbHRzYWx0c2FsdA$PXeYkVVuwEg/2ZBt71kPmugpPjXH9f1NlbfZdDscVWBgLzZMbmOX5O4kx5r3le2AEvkU02zwHvMJMK+IX4zWWg",
    // Of Werkzeug 3.1, put together as docs/import.md says.
    "$pbkdf2-sha256$i=1000$TGNiSWhqRjlMZlJVdkFZcQ$yhaHTpXmlrJWYZ09JCxa4gqlnoDTBTM7yJ8eojwrN9I",
    "pbkdf2_sha256$1000$seasalt2024x$FrkuEDg1exTg8rMgwnMGc67s9qpr2GldGmsy8dsVrpE=",
    "pbkdf2_sha1$1000$seasalt2024x$zdHZBGB+Bmm/ckVXsktA33ZtaQQ=",
];

/// With their passwords, from where the formats are described.
const PUBLISHED: [(&str, &str); 4] = [
    // The tests of OpenBSD's and Openwall's bcrypt, as jBCrypt has them.
    ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
    // The command line of the reference implementation of argon2.
    ("password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"),
    // scrypt's author, RFC 7914, section 12; written as crypt(5) does.
    ("pleaseletmein", "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D"),
    // The documentation of passlib.
    ("password", "$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M"),
];

fn hasher() -> Hasher {
    let settings = settings::Password {
        min_length: 8,
        min_strength: 2,
        memory_kib: 64,
        iterations: 1,
        parallelism: 1,
        max_concurrent: 2,
        breach_api: None,
        breach_file: None,
    };
    Hasher::new(&settings).unwrap()
}

async fn judge(hasher: &Hasher, password: &str, hash: &str) -> Verdict {
    let hash = PasswordHash::from_elsewhere(hash).unwrap_or_else(|error| panic!("{hash}: {error}"));
    hasher.verify(Redacted::new(password.to_owned()), Some(hash)).await.unwrap()
}

#[tokio::test]
async fn a_hash_made_elsewhere_is_right_for_its_password_only_and_is_to_be_replaced() {
    let hasher = hasher();
    let published = PUBLISHED.into_iter();
    for (password, hash) in MADE_ELSEWHERE.map(|hash| (PASSWORD, hash)).into_iter().chain(published) {
        assert_eq!(judge(&hasher, password, hash).await, Verdict::RightButDated, "{hash}");
        assert_eq!(judge(&hasher, "velvet orbit Canoe", hash).await, Verdict::Wrong, "{hash}");
        assert_eq!(judge(&hasher, "", hash).await, Verdict::Wrong, "{hash}");
    }
}

#[tokio::test]
async fn the_empty_password_opens_nothing_even_where_another_system_took_it() {
    // Published beside the first of bcrypt above.
    let of_nothing = "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
    assert_eq!(judge(&hasher(), "", of_nothing).await, Verdict::Wrong);
}

#[tokio::test]
async fn bcrypt_looks_at_72_bytes_as_it_did_where_the_hash_was_made() {
    let (long, hash) =
        ("kettle velvet orbit ".repeat(4), "$2b$04$PNi9ERVeqtfL6SPmgcg2me.uTPCZa9H9tYkQ4g11P.kRr34neirh.");
    let hasher = hasher();
    assert_eq!(judge(&hasher, &long, hash).await, Verdict::RightButDated);
    assert_eq!(judge(&hasher, &long[..72], hash).await, Verdict::RightButDated);
    assert_eq!(judge(&hasher, &long[..71], hash).await, Verdict::Wrong);
    let of_unicode = "$2b$04$oqMEkCu7OsELmGM3qyhPNO9ly1YL66zZqmFgA/O7bH8VfSa6XnKmi";
    assert_eq!(judge(&hasher, "ünïcödé-kettle-93", of_unicode).await, Verdict::RightButDated);
}

#[tokio::test]
async fn hashes_that_need_much_memory_take_turns_and_all_are_answered() {
    let hasher = hasher();
    let big = "argon2$argon2id$v=19$m=102400,t=2,p=8$c2Vhc2FsdDIwMjR4$XO66de0joCVPpZfugI8qRzy3FN3mkSsb109o/UberfA";
    let all = futures_util::future::join_all((0..6).map(|_| judge(&hasher, PASSWORD, big))).await;
    assert_eq!(all, [Verdict::RightButDated; 6]);
}

#[test]
fn a_hash_that_would_burn_minutes_or_gigabytes_is_refused() {
    let (salt, output) = ("c2FsdHNhbHRzYWx0c2FsdA", "sSVQGhFmKKC3/rpuhiLK7JnCnNCuu7L8664BYtdnmD8");
    let tail = format!("{salt}${output}");
    let wide = "A".repeat(86);
    for hash in [
        "$2b$16$O3tHxw5h8YuV.s9h/EnT.uE1XjqXhfNlovH5aFiqtdByI3FYIMq3y".to_owned(),
        "$2b$31$O3tHxw5h8YuV.s9h/EnT.uE1XjqXhfNlovH5aFiqtdByI3FYIMq3y".to_owned(),
        format!("$argon2id$v=19$m=262145,t=1,p=1${tail}"),
        format!("$argon2id$v=19$m=262144,t=9,p=1${tail}"),
        format!("$argon2id$v=19$m=4294967295,t=4294967295,p=1${tail}"),
        format!("$scrypt$ln=19,r=8,p=1${tail}"),
        format!("$scrypt$ln=18,r=8,p=5${tail}"),
        format!("$scrypt$ln=1,r=1048576,p=2${tail}"),
        format!("$scrypt$ln=30,r=1048576,p=512${tail}"),
        format!("$pbkdf2-sha256$5000001${tail}"),
        format!("$pbkdf2-sha256$i=2600000${salt}${wide}"),
        format!("pbkdf2_sha512$4294967295$salt${output}="),
    ] {
        let refused = PasswordHash::from_elsewhere(&hash);
        assert!(matches!(refused, Err(Unusable::TooCostly { .. })), "{hash}: {refused:?}");
    }
    for hash in [
        "$2b$15$O3tHxw5h8YuV.s9h/EnT.uE1XjqXhfNlovH5aFiqtdByI3FYIMq3y".to_owned(),
        format!("$argon2id$v=19$m=262144,t=8,p=1${tail}"),
        format!("$scrypt$ln=18,r=8,p=4${tail}"),
        format!("$pbkdf2-sha256$5000000${tail}"),
    ] {
        assert!(PasswordHash::from_elsewhere(&hash).is_ok(), "{hash}");
    }
}

#[test]
fn what_is_no_hash_or_was_cut_off_is_refused() {
    use Unusable::{Malformed, Unknown};
    let (salt, output) = ("c2FsdHNhbHRzYWx0c2FsdA", "sSVQGhFmKKC3/rpuhiLK7JnCnNCuu7L8664BYtdnmD8");
    let tail = format!("{salt}${output}");
    for (hash, why) in [
        (String::new(), Unknown),
        ("hunter2".to_owned(), Unknown),
        ("5f4dcc3b5aa765d61d8327deb882cf99".to_owned(), Unknown),
        ("$1$salt$qJH7.N4xYta3aEG/dfqo/0".to_owned(), Unknown),
        (
            "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g.".to_owned(),
            Unknown,
        ),
        ("$2x$05$O3tHxw5h8YuV.s9h/EnT.uE1XjqXhfNlovH5aFiqtdByI3FYIMq3y".to_owned(), Unknown),
        ("bcrypt_sha256$$2b$05$tu79JzNIYIvl4avVYpQFsOx/.kboEDvPnRSM/XWU3d4ZjxFCzhWOq".to_owned(), Unknown),
        ("pbkdf2:sha256:1000$LcbIhjF9LfRUvAYq$ca16874e95e696b256619d3d242c5ae2".to_owned(), Unknown),
        (format!("$pbkdf2-md5$1000${tail}"), Unknown),
        (format!("$scrypt$ln=10,r=8,p=1${tail}{}", "A".repeat(512)), Unknown),
        ("$2b$05$é3tHxw5h8YuV.s9h/EnT.uE1XjqXhfNlovH5aFiqtdByI3FYIMq3y".to_owned(), Unknown),
        ("$2b$05$O3tHxw5h8YuV.s9h/EnT.uE1XjqXhfNlovH5aFiqtdByI3FYIMq3".to_owned(), Malformed("bcrypt")),
        ("$2b$03$O3tHxw5h8YuV.s9h/EnT.uE1XjqXhfNlovH5aFiqtdByI3FYIMq3y".to_owned(), Malformed("bcrypt")),
        (format!("$argon2id$v=18$m=256,t=3,p=4${tail}"), Malformed("argon2")),
        (format!("$argon2id$v=19$m=256,t=3${tail}"), Malformed("argon2")),
        (format!("$argon2id$v=19$m=256,t=3,p=4,keyid=Hj5+dsK0${tail}"), Malformed("argon2")),
        (format!("$argon2id$v=19$m=16,t=3,p=4${tail}"), Malformed("argon2")),
        (format!("$argon2id$v=19$m=256,t=3,p=4${salt}$sSVQGhFmKKC3"), Malformed("argon2")),
        (format!("$argon2id$v=19$m=256,t=3,p=4${salt}"), Malformed("argon2")),
        (format!("$scrypt$ln=0,r=8,p=1${tail}"), Malformed("scrypt")),
        (format!("$scrypt$ln=10,r=4294967295,p=4294967295${tail}"), Malformed("scrypt")),
        (format!("$scrypt$ln=10,r=0,p=1${tail}"), Malformed("scrypt")),
        ("$7$86....".to_owned(), Malformed("scrypt")),
        (format!("scrypt$1000$salt$8$1${output}="), Malformed("scrypt")),
        (format!("$pbkdf2-sha256$0${tail}"), Malformed("PBKDF2")),
        (format!("$pbkdf2-sha256$i=1000,l=20${tail}"), Malformed("PBKDF2")),
        (format!("$pbkdf2-sha256$1000$${output}"), Malformed("PBKDF2")),
        (format!("pbkdf2_sha256$1000$salt${output}"), Malformed("PBKDF2")),
    ] {
        assert_eq!(PasswordHash::from_elsewhere(&hash).unwrap_err(), why, "{hash}");
    }
}
