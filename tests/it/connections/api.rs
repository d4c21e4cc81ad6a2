//! By the API.

use std::thread;

use serde_json::{Value, json};

use super::{PLACE, added, certificate, metadata, place_of, simple};
use crate::orgs::{OWNER, acme, staffed};
use crate::support::TestApp;
use crate::support::people::code;

#[test]
fn an_owner_sets_a_provider_up_from_its_metadata() {
    let app = TestApp::start();
    let ([mut owner, mut admin, mut member], _) = staffed(&app);
    let (one, two) = (certificate("one"), certificate("two"));
    let said = added(
        &mut owner,
        &json!({
            "kind": "saml",
            "name": "Staff",
            "domains": ["Example.com", "example.org"],
            "metadata_xml": metadata("https://idp.example.com/", &[&one, &two, &one]),
            "attributes": { "email": "mail", "groups": null },
            "group_roles": { "Engineering": "member", "IT": "admin" },
            "default_role": null,
            "allow_idp_initiated": true,
        }),
    );
    let expected = json!({
        "kind": "saml", "name": "Staff", "idp_entity_id": "https://idp.example.com/",
        "sso_url": "https://idp.example.com/sso", "sso_binding": "redirect",
        "slo_url": "https://idp.example.com/slo", "slo_binding": "redirect",
        "attributes": { "email": "mail", "name": null, "groups": null },
        "group_roles": { "Engineering": "member", "IT": "admin" }, "group_groups": {}, "default_role": null,
        "allow_idp_initiated": true, "sign_requests": true, "enforced": false, "enforced_from": null,
        "tested_at": null,
        "domains": [{ "name": "example.com", "proved": false }, { "name": "example.org", "proved": false }],
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&said[field], value, "{field}");
    }
    assert_eq!(said["metadata"]["from"], "xml");
    assert_eq!(said["certificates"].as_array().unwrap().len(), 2, "each once");
    assert_eq!(said["certificates"][0]["not_after"], "2036-01-01T00:00:00Z");
    let place = place_of(&said);
    for reader in [&mut owner, &mut admin] {
        let shown: Value = reader.api("GET", &place, Value::Null).json();
        assert_eq!(shown, said);
        let all: Value = reader.api("GET", PLACE, Value::Null).json();
        assert_eq!(all["connections"], json!([said]));
    }
    assert_eq!(member.api("GET", &place, Value::Null).status, 403);
    let sealed =
        "SELECT (position('BEGIN' in encode(sealed_key, 'escape')) = 0 AND length(sealed_key) > 1000)::text AS t
        FROM connection_keys";
    assert_eq!(app.text(sealed), "true", "the private key lies open");
}

#[test]
fn what_is_published_names_this_connection_and_its_keys() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    let said = simple(&mut owner);
    let place = place_of(&said);
    let path = format!("/saml/{}/metadata", said["id"].as_str().unwrap());
    let published = |app: &TestApp| {
        let page = app.browser().get(&path);
        assert_eq!((page.status, page.header("content-type")), (200, Some("application/samlmetadata+xml")));
        page.answer.text()
    };
    let first = published(&app);
    let at = |part: &str| format!("{}saml/{}/{part}", app.public_url(), said["id"].as_str().unwrap());
    assert!(first.contains(&format!("entityID=\"{}\"", at("metadata"))), "{first}");
    for part in ["acs", "logout"] {
        assert!(first.contains(&format!("Location=\"{}\"", at(part))), "{part}: {first}");
    }
    assert_eq!(said["service_provider"]["entity_id"], at("metadata"));
    assert!(first.contains("AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\""));
    let certificates = |text: &str| -> Vec<String> {
        let parts = text.split("use=\"signing\"").skip(1);
        let inner = |part: &str| part.split("X509Certificate>").nth(1).unwrap().trim_end_matches("</ds:").to_owned();
        parts.map(inner).collect()
    };
    let before = certificates(&first);
    assert_eq!(before.len(), 1);
    let as_a_file = said["keys"][0]["certificate"].as_str().unwrap();
    let lines: Vec<&str> = as_a_file.lines().filter(|line| !line.starts_with("-----")).collect();
    assert_eq!(lines.concat(), before[0], "for providers that read no metadata: {as_a_file}");
    assert!(lines.iter().all(|line| line.len() <= 64));

    // Rolled over: both are shown, then the new one signs, then the old one goes.
    let new: Value = owner.api("POST", &format!("{place}/keys"), Value::Null).json();
    assert_eq!(new["signs"], false);
    let both = certificates(&published(&app));
    assert_eq!((both.len(), &both[0]), (2, &before[0]), "the old one goes on signing");
    let (old, new) = (said["keys"][0]["id"].as_str().unwrap(), new["id"].as_str().unwrap());
    let refused = owner.api("DELETE", &format!("{place}/keys/{old}"), Value::Null);
    assert_eq!(code(&refused), "conflict", "what signs cannot go");
    assert_eq!(owner.api("POST", &format!("{place}/keys/{new}/activate"), Value::Null).status, 204);
    assert_eq!(certificates(&published(&app))[0], both[1]);
    assert_eq!(owner.api("DELETE", &format!("{place}/keys/{old}"), Value::Null).status, 204);
    assert_eq!(certificates(&published(&app)), [both[1].clone()]);
    assert_eq!(owner.api("DELETE", &format!("{place}/keys/{old}"), Value::Null).status, 404, "twice");

    for unknown in ["/saml/nonsense/metadata", "/saml/01976d3e-0000-7000-8000-000000000000/metadata"] {
        assert_eq!(app.browser().get(unknown).status, 404);
    }
}

#[test]
fn a_provider_can_be_typed_by_hand_and_changed_piece_by_piece() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", certificate("hand"));
    let said = added(
        &mut owner,
        &json!({ "name": "By hand", "idp_entity_id": "urn:idp", "sso_url": "https://idp.example.com/a", "certificates": [pem] }),
    );
    assert_eq!((&said["metadata"]["from"], &said["slo_url"]), (&json!("hand"), &Value::Null));
    let place = place_of(&said);
    app.execute("UPDATE connections SET tested_at = changed_at + interval '1 second'");
    let mut patch = |body: Value| -> Value {
        let answer = owner.api("PATCH", &place, body);
        assert_eq!(answer.status, 200, "{}", answer.answer.text());
        answer.json()
    };
    app.clock().advance(chrono::TimeDelta::seconds(90));
    let renamed = patch(json!({ "name": "Staff" }));
    assert_eq!(
        (&renamed["name"], &renamed["changed_at"]),
        (&json!("Staff"), &said["changed_at"]),
        "no need to test again"
    );
    let moved = patch(
        json!({ "sso_url": "https://idp.example.com/b", "sso_binding": "post", "slo_url": "https://idp.example.com/out" }),
    );
    assert_ne!(moved["changed_at"], said["changed_at"], "a test from before shows nothing");
    assert_eq!((&moved["sso_binding"], &moved["certificates"]), (&json!("post"), &said["certificates"]));
    let two = patch(json!({ "certificates": [pem, certificate("next")] }));
    assert_eq!(two["certificates"].as_array().unwrap().len(), 2);
    let one = patch(json!({ "certificates": [pem], "slo_url": "" }));
    assert_eq!((&one["certificates"], &one["slo_url"]), (&said["certificates"], &Value::Null));
    let again = patch(json!({ "certificates": [pem], "domains": ["example.com"] }));
    assert_eq!(again["changed_at"], one["changed_at"], "nothing of it was another way");
    assert_eq!(patch(json!({ "domains": [] }))["domains"], json!([]));
    assert_eq!(patch(json!({ "default_role": null }))["default_role"], Value::Null);
    assert_eq!(patch(json!({ "name": "Staff" }))["default_role"], Value::Null, "what is left out stays");
}

#[test]
fn groups_of_the_provider_mean_groups_and_roles_of_the_organization() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    let group: Value = owner.api("POST", "/orgs/acme/groups", json!({ "name": "Ops" })).json();
    let place = place_of(&simple(&mut owner));
    let answer: Value = owner
        .api("PATCH", &place, json!({ "group_groups": { "cn=ops": ["ops"], "cn=all": [group["id"]], "none": [] } }))
        .json();
    assert_eq!(answer["group_groups"], json!({ "cn=all": [group["id"]], "cn=ops": [group["id"]] }));
    for (body, field) in [
        (json!({ "group_groups": { "x": ["Nobody"] } }), "group_groups"),
        (json!({ "group_roles": { "x": "king" } }), "group_roles"),
        (json!({ "group_roles": { " ": "member" } }), "group_roles"),
        (json!({ "default_role": "king" }), "default_role"),
    ] {
        let answer = owner.api("PATCH", &place, body);
        let said: Value = answer.json();
        assert_eq!((answer.status, said["fields"][field].is_string()), (422, true), "{said}");
    }
    assert_eq!(
        owner.api("DELETE", &format!("/orgs/acme/groups/{}", group["id"].as_str().unwrap()), Value::Null).status,
        204
    );
    let after: Value = owner.api("GET", &place, Value::Null).json();
    assert_eq!(after["group_groups"], json!({}));
}

type Wrong = (Value, &'static str, &'static str);

fn wrong_documents(document: &str, good: &str) -> Vec<Wrong> {
    let deep = format!("<a>{}", "<a>".repeat(1_000_000 / 3));
    let many = format!(
        "<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">{0}{0}</EntitiesDescriptor>",
        document.split_once("?>").unwrap().1
    );
    vec![
        (json!({}), "metadata_xml", "Give the provider's metadata"),
        (json!({ "metadata_xml": "no" }), "metadata_xml", "This is no XML"),
        (json!({ "metadata_xml": "<html/>" }), "metadata_xml", "begins with <html>"),
        (json!({ "metadata_xml": document.replace("IDPSSO", "SPSSO") }), "metadata_xml", "no identity provider"),
        (json!({ "metadata_xml": document.replace(":protocol\"", ":x\"") }), "metadata_xml", "no identity provider"),
        (
            json!({ "metadata_xml": format!("<!DOCTYPE a>{}", document.split_once("?>").unwrap().1) }),
            "metadata_xml",
            "document type",
        ),
        (json!({ "metadata_xml": many }), "metadata_xml", "several identity providers"),
        (json!({ "metadata_xml": deep }), "metadata_xml", "larger or deeper"),
        (
            json!({ "metadata_xml": document.replace("use=\"signing\"", "use=\"encryption\"") }),
            "metadata_xml",
            "no certificate",
        ),
        (json!({ "metadata_xml": document.replace(good, "AAAA") }), "metadata_xml", "no certificate (X.509"),
        (
            json!({ "metadata_xml": document.replace("https://idp.example.com/sso", "javascript:alert(1)")
            .replace("https://idp.example.com/post", "ldap://x") }),
            "metadata_xml",
            "no SingleSignOnService",
        ),
        (
            json!({ "metadata_xml": document.replace(" entityID", " validUntil=\"2020-01-01T00:00:00Z\" entityID") }),
            "metadata_xml",
            "valid until 2020-01-01",
        ),
        (
            json!({ "metadata_xml": document.replace(" entityID", " validUntil=\"for ever\" entityID") }),
            "metadata_xml",
            "validUntil is no instant",
        ),
        (
            json!({ "metadata_xml": document.replace("<IDPSSODescriptor", "<IDPSSODescriptor validUntil=\"2035-02-30T00:00:00Z\"") }),
            "metadata_xml",
            "validUntil is no instant",
        ),
        // What a parser compares each with each.
        (
            json!({ "metadata_xml": document.replace(" entityID", &format!("{} entityID", namespaces(60))) }),
            "metadata_xml",
            "larger or deeper",
        ),
        (json!({ "metadata_xml": document, "metadata_url": "https://idp.example.com/" }), "metadata_url", "not both"),
        (json!({ "metadata_url": "file:///etc/passwd" }), "metadata_url", "a URL of the web"),
        (json!({ "metadata_url": "https://127.0.0.1:1/" }), "metadata_url", "no public address"),
        (json!({ "metadata_url": "https://169.254.169.254/latest" }), "metadata_url", "no public address"),
        (json!({ "metadata_xml": document, "domains": ["co.uk"] }), "domains", "co.uk"),
        (json!({ "metadata_xml": document, "name": "" }), "name", "Give it a name"),
        (json!({ "metadata_xml": document, "kind": "oidc" }), "kind", "no other kind"),
    ]
}

fn namespaces(count: usize) -> String {
    (0..count).map(|n| format!(" xmlns:n{n}=\"urn:{n}\"")).collect::<Vec<_>>().concat()
}

fn wrong_by_hand() -> Vec<Wrong> {
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
    vec![
        (json!({ "idp_entity_id": "x" }), "sso_url", "Enter where"),
        (json!({ "idp_entity_id": "x", "sso_url": "https://ann:pw@idp.example.com/" }), "sso_url", "a URL of the web"),
        (
            json!({ "idp_entity_id": "x", "sso_url": "https://x.example/", "certificates": [] }),
            "certificates",
            "Give a certificate",
        ),
        (
            json!({ "idp_entity_id": "x", "sso_url": "https://x.example/", "certificates": [private] }),
            "certificates",
            "private key",
        ),
        (
            json!({ "idp_entity_id": "x", "sso_url": "https://x.example/", "certificates": ["?"] }),
            "certificates",
            "no certificate",
        ),
        (
            json!({ "idp_entity_id": "x", "sso_url": "https://x.example/", "sso_binding": "soap" }),
            "sso_binding",
            "redirect or post",
        ),
    ]
}

#[test]
fn what_describes_no_provider_is_refused_by_what_is_wrong_with_it() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    owner.confirm();
    let good = certificate("idp");
    let document = metadata("https://idp.example.com/", &[&good]);
    for (mut body, field, why) in wrong_documents(&document, &good).into_iter().chain(wrong_by_hand()) {
        if body.get("name").is_none() {
            body["name"] = json!("Staff");
        }
        let answer = owner.api("POST", PLACE, body.clone());
        let said: Value = answer.json();
        let sentence = said["fields"][field].as_str().unwrap_or_default();
        assert!(answer.status == 422 && sentence.contains(why), "{why}: {said}");
    }
    let huge = owner.api("POST", PLACE, json!({ "name": "Staff", "metadata_xml": "x".repeat(10 << 20) }));
    assert_eq!(huge.status, 413);
    assert_eq!(app.count("SELECT count(*) AS n FROM connections"), 0);
    // Large, and good: with what a federation or ADFS puts into it.
    let padded = document.replace("</EntityDescriptor>", &format!("<!--{}--></EntityDescriptor>", "x ".repeat(30_000)));
    assert_eq!(owner.api("POST", PLACE, json!({ "name": "Staff", "metadata_xml": padded })).status, 201);
}

#[test]
fn it_takes_an_owner_who_has_just_confirmed() {
    let app = TestApp::start();
    let ([mut owner, mut admin, _], _) = staffed(&app);
    let said = simple(&mut owner);
    let place = place_of(&said);
    let (mut stale, _) = app.log_in(OWNER, crate::support::people::PASSWORD);
    admin.confirm();
    let key = format!("{place}/keys/{}", said["keys"][0]["id"].as_str().unwrap());
    let keys = format!("{place}/keys");
    for (method, path) in [("POST", PLACE), ("PATCH", &place), ("POST", &keys), ("DELETE", &key), ("DELETE", &place)] {
        let body = if method == "DELETE" { Value::Null } else { json!({}) };
        assert_eq!(code(&stale.api(method, path, body.clone())), "reauth_required", "{method} {path}");
        assert_eq!(code(&admin.api(method, path, body)), "forbidden", "{method} {path}");
    }
    // Another organization's owner, with the id in hand.
    let mut other = app.verified("otto@example.com");
    assert_eq!(other.api("POST", "/orgs", json!({ "name": "Other" })).status, 201);
    other.confirm();
    let theirs = place.replace("/acme/", "/other/");
    for (method, path) in
        [("GET", &theirs), ("PATCH", &theirs), ("DELETE", &theirs), ("GET", &place), ("DELETE", &place)]
    {
        let body = if method == "PATCH" { json!({ "name": "Mine" }) } else { Value::Null };
        assert_eq!(other.api(method, path, body).status, 404, "{method} {path}");
    }
    assert_eq!(owner.api("DELETE", &place, Value::Null).status, 204);
    assert_eq!(owner.api("DELETE", &place, Value::Null).status, 404, "twice");
    let told = app.text("SELECT string_agg(kind, ' ' ORDER BY kind) AS t FROM audit_events WHERE kind LIKE 'sso.%'");
    assert_eq!(told, "sso.connection_added sso.connection_removed");
}

#[test]
fn there_are_never_more_than_twenty_not_even_at_the_same_moment() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    let said = simple(&mut owner);
    app.execute(
        "INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding, metadata_from,
            created_at, changed_at)
        SELECT gen_random_uuid(), organization_id, name, idp_entity_id, sso_url, sso_binding, 'hand', created_at, changed_at
        FROM connections, generate_series(1, 18)",
    );
    let document = metadata("https://idp.example.com/", &[&certificate("idp")]);
    let wish = json!({ "name": "Staff", "metadata_xml": document });
    let statuses: Vec<u16> = thread::scope(|scope| {
        let tries: Vec<_> = (0..3)
            .map(|_| {
                let (mut owner, wish) = (owner.clone(), wish.clone());
                scope.spawn(move || owner.api("POST", PLACE, wish).status)
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?} {said}");
    assert_eq!(app.count("SELECT count(*) AS n FROM connections"), 20);
}
