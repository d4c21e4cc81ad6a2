//! Who may do what: every endpoint there is, tried by every kind of person. An endpoint that is not in the table fails
//! the test, so nothing can be added without saying who may use it.

use serde_json::{Value, json};
use vestibule::web::routes;

use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::passkey::register;
use crate::support::people::{PASSWORD, code};

/// What only somebody who has just confirmed can do, by the API.
const fn dangerous(fresh: &'static str) -> [&'static str; 6] {
    let (out, refused) = ("401 unauthenticated", "403 reauth_required");
    [out, refused, refused, fresh, out, out]
}

/// The same on a page.
const fn dangerous_page(fresh: &'static str) -> [&'static str; 6] {
    ["303 /login", "303 /confirm", "303 /confirm", fresh, "303 /login", "303 /login"]
}

/// Somebody else's, by the API: what its members may do there, [`crate::orgs`] tries.
const fn in_another_organization() -> [&'static str; 6] {
    let (out, nothing) = ("401 unauthenticated", "404 not_found");
    [out, nothing, nothing, nothing, out, out]
}

/// The same by its pages.
const fn on_a_page_of_another_organization() -> [&'static str; 6] {
    ["303 /login", "404", "404", "404", "303 /login", "303 /login"]
}

/// To an invitation that is not there.
const fn answer_to_an_invitation() -> [&'static str; 6] {
    let (out, gone) = ("401 unauthenticated", "410 gone");
    [out, "403 email_unverified", gone, gone, out, out]
}

/// Method and path, then what happens to: nobody, somebody unverified, somebody verified, the same who has just confirmed
/// that it is them, somebody whose session has ended, and a stolen gate cookie alone. A status, with where it leads or the code of the problem.
const TABLE: &[(&str, &str, [&str; 6])] = &[
    ("GET", "/healthz", ["200"; 6]),
    ("GET", "/readyz", ["200"; 6]),
    ("GET", "/gateway/step-up.js", ["200"; 6]),
    ("GET", "/robots.txt", ["200"; 6]),
    ("GET", "/favicon.ico", ["200"; 6]),
    ("GET", "/.well-known/change-password", ["303 /account/password"; 6]),
    ("GET", "/.well-known/jwks.json", ["200"; 6]),
    ("GET", "/.well-known/passkey-endpoints", ["200"; 6]),
    // Of a connection that is not there.
    ("GET", "/saml/{connection}/metadata", ["404"; 6]),
    ("GET", "/static/{name}", ["404 not_found"; 6]),
    // No connection has such an id.
    ("GET", "/saml/{connection}/login", ["404"; 6]),
    ("POST", "/saml/{connection}/acs", ["404"; 6]),
    ("GET", "/saml/{connection}/logout", ["404"; 6]),
    ("POST", "/saml/{connection}/logout", ["400"; 6]),
    // Asked by a proxy without saying for which URL.
    ("GET", "/gateway/forward-auth", ["400 invalid_request"; 6]),
    ("GET", "/gateway/auth-request", ["403 forbidden"; 6]),
    ("ANY", "/gateway/ext-authz/{path}*", ["400 invalid_request"; 6]),
    // At a host that is no app's.
    ("GET", "/.vestibule/start", ["404"; 6]),
    ("GET", "/.vestibule/finish", ["404"; 6]),
    // Pages
    ("GET", "/", ["303 /login", "200", "200", "200", "303 /login", "303 /login"]),
    ("GET", "/login", ["200"; 6]),
    ("POST", "/login", ["401"; 6]),
    ("GET", "/login/second-factor", ["303 /login"; 6]),
    ("POST", "/login/second-factor", ["303 /login"; 6]),
    ("POST", "/login/second-factor/leave", ["303 /login"; 6]),
    // Where nobody has a provider.
    ("POST", "/login/address", ["303 /login"; 6]),
    ("POST", "/login/continue", ["303 /login", "303 /", "303 /", "303 /", "303 /login", "303 /login"]),
    // Without having asked.
    ("GET", "/login/magic-link", ["303 /login"; 6]),
    ("POST", "/login/magic-link", ["303 /login/magic-link"; 6]),
    ("POST", "/login/magic-link/code", ["303 /login"; 6]),
    ("GET", "/magic-link", ["410"; 6]),
    ("POST", "/magic-link", ["410"; 6]),
    ("POST", "/magic-link/code", ["410"; 6]),
    ("POST", "/login/forgot", ["303 /forgot-password"; 6]),
    ("POST", "/logout", ["303 /logged-out"; 6]),
    ("GET", "/logged-out", ["200", "303 /", "303 /", "303 /", "200", "200"]),
    ("GET", "/signup", ["200", "303 /", "303 /", "303 /", "200", "200"]),
    ("POST", "/signup", ["422"; 6]),
    ("GET", "/check-mail", ["200"; 6]),
    ("GET", "/verify-email", ["410"; 6]),
    ("POST", "/verify-email", ["410"; 6]),
    ("POST", "/email/verification", ["303 /login", "303 /", "409", "409", "303 /login", "303 /login"]),
    ("GET", "/forgot-password", ["200"; 6]),
    ("POST", "/forgot-password", ["303 /forgot-password"; 6]),
    ("GET", "/reset-password", ["410"; 6]),
    ("POST", "/reset-password", ["410"; 6]),
    // Without the link of the letter.
    ("GET", "/undo-email", ["410"; 6]),
    ("POST", "/undo-email", ["410"; 6]),
    ("GET", "/restore", ["410"; 6]),
    ("POST", "/restore", ["410"; 6]),
    ("GET", "/not-me", ["410"; 6]),
    ("POST", "/not-me", ["410"; 6]),
    ("POST", "/account/name", ["303 /login", "303 /", "303 /", "303 /", "303 /login", "303 /login"]),
    ("GET", "/account/email", dangerous_page("200")),
    // An address that has an account.
    ("POST", "/account/email", dangerous_page("409")),
    ("GET", "/account/password", dangerous_page("200")),
    ("POST", "/account/password", dangerous_page("422")),
    // Nobody here has a passkey.
    ("GET", "/account/password/remove", dangerous_page("303 /account/security")),
    ("POST", "/account/password/remove", dangerous_page("303 /account/security")),
    // Nobody is waited for.
    ("GET", "/login/connect", ["410"; 6]),
    ("POST", "/login/connect", dangerous_page("410")),
    // Of which they know nothing.
    ("POST", "/account/security/providers/{connection}/remove", dangerous_page("404")),
    ("GET", "/account/security", ["303 /login", "200", "200", "200", "303 /login", "303 /login"]),
    ("GET", "/account/security/totp", dangerous_page("200")),
    // Nothing has been set up.
    ("POST", "/account/security/totp/enable", dangerous_page("303 /account/security/totp")),
    ("POST", "/account/security/totp", dangerous_page("303 /account/security/totp")),
    ("POST", "/account/security/totp/disable", dangerous_page("303 /account/security")),
    ("GET", "/account/security/passkeys", ["303 /login", "200", "200", "200", "303 /login", "303 /login"]),
    // Nothing was begun.
    ("POST", "/account/security/passkeys", ["303 /login", "409", "409", "409", "303 /login", "303 /login"]),
    // Another person's.
    ("GET", "/account/security/passkeys/{id}", ["303 /login", "404", "404", "404", "303 /login", "303 /login"]),
    ("POST", "/account/security/passkeys/{id}/name", ["303 /login", "404", "404", "404", "303 /login", "303 /login"]),
    ("POST", "/account/security/passkeys/{id}/remove", dangerous_page("404")),
    // Nothing could get lost.
    ("GET", "/account/security/recovery-codes", dangerous_page("303 /account/security")),
    ("POST", "/account/security/recovery-codes", dangerous_page("303 /account/security")),
    ("GET", "/account/sessions", ["303 /login", "200", "200", "200", "303 /login", "303 /login"]),
    // Another person's.
    ("POST", "/account/sessions/{id}/sign-out", ["303 /login", "404", "404", "404", "303 /login", "303 /login"]),
    (
        "POST",
        "/account/sessions/sign-out-others",
        [
            "303 /login",
            "303 /account/sessions",
            "303 /account/sessions",
            "303 /account/sessions",
            "303 /login",
            "303 /login",
        ],
    ),
    ("GET", "/account/activity", ["303 /login", "200", "200", "200", "303 /login", "303 /login"]),
    ("GET", "/account/export", dangerous_page("200")),
    ("POST", "/account/export", dangerous_page("200")),
    ("GET", "/account/api-keys", ["303 /login", "200", "200", "200", "303 /login", "303 /login"]),
    // Without saying what for.
    ("POST", "/account/api-keys", dangerous_page("422")),
    // Another person's.
    ("POST", "/account/api-keys/{id}/revoke", dangerous_page("404")),
    ("GET", "/account/delete", dangerous_page("200")),
    ("POST", "/account/delete", dangerous_page("303 /account/restore")),
    // Whoever stays has nothing to restore.
    ("GET", "/account/restore", ["303 /login", "303 /", "303 /", "303 /", "303 /login", "303 /login"]),
    ("POST", "/account/restore", ["303 /login", "303 /", "303 /", "303 /", "303 /login", "303 /login"]),
    ("GET", "/confirm", ["303 /login", "200", "200", "200", "303 /login", "303 /login"]),
    // Without an app to go back to.
    // Without saying to which app.
    ("GET", "/hand-over", ["303 /login", "400", "400", "400", "303 /login", "303 /login"]),
    ("GET", "/unsent", ["303 /"; 6]),
    ("GET", "/confirmed", ["303 /"; 6]),
    ("POST", "/confirm", ["303 /login", "401", "401", "401", "303 /login", "303 /login"]),
    ("GET", "/invitation", ["410"; 6]),
    ("POST", "/invitation", ["410"; 6]),
    ("POST", "/invitation/decline", ["410"; 6]),
    // Another person's.
    ("POST", "/invitation/{id}/accept", ["303 /login", "403", "410", "410", "303 /login", "303 /login"]),
    ("POST", "/invitation/{id}/decline", ["303 /login", "403", "410", "410", "303 /login", "303 /login"]),
    ("POST", "/auth/invitations/accept", ["410 gone"; 6]),
    ("POST", "/auth/invitations/decline", ["410 gone"; 6]),
    (
        "GET",
        "/me/invitations",
        ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"],
    ),
    ("POST", "/me/invitations/{id}/accept", answer_to_an_invitation()),
    ("POST", "/me/invitations/{id}/decline", answer_to_an_invitation()),
    // Without the link of the banner.
    ("GET", "/setup", ["410"; 6]),
    ("POST", "/setup", ["410"; 6]),
    // Letters are sent here, so there is no local inbox.
    ("GET", "/dev/inbox", ["404"; 6]),
    ("GET", "/dev/inbox/{id}", ["404"; 6]),
    ("GET", "/dev/inbox/{id}/html", ["404"; 6]),
    // API
    ("POST", "/auth/signup", ["422 validation"; 6]),
    ("POST", "/auth/verify-email", ["410 gone"; 6]),
    ("POST", "/auth/undo-email", ["410 gone"; 6]),
    ("POST", "/auth/forgot-password", ["202"; 6]),
    ("POST", "/auth/reset-password", ["410 gone"; 6]),
    ("POST", "/auth/login", ["401 invalid_credentials"; 6]),
    ("POST", "/auth/login/totp", ["401 unauthenticated"; 6]),
    ("POST", "/auth/login/recovery-code", ["401 unauthenticated"; 6]),
    ("POST", "/auth/magic-link", ["202"; 6]),
    ("POST", "/auth/magic-link/code", ["410 gone"; 6]),
    ("POST", "/auth/login/magic-link", ["410 gone"; 6]),
    ("POST", "/auth/login/passkey/start", ["200"; 6]),
    // An answer to nothing that was asked.
    ("POST", "/auth/login/passkey/finish", ["409 conflict"; 6]),
    (
        "POST",
        "/auth/logout",
        ["401 unauthenticated", "204", "204", "204", "401 unauthenticated", "401 unauthenticated"],
    ),
    // Without an address.
    ("GET", "/sso", ["422"; 6]),
    (
        "GET",
        "/auth/confirm",
        ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"],
    ),
    (
        "POST",
        "/auth/confirm",
        [
            "401 unauthenticated",
            "401 invalid_credentials",
            "401 invalid_credentials",
            "401 invalid_credentials",
            "401 unauthenticated",
            "401 unauthenticated",
        ],
    ),
    // Nobody here has one.
    (
        "POST",
        "/auth/confirm/passkey/start",
        [
            "401 unauthenticated",
            "409 conflict",
            "409 conflict",
            "409 conflict",
            "401 unauthenticated",
            "401 unauthenticated",
        ],
    ),
    (
        "POST",
        "/auth/confirm/passkey/finish",
        [
            "401 unauthenticated",
            "409 conflict",
            "409 conflict",
            "409 conflict",
            "401 unauthenticated",
            "401 unauthenticated",
        ],
    ),
    ("GET", "/me", ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"]),
    ("PATCH", "/me", ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"]),
    ("DELETE", "/me", dangerous("202")),
    // Whoever stays has nothing to restore.
    (
        "POST",
        "/me/restore",
        [
            "401 unauthenticated",
            "409 conflict",
            "409 conflict",
            "409 conflict",
            "401 unauthenticated",
            "401 unauthenticated",
        ],
    ),
    // An address that has an account.
    ("PUT", "/me/email", dangerous("409 conflict")),
    // Nobody here has a passkey.
    ("DELETE", "/me/password", dangerous("409 conflict")),
    ("PUT", "/me/password", dangerous("422 validation")),
    (
        "POST",
        "/me/email/verification",
        ["401 unauthenticated", "202", "409 conflict", "409 conflict", "401 unauthenticated", "401 unauthenticated"],
    ),
    // Nothing has been set up.
    (
        "POST",
        "/me/totp/enable",
        [
            "401 unauthenticated",
            "409 conflict",
            "409 conflict",
            "409 conflict",
            "401 unauthenticated",
            "401 unauthenticated",
        ],
    ),
    ("POST", "/me/totp", dangerous("200")),
    ("DELETE", "/me/totp", dangerous("404 not_found")),
    ("POST", "/me/recovery-codes", dangerous("409 conflict")),
    ("GET", "/me/api-keys", ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"]),
    ("POST", "/me/api-keys", dangerous("422 validation")),
    // Another person's.
    ("DELETE", "/me/api-keys/{id}", dangerous("404 not_found")),
    ("GET", "/me/passkeys", ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"]),
    ("POST", "/me/passkeys/start", dangerous("200")),
    // Nothing was begun.
    (
        "POST",
        "/me/passkeys/finish",
        [
            "401 unauthenticated",
            "409 conflict",
            "409 conflict",
            "409 conflict",
            "401 unauthenticated",
            "401 unauthenticated",
        ],
    ),
    // Another person's.
    (
        "PATCH",
        "/me/passkeys/{id}",
        [
            "401 unauthenticated",
            "404 not_found",
            "404 not_found",
            "404 not_found",
            "401 unauthenticated",
            "401 unauthenticated",
        ],
    ),
    ("DELETE", "/me/passkeys/{id}", dangerous("404 not_found")),
    ("GET", "/me/activity", ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"]),
    ("GET", "/me/export", dangerous("200")),
    ("GET", "/me/sessions", ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"]),
    (
        "DELETE",
        "/me/sessions",
        ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"],
    ),
    // Another person's.
    (
        "DELETE",
        "/me/sessions/{id}",
        [
            "401 unauthenticated",
            "404 not_found",
            "404 not_found",
            "404 not_found",
            "401 unauthenticated",
            "401 unauthenticated",
        ],
    ),
    // Organizations. The first two are pages as well.
    ("GET", "/orgs", ["401 unauthenticated", "200", "200", "200", "401 unauthenticated", "401 unauthenticated"]),
    ("GET", "/orgs/{slug}", in_another_organization()),
    // Without a name.
    (
        "POST",
        "/orgs",
        [
            "401 unauthenticated",
            "403 email_unverified",
            "422 validation",
            "422 validation",
            "401 unauthenticated",
            "401 unauthenticated",
        ],
    ),
    ("PATCH", "/orgs/{slug}", in_another_organization()),
    ("DELETE", "/orgs/{slug}", in_another_organization()),
    ("GET", "/orgs/{slug}/activity", in_another_organization()),
    ("GET", "/orgs/{slug}/members", in_another_organization()),
    ("PATCH", "/orgs/{slug}/members/{user_id}", in_another_organization()),
    ("DELETE", "/orgs/{slug}/members/{user_id}", in_another_organization()),
    ("POST", "/orgs/{slug}/owner", in_another_organization()),
    ("GET", "/orgs/{slug}/domains", in_another_organization()),
    ("POST", "/orgs/{slug}/domains", in_another_organization()),
    ("DELETE", "/orgs/{slug}/domains/{name}", in_another_organization()),
    ("POST", "/orgs/{slug}/domains/{name}/check", in_another_organization()),
    ("GET", "/orgs/{slug}/sso", in_another_organization()),
    ("POST", "/orgs/{slug}/sso", in_another_organization()),
    ("GET", "/orgs/{slug}/sso/{id}", in_another_organization()),
    ("PATCH", "/orgs/{slug}/sso/{id}", in_another_organization()),
    ("DELETE", "/orgs/{slug}/sso/{id}", in_another_organization()),
    ("GET", "/orgs/{slug}/sso/{id}/preflight", in_another_organization()),
    ("GET", "/orgs/{slug}/sso/{id}/reports", in_another_organization()),
    ("GET", "/orgs/{slug}/sso/{id}/reports/{reference}", in_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/refresh", in_another_organization()),
    ("DELETE", "/orgs/{slug}/sso/{id}/identities/{user_id}", in_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/keys", in_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/keys/{key}/activate", in_another_organization()),
    ("DELETE", "/orgs/{slug}/sso/{id}/keys/{key}", in_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/test", in_another_organization()),
    ("GET", "/orgs/{slug}/webhooks", in_another_organization()),
    ("POST", "/orgs/{slug}/webhooks", in_another_organization()),
    ("GET", "/orgs/{slug}/webhooks/{id}", in_another_organization()),
    ("PATCH", "/orgs/{slug}/webhooks/{id}", in_another_organization()),
    ("DELETE", "/orgs/{slug}/webhooks/{id}", in_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/rotate", in_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/test", in_another_organization()),
    ("GET", "/orgs/{slug}/webhooks/{id}/deliveries", in_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/deliveries/{delivery}/redeliver", in_another_organization()),
    // Without a name.
    ("POST", "/orgs/new", ["303 /login", "403", "422", "422", "303 /login", "303 /login"]),
    ("POST", "/orgs/{slug}/second-factor", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/domains/add", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/domains/{name}/check-now", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/domains/{name}/remove", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/sso/add", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/change", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/remove", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/forget", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/fetch-again", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/add-key", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/keys/{key}/use", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/keys/{key}/remove", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/sso/{id}/enforce", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/add", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/change", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/enable", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/disable", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/remove", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/replace-secret", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/send-test", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/webhooks/{id}/deliveries/{delivery}/send-again", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/name", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/members/{user_id}/role", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/members/{user_id}/remove", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/leave", on_a_page_of_another_organization()),
    ("GET", "/orgs/{slug}/hand-over", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/hand-over", on_a_page_of_another_organization()),
    ("GET", "/orgs/{slug}/delete", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/delete", on_a_page_of_another_organization()),
    // Where something is fetched there are pages as well.
    ("GET", "/orgs/{slug}/invitations", in_another_organization()),
    ("POST", "/orgs/{slug}/invitations", in_another_organization()),
    ("DELETE", "/orgs/{slug}/invitations/{id}", in_another_organization()),
    ("POST", "/orgs/{slug}/invitations/{id}/resend", in_another_organization()),
    ("POST", "/orgs/{slug}/invitations/new", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/invitations/{id}/send-again", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/invitations/{id}/withdraw", on_a_page_of_another_organization()),
    ("GET", "/orgs/{slug}/groups", in_another_organization()),
    ("GET", "/orgs/{slug}/groups/{id}", in_another_organization()),
    ("POST", "/orgs/{slug}/groups", in_another_organization()),
    ("PATCH", "/orgs/{slug}/groups/{id}", in_another_organization()),
    ("DELETE", "/orgs/{slug}/groups/{id}", in_another_organization()),
    ("POST", "/orgs/{slug}/groups/{id}/members", in_another_organization()),
    ("DELETE", "/orgs/{slug}/groups/{id}/members/{user_id}", in_another_organization()),
    ("POST", "/orgs/{slug}/groups/new", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/groups/{id}/rename", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/groups/{id}/delete", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/groups/{id}/members/add", on_a_page_of_another_organization()),
    ("POST", "/orgs/{slug}/groups/{id}/members/{user_id}/remove", on_a_page_of_another_organization()),
];

/// What somebody who is half signed in can do besides. Everything else is for them what it is for nobody.
const SECOND_STEP: &[(&str, &str, &str)] = &[
    ("GET", "/login/second-factor", "200"),
    ("POST", "/login/second-factor", "401"),
    ("POST", "/auth/login/totp", "401 invalid_credentials"),
    ("POST", "/auth/login/recovery-code", "401 invalid_credentials"),
    // The person has an app and no passkey.
    ("POST", "/auth/login/passkey/start", "409 conflict"),
    ("POST", "/auth/login/passkey/finish", "409 conflict"),
];

/// What a program with a key can do that has every scope there is.
const BY_KEY: &[(&str, &str)] = &[
    ("GET", "/me"),
    ("GET", "/me/activity"),
    ("GET", "/me/api-keys"),
    ("GET", "/me/passkeys"),
    ("GET", "/me/sessions"),
    ("GET", "/orgs"),
    ("GET", "/orgs/{slug}"),
    ("GET", "/orgs/{slug}/activity"),
    ("GET", "/orgs/{slug}/members"),
    ("GET", "/orgs/{slug}/invitations"),
    ("GET", "/orgs/{slug}/groups"),
    ("GET", "/orgs/{slug}/groups/{id}"),
    ("GET", "/me/invitations"),
];

#[test]
fn every_endpoint_is_in_the_table_and_answers_as_it_says() {
    let endpoints: Vec<(String, &str)> = routes::gate()
        .into_iter()
        .chain(routes::plain())
        .chain(routes::personal())
        .map(|endpoint| (endpoint.method.to_string(), endpoint.path))
        .collect();
    for (method, path) in &endpoints {
        let is_known = TABLE.iter().any(|(known, at, _)| known == method && at == path);
        assert!(is_known, "{method} {path} is not in the table: say who may use it");
    }
    assert_eq!(endpoints.len(), TABLE.len(), "the table names what is not there");

    let app =
        TestApp::with(&[("limits.login_per_account", "1000 per 15m"), ("limits.login_per_network", "1000 per 15m")]);
    let people = people(&app);
    set_up(&app, &mut app.verified("protected@example.com"));
    register(&app, &mut app.unverified("another@example.com"), "Theirs");
    let mut wrong = Vec::new();
    for (method, path, expected) in TABLE {
        let at = &of_another(&app, path);
        for ((who, make), expected) in people.iter().zip(expected) {
            let seen = attempt(&mut make(), method, (path, at));
            // Whoever has asked to be deleted by that stays for the next.
            app.execute("UPDATE users SET deletion_asked_at = NULL, deletes_at = NULL WHERE deletes_at IS NOT NULL");
            if seen != *expected {
                wrong.push(format!("{method} {path} by {who}: {seen}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for (method, path, [nobody, ..]) in TABLE {
        let own = SECOND_STEP.iter().find(|(known, at, _)| known == method && at == path);
        let expected = own.map_or(nobody, |(.., expected)| expected);
        let seen = attempt(&mut half_signed_in(&app), method, (path, &of_another(&app, path)));
        if seen != *expected {
            wrong.push(format!("{method} {path} by somebody half signed in: {seen}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let theirs = "SELECT count(*) AS n FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email LIKE 'another@%'";
    assert_eq!(app.count(theirs), 1, "somebody ended the session of another person");
    assert_eq!(app.text("SELECT name AS t FROM passkeys"), "Theirs", "somebody changed the passkey of another person");
}

/// Whoever is signed in may do everything that somebody fresh may, but for what asks to confirm first; and what asks for
/// it is open to those who have.
#[test]
fn only_a_confirmation_opens_what_is_dangerous() {
    let is_refusal = |answer: &str| answer == "403 reauth_required" || answer == "303 /confirm";
    let mut dangerous = Vec::new();
    for (method, path, [_, unverified, verified, fresh, ..]) in TABLE {
        assert!(!is_refusal(fresh), "{method} {path}");
        assert_eq!(is_refusal(verified), verified != fresh, "{method} {path}");
        assert!(is_refusal(unverified) || !is_refusal(verified), "{method} {path}");
        if is_refusal(verified) {
            dangerous.push(format!("{method} {path}"));
        }
    }
    let known = [
        "GET /account/email",
        "POST /account/email",
        "GET /account/password",
        "POST /account/password",
        "GET /account/password/remove",
        "POST /account/password/remove",
        "POST /login/connect",
        "POST /account/security/providers/{connection}/remove",
        "GET /account/security/totp",
        "POST /account/security/totp/enable",
        "POST /account/security/totp",
        "POST /account/security/totp/disable",
        "POST /account/security/passkeys/{id}/remove",
        "GET /account/security/recovery-codes",
        "POST /account/security/recovery-codes",
        "GET /account/export",
        "POST /account/export",
        "POST /account/api-keys",
        "POST /account/api-keys/{id}/revoke",
        "GET /account/delete",
        "POST /account/delete",
        "DELETE /me",
        "PUT /me/email",
        "DELETE /me/password",
        "PUT /me/password",
        "POST /me/totp",
        "DELETE /me/totp",
        "POST /me/recovery-codes",
        "POST /me/api-keys",
        "DELETE /me/api-keys/{id}",
        "POST /me/passkeys/start",
        "DELETE /me/passkeys/{id}",
        "GET /me/export",
    ];
    assert_eq!(dangerous, known);
}

/// What is still open to somebody who has asked to be deleted. Everything else that is for people who are signed in is
/// closed to them, so whoever adds something need not think of it.
const LEAVING: &[(&str, &str, &str)] = &[
    ("GET", "/account/restore", "200"),
    ("POST", "/account/restore", "303 /"),
    ("GET", "/account/export", "303 /confirm"),
    ("POST", "/account/export", "303 /confirm"),
    ("GET", "/me/export", "403 reauth_required"),
    ("GET", "/confirm", "200"),
    ("POST", "/confirm", "401"),
    ("POST", "/logout", "303 /logged-out"),
    ("GET", "/login", "303 /account/restore"),
    ("POST", "/auth/logout", "204"),
    ("GET", "/auth/confirm", "200"),
    ("POST", "/auth/confirm", "401 invalid_credentials"),
    ("POST", "/auth/confirm/passkey/start", "409 conflict"),
    ("POST", "/auth/confirm/passkey/finish", "409 conflict"),
    ("GET", "/me", "200"),
    ("DELETE", "/me", "403 reauth_required"),
    ("POST", "/me/restore", "200"),
];

#[test]
fn whoever_has_asked_to_be_deleted_can_come_back_or_sign_out_and_nothing_else() {
    let app =
        TestApp::with(&[("limits.login_per_account", "1000 per 15m"), ("limits.login_per_network", "1000 per 15m")]);
    register(&app, &mut app.unverified("another@example.com"), "Theirs");
    app.verified("leaving@example.com");
    let mut wrong = Vec::new();
    for (method, path, [nobody, _, verified, fresh, ..]) in TABLE {
        let is_personal =
            matches!(*nobody, "401 unauthenticated" | "303 /login") && (verified != nobody || fresh != nobody);
        let own = LEAVING.iter().find(|(known, at, _)| known == method && at == path).map(|(.., expected)| *expected);
        let expected = match (own, is_personal) {
            (Some(own), _) => own,
            (None, true) if is_api(method, path) => "403 forbidden",
            (None, true) => "303 /account/restore",
            (None, false) => continue,
        };
        app.execute(
            "UPDATE users SET deletion_asked_at = now(), deletes_at = to_timestamp(1800000000) + interval '30 days'
             WHERE email = 'leaving@example.com'",
        );
        let (mut leaving, _) = app.log_in("leaving@example.com", PASSWORD);
        let seen = attempt(&mut leaving, method, (path, &of_another(&app, path)));
        if seen != expected {
            wrong.push(format!("{method} {path} by somebody leaving: {seen}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// And wherever it matters who asks, everything else is closed to it: it never does what a session could. Where it does
/// not matter, a key is as good as none, or refused.
#[test]
fn a_key_opens_what_may_be_read_and_nothing_else() {
    let app = TestApp::start();
    register(&app, &mut app.unverified("another@example.com"), "Theirs");
    let mut holder = app.verified("verified@example.com");
    holder.confirm();
    let body = json!({ "name": "everything", "scopes": ["account:read", "gateway"] });
    let made: Value = holder.api("POST", "/me/api-keys", body).json();
    let header = format!("Bearer {}", made["key"].as_str().expect("a key"));
    let mut wrong = Vec::new();
    for (method, path, [nobody, _, verified, fresh, ..]) in TABLE {
        let at = &of_another(&app, path);
        let is_open = BY_KEY.contains(&(*method, *path));
        // Alone, and from a browser that is signed in and has just confirmed.
        for browser in [app.browser(), holder.clone()] {
            let mut program = browser.with_header("Authorization", &header);
            let seen = match (*method, is_api(method, path)) {
                ("POST", false) => describe(&program.post(at, &[("csrf", "x")])),
                _ => attempt(&mut program, method, (path, at)),
            };
            let is_refused = seen == "403" || seen == "403 forbidden";
            let is_right = match is_open {
                true => seen == *verified,
                false if nobody != verified || nobody != fresh => is_refused,
                false => is_refused || seen == *nobody,
            };
            if !is_right {
                wrong.push(format!("{method} {path} with a key: {seen}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 2, "a key has ended or opened a session");
}

/// The session and the device of a person who takes no part in this.
fn of_another(app: &TestApp, path: &str) -> String {
    let id = |column: &str| {
        let of = "FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = 'another@example.com'";
        app.text(&format!("SELECT s.{column}::text AS t {of}"))
    };
    match path {
        _ if path.starts_with("/orgs/{slug}") => of_another_organization(app, path),
        _ if path.contains("/invitation/{id}/") => path.replace("{id}", &id("id")),
        _ if path.starts_with("/me/invitations/") => path.replace("{id}", &id("id")),
        "/me/sessions/{id}" => path.replace("{id}", &id("id")),
        _ if path.contains("/passkeys/{id}") => path.replace("{id}", &app.text("SELECT id::text AS t FROM passkeys")),
        "/me/api-keys/{id}" | "/account/api-keys/{id}/revoke" => path.replace("{id}", &key_of_another(app)),
        "/account/sessions/{id}/sign-out" => path.replace("{id}", &id("device_id")),
        _ => path.to_owned(),
    }
}

/// Theirs and nobody else's, made behind the service's back.
fn of_another_organization(app: &TestApp, path: &str) -> String {
    app.execute(
        "INSERT INTO organization_slugs VALUES ('theirs', now()) ON CONFLICT DO NOTHING;
        INSERT INTO organizations VALUES (gen_random_uuid(), 'theirs', 'Theirs', now()) ON CONFLICT DO NOTHING;
        INSERT INTO members SELECT o.id, u.id, 'owner', now() FROM organizations o, users u
        WHERE u.email = 'another@example.com' ON CONFLICT DO NOTHING;
        INSERT INTO webhooks (id, organization_id, url, kinds, secret, created_at)
        SELECT id, id, 'https://example.com/', '{user.imported}', '', now() FROM organizations WHERE slug = 'theirs'
        ON CONFLICT DO NOTHING;
        INSERT INTO domains (id, organization_id, name, token, created_at)
        SELECT id, id, 'example.com', 'x', now() FROM organizations WHERE slug = 'theirs' ON CONFLICT DO NOTHING",
    );
    let webhook = app.text("SELECT id::text AS t FROM webhooks");
    let path = path.replace("/webhooks/{id}", &format!("/webhooks/{webhook}")).replace("{delivery}", &webhook);
    let user = app.text("SELECT id::text AS t FROM users WHERE email = 'another@example.com'");
    path.replace("{slug}", "theirs").replace("{user_id}", &user).replace("{id}", &user).replace("{name}", "example.com")
}

/// Made behind the service's back: its holder takes no part in this.
fn key_of_another(app: &TestApp) -> String {
    app.execute(
        "INSERT INTO api_keys SELECT gen_random_uuid(), id, sha256('x'), 'vst_xxxx', 'x', '{gateway}', now(), now() \
         FROM users WHERE email = 'another@example.com' ON CONFLICT DO NOTHING",
    );
    app.text(
        "SELECT k.id::text AS t FROM api_keys k JOIN users u ON u.id = k.user_id WHERE u.email = 'another@example.com'",
    )
}

type Maker<'a> = Box<dyn Fn() -> Browser + 'a>;

/// A fresh browser of each kind, since some of what it tries ends its session.
fn people(app: &TestApp) -> Vec<(&'static str, Maker<'_>)> {
    app.unverified("unverified@example.com");
    app.verified("verified@example.com");
    let signed_in = |email: &'static str| move || app.log_in(email, PASSWORD).0;
    let fresh = || {
        let (mut browser, _) = app.log_in("verified@example.com", PASSWORD);
        browser.confirm();
        browser
    };
    let ended = || {
        let (mut browser, _) = app.log_in("verified@example.com", PASSWORD);
        let copy = browser.clone();
        browser.api("POST", "/auth/logout", Value::Null);
        copy
    };
    vec![
        ("nobody", Box::new(|| app.browser())),
        ("somebody unverified", Box::new(signed_in("unverified@example.com"))),
        ("somebody verified", Box::new(signed_in("verified@example.com"))),
        ("somebody who has just confirmed", Box::new(fresh)),
        ("somebody whose session has ended", Box::new(ended)),
        ("a thief of a gate cookie", Box::new(|| thief(app))),
    ]
}

/// Has given the password of somebody who is asked for a code as well.
fn half_signed_in(app: &TestApp) -> Browser {
    let (browser, answer) = app.log_in("protected@example.com", PASSWORD);
    assert_eq!(code(&answer), "mfa_required");
    browser
}

/// Has the gate cookie of somebody signed in, and puts it into every cookie there is.
fn thief(app: &TestApp) -> Browser {
    let (robbed, _) = app.log_in("verified@example.com", PASSWORD);
    let gate = robbed.jar.find(app.public_url(), "vestibule_gate").expect("a gate cookie").value.clone();
    let portal = robbed.jar.find(app.public_url(), "vestibule_session").expect("a session cookie").value.clone();
    let signed_like_the_portals = portal.replace(&portal[portal.len() - 43..], &gate);
    let mut thief = app.browser();
    for (name, value) in [
        ("vestibule_gate", &gate),
        ("vestibule_pending", &gate),
        ("vestibule_magic", &gate),
        ("vestibule_session", &signed_like_the_portals),
    ] {
        thief.jar.store(app.public_url(), &format!("{name}={value}; Path=/"));
    }
    thief
}

/// In organizations it is the table that says so: by what nobody is told.
fn is_api(method: &str, path: &str) -> bool {
    let row = TABLE.iter().find(|(known, at, _)| *known == method && *at == path);
    match row {
        Some((.., [nobody, ..])) if path.starts_with("/orgs") => nobody.starts_with("401"),
        _ => ["/auth/", "/me", "/gateway/", "/healthz", "/readyz"].iter().any(|prefix| path.starts_with(prefix)),
    }
}

/// `row` is the path as it stands in the table, `path` as it is asked for.
fn attempt(browser: &mut Browser, method: &str, (row, path): (&str, &str)) -> String {
    let answer = match (method, is_api(method, row)) {
        ("GET", false) if path != "/robots.txt" && !path.starts_with("/static/") => browser.get(path),
        ("POST", false) => post_form(browser, path),
        ("GET", _) => browser.api("GET", path, Value::Null),
        _ => browser.api(method, path, body(path)),
    };
    describe(&answer)
}

/// With the token of a page that this person can see.
fn post_form(browser: &mut Browser, path: &str) -> Page {
    let page =
        ["/", "/login", "/account/restore"].into_iter().map(|page| browser.get(page)).find(|page| page.status == 200);
    let page = page.expect("a page");
    let forms = ["/account/name", "/login", "/account/restore"];
    let form = forms.into_iter().find_map(|action| page.form(action)).expect("a form");
    let token = form.fields.iter().find(|(name, _)| name == "csrf").expect("a token").1.clone();
    let fields = [
        ("csrf", token.as_str()),
        ("email", "nobody@example.com"),
        ("password", "wrong"),
        ("new_password", "wrong"),
        ("name", "Ann"),
        ("code", "000000"),
        ("ceremony", ""),
        ("credential", ""),
    ];
    let fields = fields.map(|(name, value)| match (path, name) {
        ("/account/email", "email") => (name, "another@example.com"),
        ("/orgs/new", "name") => (name, ""),
        _ => (name, value),
    });
    browser.post(path, &fields)
}

fn body(path: &str) -> Value {
    match path {
        "/auth/signup" | "/auth/login" => json!({ "email": "nobody@example.com", "password": "wrong" }),
        "/auth/forgot-password" | "/auth/magic-link" | "/orgs/theirs/invitations" => {
            json!({ "email": "nobody@example.com" })
        }
        "/auth/reset-password" => json!({ "token": "A".repeat(43), "new_password": "wrong" }),
        "/auth/verify-email"
        | "/auth/undo-email"
        | "/auth/magic-link/code"
        | "/auth/login/magic-link"
        | "/auth/invitations/accept"
        | "/auth/invitations/decline" => json!({ "token": "A".repeat(43) }),
        "/orgs/theirs/groups" => json!({ "name": "Ops" }),
        _ if path.starts_with("/orgs/theirs/groups/") && path.ends_with("/members") => json!({ "user_id": "" }),
        _ if path.starts_with("/orgs/theirs/groups/") => json!({ "name": "Ops" }),
        "/auth/confirm" => json!({ "password": "wrong" }),
        "/auth/login/passkey/finish" | "/auth/confirm/passkey/finish" => json!({ "ceremony": "", "credential": {} }),
        "/auth/login/totp" | "/auth/login/recovery-code" | "/me/totp/enable" => json!({ "code": "000000" }),
        "/me/email" => json!({ "email": "another@example.com" }),
        "/me/password" => json!({ "new_password": "wrong" }),
        "/me/passkeys/finish" => json!({ "ceremony": "A".repeat(43), "name": "Mine", "credential": {} }),
        "/me/api-keys" | "/orgs" => json!({ "name": "" }),
        "/me" => json!({ "name": "Ann" }),
        "/orgs/theirs" => json!({ "name": "Mine" }),
        "/orgs/theirs/owner" => json!({ "user_id": "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f" }),
        "/orgs/theirs/domains" => json!({ "name": "example.org" }),
        "/orgs/theirs/webhooks" => json!({ "url": "https://example.com/" }),
        _ if path.starts_with("/orgs/theirs/sso") => json!({}),
        _ if path.starts_with("/orgs/theirs/webhooks/") => json!({}),
        _ if path.starts_with("/orgs/theirs/members/") => json!({ "role": "member" }),
        _ if path.starts_with("/me/passkeys/") => json!({ "name": "Mine" }),
        _ => Value::Null,
    }
}

fn describe(answer: &Page) -> String {
    let is_problem = answer.header("content-type") == Some("application/problem+json");
    match (answer.location(), is_problem) {
        (Some(url), _) => format!("{} {}", answer.status, url.path()),
        (None, true) => format!("{} {}", answer.status, code(answer)),
        (None, false) => answer.status.to_string(),
    }
}
