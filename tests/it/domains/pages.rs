//! The page, without a script.

use super::{PLACE, start};
use crate::orgs::staffed;
use crate::support::dns::Dns;

#[test]
fn an_owner_adds_proves_and_removes_a_domain_on_a_page() {
    let mut dns = Dns::serve(&[]);
    let app = start(&dns);
    let ([mut owner, mut admin, mut member], _) = staffed(&app);
    assert!(owner.get("/orgs/acme").link("Domains").is_some());
    assert!(member.get("/orgs/acme").link("Domains").is_none());
    assert_eq!(member.get(PLACE).status, 403);
    assert!(owner.get(PLACE).text().contains("There are no domains."));
    let led = owner.submit(&format!("{PLACE}/add"), &[("name", "example.com")]);
    assert_eq!(led.location().unwrap().path(), "/confirm");
    owner.confirm();

    owner.get(PLACE);
    let refused = owner.submit(&format!("{PLACE}/add"), &[("name", "co.uk")]);
    assert_eq!(refused.status, 422);
    assert!(refused.field_error("name").unwrap().contains("shared by many"));
    assert_eq!(owner.submit(&format!("{PLACE}/add"), &[("name", "Example.com")]).status, 303);
    let page = owner.get(&format!("{PLACE}?done=added"));
    assert!(page.has("_vestibule.example.com") && page.has("not proved"), "{}", page.text());
    let value = app.text("SELECT 'vestibule-domain=' || token AS t FROM domains");
    assert!(page.has(&value), "the very record");
    let repeated = owner.submit(&format!("{PLACE}/add"), &[("name", "example.com")]);
    assert_eq!(repeated.status, 409);
    assert!(repeated.field_error("name").unwrap().contains("here already"));

    owner.get(PLACE);
    let unseen = owner.submit(&format!("{PLACE}/example.com/check-now"), &[]);
    assert_eq!(unseen.location().unwrap().query(), Some("done=not_seen"));
    assert!(owner.get(PLACE).has("There is no TXT record of ours at _vestibule.example.com."));
    dns.serve_instead(&[("_vestibule.example.com", &value)]);
    let proved = owner.submit(&format!("{PLACE}/example.com/check-now"), &[]);
    assert_eq!(proved.location().unwrap().query(), Some("done=proved"));
    let page = admin.get(PLACE);
    assert!(page.has("by its record") && !page.has(&value), "{}", page.text());
    assert!(page.form(&format!("{PLACE}/example.com/remove")).is_none(), "an admin looks on");
    owner.get(PLACE);
    assert_eq!(owner.submit(&format!("{PLACE}/example.com/remove"), &[]).status, 303);
    assert!(owner.get(&format!("{PLACE}?done=removed")).has("There are no domains."));
}
