//! What an administrator has to type at their provider, in the words of each that is common.

use serde_json::{Value, json};

use crate::sso::connections::Place;

/// What to paste where, by what each provider's console calls it.
pub fn hints(place: &Place) -> Value {
    json!([entra(place), okta(place), google(place), adfs(place), keycloak(place), simplesamlphp(place)])
}

fn hint(provider: &str, where_to: &str, values: &[(&str, &str)]) -> Value {
    let values: Vec<Value> = values.iter().map(|(label, value)| json!({ "label": label, "value": value })).collect();
    json!({ "provider": provider, "where": where_to, "values": values })
}

fn entra(place: &Place) -> Value {
    let values = [
        ("Upload metadata file", place.entity_id.as_str()),
        ("Identifier (Entity ID)", place.entity_id.as_str()),
        ("Reply URL (Assertion Consumer Service URL)", place.acs.as_str()),
        ("Sign on URL", place.login.as_str()),
        ("Logout Url", place.logout.as_str()),
    ];
    let where_to = "Enterprise applications, New application, Create your own application, Single sign-on, SAML";
    hint("Entra ID", where_to, &values)
}

fn okta(place: &Place) -> Value {
    let values = [
        ("Single sign-on URL", place.acs.as_str()),
        ("Audience URI (SP Entity ID)", place.entity_id.as_str()),
        ("Name ID format", "EmailAddress"),
        ("Attribute: email", "user.email"),
        ("Attribute: firstName", "user.firstName"),
        ("Attribute: lastName", "user.lastName"),
        ("Group attribute: groups", "Matches regex .*"),
        ("Single Logout URL", place.logout.as_str()),
        ("Signature Certificate", "that of our key, below, as a file"),
    ];
    hint("Okta", "Applications, Create App Integration, SAML 2.0", &values)
}

fn google(place: &Place) -> Value {
    let values = [
        ("ACS URL", place.acs.as_str()),
        ("Entity ID", place.entity_id.as_str()),
        ("Name ID format", "EMAIL"),
        ("Primary email", "email"),
        ("First name", "firstName"),
        ("Last name", "lastName"),
        ("Group membership", "groups"),
    ];
    hint("Google Workspace", "Apps, Web and mobile apps, Add custom SAML app", &values)
}

fn adfs(place: &Place) -> Value {
    let values = [
        ("Federation metadata address", place.entity_id.as_str()),
        ("Claim rule: E-Mail-Addresses", "E-Mail Address"),
        ("Claim rule: Display-Name", "Name"),
        ("Claim rule: UPN", "Name ID, Persistent Identifier"),
    ];
    hint("ADFS", "Relying Party Trusts, Add, Import data published online", &values)
}

fn keycloak(place: &Place) -> Value {
    let values = [
        ("Client ID", place.entity_id.as_str()),
        ("Valid redirect URIs", place.acs.as_str()),
        ("Logout Service Redirect Binding URL", place.logout.as_str()),
        ("Predefined mappers", "X500 email, X500 givenName, X500 surname"),
    ];
    hint("Keycloak", "Clients, Import client: our metadata, as a file, brings all but the mappers", &values)
}

fn simplesamlphp(place: &Place) -> Value {
    let values = [
        ("'type' => 'xml', 'file'", place.entity_id.as_str()),
        ("AssertionConsumerService", place.acs.as_str()),
        ("SingleLogoutService", place.logout.as_str()),
    ];
    hint("SimpleSAMLphp", "metadata.sources in config/config.php: our metadata, as a file", &values)
}
