//! What an administrator has to type at their provider, in the words of each that is common.

use serde_json::{Value, json};

use crate::sso::connections::Place;

/// What to paste where, by what each provider's console calls it.
pub fn hints(place: &Place) -> Value {
    let (id, acs, out) = (&place.entity_id, &place.acs, &place.logout);
    let hint = |provider: &str, where_to: &str, values: &[(&str, &str)]| {
        let values: Vec<Value> =
            values.iter().map(|(label, value)| json!({ "label": label, "value": value })).collect();
        json!({ "provider": provider, "where": where_to, "values": values })
    };
    json!([
        hint(
            "Entra ID",
            "Enterprise applications, New application, Create your own, Single sign-on, SAML",
            &[("Identifier (Entity ID)", id), ("Reply URL (Assertion Consumer Service URL)", acs), ("Logout Url", out),]
        ),
        hint(
            "Okta",
            "Applications, Create App Integration, SAML 2.0",
            &[
                ("Single sign-on URL", acs),
                ("Audience URI (SP Entity ID)", id),
                ("Attribute: email", "user.email"),
                ("Attribute: displayName", "user.displayName"),
                ("Group attribute: groups", "Matches regex .*"),
            ]
        ),
        hint(
            "Google Workspace",
            "Apps, Web and mobile apps, Add custom SAML app",
            &[("ACS URL", acs), ("Entity ID", id), ("Name ID format", "EMAIL"), ("Attribute: email", "Primary email"),]
        ),
        hint(
            "ADFS",
            "Relying Party Trusts, Add, Import data published online",
            &[("Federation metadata address", id), ("Claim rule: E-Mail-Addresses", "E-Mail Address"),]
        ),
        hint(
            "Keycloak",
            "Clients, Import client, or Create client of type SAML",
            &[
                ("Client ID", id),
                ("Valid redirect URIs", acs),
                ("Logout Service Redirect Binding URL", out),
                ("Mapper: X500 email", "email"),
            ]
        ),
        hint(
            "SimpleSAMLphp",
            "metadata/saml20-sp-remote.php",
            &[("$metadata['…']", id), ("AssertionConsumerService", acs), ("SingleLogoutService", out),]
        ),
    ])
}
