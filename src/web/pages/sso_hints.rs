//! What an administrator has to type at their provider, in the words of each that is common.

use serde_json::{Value, json};

use crate::sso::connections::Place;

/// What to paste where, by what each provider's console calls it.
pub fn hints(place: &Place) -> Value {
    let (id, acs, out, start) = (&place.entity_id, &place.acs, &place.logout, &place.login);
    let hint = |provider: &str, where_to: &str, values: &[(&str, &str)]| {
        let values: Vec<Value> =
            values.iter().map(|(label, value)| json!({ "label": label, "value": value })).collect();
        json!({ "provider": provider, "where": where_to, "values": values })
    };
    json!([
        hint(
            "Entra ID",
            "Enterprise applications, New application, Create your own application, Single sign-on, SAML",
            &[
                ("Upload metadata file", id),
                ("Identifier (Entity ID)", id),
                ("Reply URL (Assertion Consumer Service URL)", acs),
                ("Sign on URL", start),
                ("Logout Url", out),
            ]
        ),
        hint(
            "Okta",
            "Applications, Create App Integration, SAML 2.0",
            &[
                ("Single sign-on URL", acs),
                ("Audience URI (SP Entity ID)", id),
                ("Name ID format", "EmailAddress"),
                ("Attribute: email", "user.email"),
                ("Attribute: firstName", "user.firstName"),
                ("Attribute: lastName", "user.lastName"),
                ("Group attribute: groups", "Matches regex .*"),
                ("Single Logout URL", out),
                ("Signature Certificate", "that of our key, below, as a file"),
            ]
        ),
        hint(
            "Google Workspace",
            "Apps, Web and mobile apps, Add custom SAML app",
            &[
                ("ACS URL", acs),
                ("Entity ID", id),
                ("Name ID format", "EMAIL"),
                ("Primary email", "email"),
                ("First name", "firstName"),
                ("Last name", "lastName"),
                ("Group membership", "groups"),
            ]
        ),
        hint(
            "ADFS",
            "Relying Party Trusts, Add, Import data published online",
            &[
                ("Federation metadata address", id),
                ("Claim rule: E-Mail-Addresses", "E-Mail Address"),
                ("Claim rule: Display-Name", "Name"),
                ("Claim rule: UPN", "Name ID, Persistent Identifier"),
            ]
        ),
        hint(
            "Keycloak",
            "Clients, Import client: our metadata, as a file, brings all but the mappers",
            &[
                ("Client ID", id),
                ("Valid redirect URIs", acs),
                ("Logout Service Redirect Binding URL", out),
                ("Predefined mappers", "X500 email, X500 givenName, X500 surname"),
            ]
        ),
        hint(
            "SimpleSAMLphp",
            "metadata.sources in config/config.php: our metadata, as a file",
            &[("'type' => 'xml', 'file'", id), ("AssertionConsumerService", acs), ("SingleLogoutService", out),]
        ),
    ])
}
