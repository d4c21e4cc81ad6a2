use vestibule::sso::saml::{Check, LONGEST_FORM_VALUE};

use super::{Attack, replaced};
use crate::saml::stage::Stage;
use crate::support::idp::{Draft, Sign, encode};

pub fn all(stage: &Stage) -> Vec<Attack> {
    let good = stage.idp.document(&stage.draft());
    [encodings(&good), characters(&good), markup(stage, &good), bounds(&good), malformed(&good)].concat()
}

fn encodings(good: &str) -> Vec<Attack> {
    let form = encode(good);
    let utf16 = |to: fn(u16) -> [u8; 2]| good.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let utf32: Vec<u8> = good.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let with = |bytes: &[u8]| {
        let (before, after) = good.split_once(">ann<").unwrap();
        [before.as_bytes(), b">", bytes, b"<", after.as_bytes()].concat()
    };
    vec![
        Attack::form("too long", Check::Size, "A".repeat(LONGEST_FORM_VALUE + 1)),
        Attack::form("too long by blanks", Check::Size, format!("{form}{}", " ".repeat(LONGEST_FORM_VALUE))),
        Attack::form("no base64", Check::Base64, "%%%"),
        Attack::form("the document itself", Check::Base64, good),
        Attack::form("a data URL", Check::Base64, format!("data:text/xml;base64,{form}")),
        Attack::form("two documents", Check::Base64, format!("{}={}", form.trim_end_matches('='), form)),
        Attack::form("padding in the middle", Check::Base64, format!("PA=={form}")),
        Attack::form("no padding", Check::Base64, "PGE+PC9hPiA"),
        Attack::form("bits after the end", Check::Base64, "PGE+PC9hPiB="),
        Attack::form("base64url", Check::Base64, "PGE-PC9hPiA_"),
        Attack::form("full-width letters", Check::Base64, "ＰＧＥ"),
        Attack::text(
            "UTF-16 little-endian with its mark",
            Check::Utf8,
            [b"\xff\xfe".to_vec(), utf16(u16::to_le_bytes)].concat(),
        ),
        Attack::text(
            "UTF-16 big-endian with its mark",
            Check::Utf8,
            [b"\xfe\xff".to_vec(), utf16(u16::to_be_bytes)].concat(),
        ),
        Attack::text("UTF-16 little-endian", Check::Characters, utf16(u16::to_le_bytes)),
        Attack::text("UTF-16 big-endian", Check::Characters, utf16(u16::to_be_bytes)),
        Attack::text("UTF-32", Check::Characters, utf32),
        Attack::text("a byte order mark", Check::Utf8, format!("\u{feff}{good}")),
        Attack::text("overlong UTF-8 for <", Check::Utf8, with(b"\xc0\xbc")),
        Attack::text("overlong UTF-8 for NUL", Check::Utf8, with(b"\xc0\x80")),
        Attack::text("overlong UTF-8 of three bytes", Check::Utf8, with(b"\xe0\x80\xbc")),
        Attack::text("a surrogate", Check::Utf8, with(b"\xed\xa0\x80")),
        Attack::text("beyond Unicode", Check::Utf8, with(b"\xf4\x90\x80\x80")),
        Attack::text("a lone byte", Check::Utf8, with(b"\x80")),
        Attack::text("Latin-1", Check::Utf8, with(b"J\xf6rg")),
        Attack::text("deflated", Check::Utf8, b"\x78\x9c\xb3\xb1\xaf\xc8\xcd\x51\x28\x4b\x2d\x2a"),
        Attack::text("base64 twice", Check::WellFormed, &form),
    ]
}

fn characters(good: &str) -> Vec<Attack> {
    let strange = ['\0', '\u{1}', '\u{8}', '\u{b}', '\u{1b}', '\u{7f}', '\u{85}', '\u{9f}', '\u{fffe}', '\u{ffff}'];
    let in_name = |c: char| replaced(good, ">ann<", &format!(">ann{c}<"));
    let mut found: Vec<Attack> = strange
        .into_iter()
        .map(|c| Attack::text(format!("U+{:04X} in the NameID", u32::from(c)), Check::Characters, in_name(c)))
        .collect();
    found.push(Attack::text("a reference to NUL", Check::Characters, replaced(good, ">ann<", ">ann&#0;<")));
    found.push(Attack::text(
        "a reference to a control character",
        Check::Characters,
        replaced(good, ">ann<", ">ann&#x1f;<"),
    ));
    found.push(Attack::text("a reference to a surrogate", Check::Characters, replaced(good, ">ann<", ">&#xD800;<")));
    found.push(Attack::text("a reference to no number", Check::Characters, replaced(good, ">ann<", ">&#xyz;<")));
    found.push(Attack::text("NUL at the end", Check::Characters, format!("{good}\0")));
    found.push(Attack::text("NUL at the beginning", Check::Characters, format!("\0{good}")));
    found
}

/// Signed with it where it can be: a signature makes none of it good.
fn markup(stage: &Stage, good: &str) -> Vec<Attack> {
    let mut found = Vec::new();
    let places = [
        (">ann<", ">an{}n<"),
        ("<saml:Issuer>https", "<saml:Issuer>{}https"),
        ("<saml:Audience>", "<saml:Audience>{}"),
        ("<samlp:Status>", "{}<samlp:Status>"),
        ("<saml:Subject>", "<saml:Subject>{}"),
        (">ann@example.com<", ">ann@example.com{}.evil.test<"),
    ];
    for (what, markup) in [("a comment", "<!-- -->"), ("a PI", "<?x y?>"), ("CDATA", "<![CDATA[x]]>")] {
        for (at, (from, to)) in places.into_iter().enumerate() {
            for sign in [Sign::Response, Sign::Assertion] {
                let draft = Draft { sign, ..stage.draft() }.edit(from, &to.replace("{}", markup));
                found.push(Attack::draft(stage, format!("{what} at {at}, signed {sign:?}"), Check::Markup, &draft));
            }
        }
        found.push(Attack::text(format!("{what} before the root"), Check::Markup, format!("{markup}{good}")));
        found.push(Attack::text(format!("{what} after the root"), Check::Markup, format!("{good}{markup}")));
    }
    let laughs = (1..10).fold(String::from(r#"<!ENTITY a0 "ha">"#), |text, n| {
        let before = format!("&a{};", n - 1).repeat(10);
        format!(r#"{text}<!ENTITY a{n} "{before}">"#)
    });
    let in_dtd =
        |inner: &str, value: &str| format!("<!DOCTYPE r [{inner}]>{}", replaced(good, ">ann<", &format!(">{value}<")));
    let prologues = [
        ("an empty DTD", format!("<!DOCTYPE Response>{good}")),
        ("an entity", in_dtd(r#"<!ENTITY e "eve">"#, "&e;")),
        ("an entity of a file", in_dtd(r#"<!ENTITY e SYSTEM "file:///etc/passwd">"#, "&e;")),
        ("an entity of a URL", in_dtd(r#"<!ENTITY e SYSTEM "http://127.0.0.1:9/">"#, "&e;")),
        ("an entity of a device", in_dtd(r#"<!ENTITY e SYSTEM "file:///dev/zero">"#, "&e;")),
        ("a parameter entity", in_dtd(r#"<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;"#, "ann")),
        ("a billion laughs", in_dtd(&laughs, "&a9;")),
        ("an attribute by default", in_dtd(r#"<!ATTLIST Assertion ID CDATA "_x">"#, "ann")),
        ("an attribute declared an ID", in_dtd("<!ATTLIST NameID Format ID #IMPLIED>", "ann")),
        ("an external DTD", format!(r#"<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">{good}"#)),
        ("a stylesheet", format!(r#"<?xml-stylesheet href="http://127.0.0.1:9/"?>{good}"#)),
        ("a declaration of XML 1.1", format!(r#"<?xml version="1.1"?>{good}"#)),
        ("a declaration of UTF-16", format!(r#"<?xml version="1.0" encoding="UTF-16"?>{good}"#)),
        ("a declaration of UTF-7", format!(r#"<?xml version="1.0" encoding="UTF-7"?>{good}"#)),
        ("a declaration of Latin-1", format!(r#"<?xml version="1.0" encoding="ISO-8859-1"?>{good}"#)),
        ("a declaration with more in it", format!(r#"<?xml version="1.0" x="y"?>{good}"#)),
        ("a declaration that does not end", format!(r#"<?xml version="1.0" {good}"#)),
        ("two declarations", format!(r#"<?xml version="1.0"?><?xml version="1.0"?>{good}"#)),
        ("a declaration after a blank", format!(r#" <?xml version="1.0"?>{good}"#)),
    ];
    found.extend(prologues.into_iter().map(|(name, text)| Attack::text(name, Check::Markup, text)));
    found
}

fn bounds(good: &str) -> Vec<Attack> {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let named =
        |count: usize, kind: &str| (0..count).fold(String::new(), |text, n| format!("{text} {kind}{n}=\"urn:{n}\""));
    let inside = |what: &str| replaced(good, "<samlp:Status>", &format!("{what}<samlp:Status>"));
    let deep_names = |depth: usize| {
        let open = (0..depth).fold(String::new(), |text, n| format!("{text}<a{}>", named(8, &format!("xmlns:p{n}_"))));
        format!("{open}{}", "</a>".repeat(depth))
    };
    let many_values = "<saml:AttributeValue/>".repeat(10_001);
    let texts = [
        ("17 deep", nested(17)),
        ("60,000 deep", nested(30_000)),
        ("60,000 deep and never closed", "<a>".repeat(60_000)),
        ("deep in a response", inside(&nested(20))),
        ("10,001 elements", format!("<a>{}</a>", "<b/>".repeat(10_000))),
        ("90,000 elements", format!("<a>{}</a>", "<b/>".repeat(90_000))),
        ("10,001 values", replaced(good, "<saml:AttributeValue>", &format!("{many_values}<saml:AttributeValue>"))),
        ("33 attributes", format!("<a{}/>", named(33, "a"))),
        ("3,000 attributes", format!("<a{}/>", named(3_000, "a"))),
        ("41 namespaces", format!("<a{}><b{}/></a>", named(30, "xmlns:a"), named(11, "xmlns:b"))),
        ("namespaces at every depth", deep_names(12)),
        ("a long tag", format!("<a b=\"{}\"/>", "x".repeat(9_000))),
        ("a long tag that does not end", format!("<a b=\"{}", "x".repeat(300_000))),
        ("a long name", format!("<{}/>", "x".repeat(100_000))),
        (
            "a long attribute of the response",
            replaced(good, " Version=", &format!(" Consent=\"{}\" Version=", "x".repeat(9_000))),
        ),
    ];
    texts.into_iter().map(|(name, text)| Attack::text(name, Check::Bounds, text)).collect()
}

fn malformed(good: &str) -> Vec<Attack> {
    let in_name = |text: &str| replaced(good, ">ann<", &format!(">{text}<"));
    let on_root = |text: &str| replaced(good, " Version=", &format!(" {text} Version="));
    let mut texts = vec![
        ("nothing".to_owned(), String::new()),
        ("blanks".to_owned(), "  \n ".to_owned()),
        ("words".to_owned(), "let me in".to_owned()),
        ("JSON".to_owned(), r#"{"NameID":"ann"}"#.to_owned()),
        ("a page".to_owned(), "<html><body><p>hello<br></body></html>".to_owned()),
        ("two roots".to_owned(), format!("{good}{good}")),
        ("words after the root".to_owned(), format!("{good}let me in")),
        ("words before the root".to_owned(), format!("let me in{good}")),
        ("an unknown entity".to_owned(), in_name("&nbsp;")),
        ("a lone ampersand".to_owned(), in_name("a & b")),
        ("a tag that is never closed".to_owned(), in_name("<b>")),
        ("tags that cross".to_owned(), in_name("<b><i></b></i>")),
        ("an attribute twice".to_owned(), on_root(r#"ID="_x" ID="_y""#)),
        (
            "an attribute twice by its namespace".to_owned(),
            on_root(r#"xmlns:a="urn:x" xmlns:b="urn:x" a:c="1" b:c="2""#),
        ),
        ("an attribute without quotes".to_owned(), on_root("a=b")),
        ("an attribute without a value".to_owned(), on_root("a")),
        ("a prefix of nothing".to_owned(), on_root(r#"x:a="b""#)),
        ("another xml prefix".to_owned(), on_root(r#"xmlns:xml="urn:x""#)),
        ("a less-than in a value".to_owned(), on_root(r#"a="<""#)),
        ("a name that begins with a digit".to_owned(), in_name("<1/>")),
    ];
    // What recovering parsers make something of.
    for tenth in 1..10 {
        let near = good.len() * tenth / 10;
        let at = good[near..].find('>').map_or(near, |at| near + at + 1).min(good.len() - 1);
        texts.push((format!("cut after {tenth} tenths"), good[..at].to_owned()));
        let within = good[near..].find("=\"").map_or(near, |at| near + at + 3).min(good.len() - 1);
        texts.push((format!("cut within a tag after {tenth} tenths"), good[..within].to_owned()));
    }
    texts.into_iter().map(|(name, text)| Attack::text(name, Check::WellFormed, text)).collect()
}
