//! Every address we answer, in one table. The access matrix of the tests walks it.

use std::collections::BTreeMap;

use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::web::to;
use actix_web::{Resource, Route, web};

use super::failure::Failure;
use super::{api, body, forward_auth, jwks, operations, pages, saml};

/// One method at one address.
pub struct Endpoint {
    /// `ANY` for whichever there is.
    pub method: Method,
    pub path: &'static str,
    route: Route,
}

const ANY: &[u8] = b"ANY";

impl Endpoint {
    fn takes_any_method(&self) -> bool {
        self.method.as_str().as_bytes() == ANY
    }
}

/// What proxies ask for every request of everybody: the hot path, outside of all layers; and what goes with it.
pub fn gate() -> Vec<Endpoint> {
    vec![
        get("/gateway/forward-auth", to(forward_auth::forward_auth)),
        get("/gateway/auth-request", to(forward_auth::auth_request)),
        // With the method that the visitor's request has.
        any("/gateway/ext-authz/{path}*", to(forward_auth::ext_authz)),
        // What a proxy routes to us at the hosts of apps under other domains.
        get(forward_auth::hand_over::START, to(forward_auth::hand_over::start)),
        get(forward_auth::hand_over::FINISH, to(forward_auth::hand_over::finish)),
    ]
}

/// What stands before the sessions: no cookie is read, nothing is counted as activity.
pub fn plain() -> Vec<Endpoint> {
    vec![
        get("/healthz", to(operations::alive)),
        get("/readyz", to(operations::ready)),
        get("/saml/{connection}/metadata", to(pages::provider_metadata::show)),
        get("/static/{name}", to(pages::statics::file)),
        // What a provider says is signed; cookies of ours do not come with it.
        get("/saml/{connection}/logout", to(pages::provider_logout::by_redirect)),
        post("/saml/{connection}/logout", to(pages::provider_logout::by_form)),
        get("/gateway/step-up.js", to(pages::statics::step_up)),
        get("/robots.txt", to(pages::statics::robots)),
        get("/favicon.ico", to(pages::statics::favicon)),
        get("/.well-known/change-password", to(pages::password::well_known)),
        get("/.well-known/jwks.json", to(jwks::show)),
        get("/.well-known/passkey-endpoints", to(pages::passkeys::well_known)),
    ]
}

/// What belongs to people and their sessions.
pub fn personal() -> Vec<Endpoint> {
    [
        at_the_door(),
        at_providers(),
        of_the_account(),
        for_programs(),
        of_organizations(),
        of_their_people(),
        of_domains(),
        of_connections(),
        of_webhooks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Pages for getting in and out, and those that letters lead to.
fn at_the_door() -> Vec<Endpoint> {
    vec![
        get("/", to(pages::home::show)),
        get("/login", to(pages::login::show)),
        post("/login", to(pages::login::submit)),
        post("/login/address", to(pages::provider::submit)),
        post("/login/continue", to(pages::login::go_on)),
        get("/login/second-factor", to(pages::second_factor::show)),
        post("/login/second-factor", to(pages::second_factor::submit)),
        post("/login/second-factor/leave", to(pages::second_factor::leave)),
        get("/login/magic-link", to(pages::magic_link::asked)),
        post("/login/magic-link", to(pages::magic_link::ask)),
        post("/login/magic-link/code", to(pages::magic_link::enter_code)),
        get("/magic-link", to(pages::magic_link::show)),
        post("/magic-link", to(pages::magic_link::submit)),
        post("/magic-link/code", to(pages::magic_link::show_code)),
        post("/login/forgot", to(pages::login::forgot)),
        post("/logout", to(pages::logout::submit)),
        get("/logged-out", to(pages::logout::show)),
        get("/signup", to(pages::signup::show)),
        post("/signup", to(pages::signup::submit)),
        get("/check-mail", to(pages::signup::check_mail)),
        get("/verify-email", to(pages::verify_email::show)),
        post("/verify-email", to(pages::verify_email::submit)),
        post("/email/verification", to(pages::verify_email::resend)),
        get("/forgot-password", to(pages::reset::ask)),
        post("/forgot-password", to(pages::reset::submit_request)),
        get("/reset-password", to(pages::reset::show)),
        post("/reset-password", to(pages::reset::submit)),
        get("/undo-email", to(pages::undo_email::show)),
        post("/undo-email", to(pages::undo_email::submit)),
        get("/restore", to(pages::deletion::show_link)),
        post("/restore", to(pages::deletion::follow_link)),
        get("/not-me", to(pages::not_me::show)),
        post("/not-me", to(pages::not_me::submit)),
        get("/invitation", to(pages::invitation::show)),
        post("/invitation", to(pages::invitation::submit)),
        post("/invitation/decline", to(pages::invitation::decline)),
        post("/invitation/{id}/accept", to(pages::invitation::accept_listed)),
        post("/invitation/{id}/decline", to(pages::invitation::decline_listed)),
        get("/setup", to(pages::setup::show)),
        post("/setup", to(pages::setup::submit)),
        // Letters that were kept and not sent
        get("/dev/inbox", to(pages::inbox::list)),
        get("/dev/inbox/{id}", to(pages::inbox::show)),
        get("/dev/inbox/{id}/html", to(pages::inbox::show_html)),
    ]
}

/// What browsers go through at an organization's identity provider.
fn at_providers() -> Vec<Endpoint> {
    vec![
        get("/saml/{connection}/login", to(saml::login::login)),
        post("/saml/{connection}/acs", to(saml::acs::acs)),
        get("/login/connect", to(saml::connect::show)),
        post("/login/connect", to(saml::connect::submit)),
        post("/account/security/providers/{connection}/remove", to(pages::providers::remove)),
        post("/orgs/{slug}/sso/{id}/test", to(api::sso_test::begin)),
    ]
}

/// Pages of somebody who is in.
fn of_the_account() -> Vec<Endpoint> {
    vec![
        post("/account/name", to(pages::home::rename)),
        get("/account/email", to(pages::email::show)),
        post("/account/email", to(pages::email::submit)),
        get("/account/password", to(pages::password::show)),
        post("/account/password", to(pages::password::submit)),
        get("/account/password/remove", to(pages::password::show_removal)),
        post("/account/password/remove", to(pages::password::remove)),
        get("/account/security", to(pages::security::show)),
        get("/account/security/totp", to(pages::security::show_totp)),
        post("/account/security/totp", to(pages::security::set_up_totp)),
        post("/account/security/totp/enable", to(pages::security::enable_totp)),
        post("/account/security/totp/disable", to(pages::security::disable_totp)),
        get("/account/security/passkeys", to(pages::passkeys::list)),
        post("/account/security/passkeys", to(pages::passkeys::add)),
        get("/account/security/passkeys/{id}", to(pages::passkeys::show)),
        post("/account/security/passkeys/{id}/name", to(pages::passkeys::rename)),
        post("/account/security/passkeys/{id}/remove", to(pages::passkeys::remove)),
        get("/account/security/recovery-codes", to(pages::security::show_codes)),
        post("/account/security/recovery-codes", to(pages::security::replace_codes)),
        get("/account/sessions", to(pages::sessions::show)),
        post("/account/sessions/{id}/sign-out", to(pages::sessions::sign_out)),
        post("/account/sessions/sign-out-others", to(pages::sessions::sign_out_others)),
        get("/account/activity", to(pages::activity::show)),
        get("/account/export", to(pages::export::show)),
        post("/account/export", to(pages::export::submit)),
        get("/account/api-keys", to(pages::api_keys::show)),
        post("/account/api-keys", to(pages::api_keys::create)),
        post("/account/api-keys/{id}/revoke", to(pages::api_keys::revoke)),
        get("/account/delete", to(pages::deletion::show)),
        post("/account/delete", to(pages::deletion::submit)),
        get("/account/restore", to(pages::deletion::show_restore)),
        post("/account/restore", to(pages::deletion::restore)),
        get("/confirm", to(pages::confirm::show)),
        post("/confirm", to(pages::confirm::submit)),
        get("/hand-over", to(pages::hand_over::show)),
        get("/unsent", to(pages::errands::unsent)),
        get("/confirmed", to(pages::errands::confirmed)),
    ]
}

fn for_programs() -> Vec<Endpoint> {
    vec![
        post("/auth/signup", to(api::auth::sign_up)),
        post("/auth/verify-email", to(api::auth::verify_email)),
        post("/auth/undo-email", to(api::auth::undo_email)),
        post("/auth/forgot-password", to(api::auth::forgot_password)),
        post("/auth/reset-password", to(api::auth::reset_password)),
        post("/auth/login", to(api::auth::log_in)),
        post("/auth/login/totp", to(api::auth::log_in_by_totp)),
        post("/auth/login/recovery-code", to(api::auth::log_in_by_recovery_code)),
        post("/auth/magic-link", to(api::magic_link::ask)),
        post("/auth/magic-link/code", to(api::magic_link::show_code)),
        post("/auth/login/magic-link", to(api::magic_link::log_in)),
        post("/auth/login/passkey/start", to(api::passkey_proofs::start_to_log_in)),
        post("/auth/login/passkey/finish", to(api::passkey_proofs::log_in)),
        post("/auth/logout", to(api::auth::log_out)),
        get("/sso", to(api::provider::find)),
        get("/auth/confirm", to(api::confirm::show)),
        post("/auth/confirm", to(api::confirm::submit)),
        post("/auth/confirm/passkey/start", to(api::passkey_proofs::start_to_confirm)),
        post("/auth/confirm/passkey/finish", to(api::passkey_proofs::confirm)),
        post("/auth/invitations/accept", to(api::invitations::accept)),
        post("/auth/invitations/decline", to(api::invitations::decline)),
        get("/me/invitations", to(api::invitations::list_own)),
        post("/me/invitations/{id}/accept", to(api::invitations::accept_own)),
        post("/me/invitations/{id}/decline", to(api::invitations::decline_own)),
        get("/me", to(api::me::show)),
        patch("/me", to(api::me::rename)),
        delete("/me", to(api::me::delete)),
        post("/me/restore", to(api::me::restore)),
        put("/me/email", to(api::me::change_email)),
        put("/me/password", to(api::me::change_password)),
        delete("/me/password", to(api::me::remove_password)),
        post("/me/email/verification", to(api::me::resend_verification)),
        post("/me/totp", to(api::factors::set_up_totp)),
        delete("/me/totp", to(api::factors::disable_totp)),
        post("/me/totp/enable", to(api::factors::enable_totp)),
        post("/me/recovery-codes", to(api::factors::replace_recovery_codes)),
        get("/me/passkeys", to(api::passkeys::list)),
        post("/me/passkeys/start", to(api::passkeys::start)),
        post("/me/passkeys/finish", to(api::passkeys::finish)),
        patch("/me/passkeys/{id}", to(api::passkeys::rename)),
        delete("/me/passkeys/{id}", to(api::passkeys::remove)),
        get("/me/api-keys", to(api::api_keys::list)),
        post("/me/api-keys", to(api::api_keys::create)),
        delete("/me/api-keys/{id}", to(api::api_keys::revoke)),
        get("/me/export", to(api::export::show)),
        get("/me/activity", to(api::activity::list)),
        get("/me/sessions", to(api::sessions::list)),
        delete("/me/sessions", to(api::sessions::revoke_others)),
        delete("/me/sessions/{id}", to(api::sessions::revoke)),
    ]
}

/// For programs, and pages of those who belong to one.
fn of_organizations() -> Vec<Endpoint> {
    vec![
        // These two are pages as well, for whoever opens them with a browser.
        get("/orgs", to(api::orgs::list)),
        get("/orgs/{slug}", to(api::orgs::show)),
        post("/orgs", to(api::orgs::found)),
        patch("/orgs/{slug}", to(api::orgs::change)),
        delete("/orgs/{slug}", to(api::orgs::delete)),
        get("/orgs/{slug}/activity", to(api::activity::of_organization)),
        get("/orgs/{slug}/members", to(api::orgs::list_members)),
        patch("/orgs/{slug}/members/{user_id}", to(api::orgs::change_role)),
        delete("/orgs/{slug}/members/{user_id}", to(api::orgs::remove_member)),
        post("/orgs/{slug}/owner", to(api::orgs::hand_over)),
        // Forms have addresses of their own.
        post("/orgs/new", to(pages::orgs::found)),
        post("/orgs/{slug}/name", to(pages::orgs::rename)),
        post("/orgs/{slug}/second-factor", to(pages::orgs::ask_for_second_factor)),
        post("/orgs/{slug}/members/{user_id}/role", to(pages::orgs::set_role)),
        post("/orgs/{slug}/members/{user_id}/remove", to(pages::orgs::remove)),
        post("/orgs/{slug}/leave", to(pages::orgs::leave)),
        get("/orgs/{slug}/hand-over", to(pages::orgs::show_handing_over)),
        post("/orgs/{slug}/hand-over", to(pages::orgs::hand_over)),
        get("/orgs/{slug}/delete", to(pages::orgs::show_deletion)),
        post("/orgs/{slug}/delete", to(pages::orgs::delete)),
    ]
}

/// Who is to be a member, and in which groups. Where something is fetched there are pages as well.
fn of_their_people() -> Vec<Endpoint> {
    vec![
        get("/orgs/{slug}/invitations", to(api::invitations::list)),
        post("/orgs/{slug}/invitations", to(api::invitations::invite)),
        delete("/orgs/{slug}/invitations/{id}", to(api::invitations::withdraw)),
        post("/orgs/{slug}/invitations/{id}/resend", to(api::invitations::resend)),
        post("/orgs/{slug}/invitations/new", to(pages::invitations::invite)),
        post("/orgs/{slug}/invitations/{id}/send-again", to(pages::invitations::resend)),
        post("/orgs/{slug}/invitations/{id}/withdraw", to(pages::invitations::withdraw)),
        get("/orgs/{slug}/groups", to(api::groups::list)),
        get("/orgs/{slug}/groups/{id}", to(api::groups::show)),
        post("/orgs/{slug}/groups", to(api::groups::create)),
        patch("/orgs/{slug}/groups/{id}", to(api::groups::rename)),
        delete("/orgs/{slug}/groups/{id}", to(api::groups::delete)),
        post("/orgs/{slug}/groups/{id}/members", to(api::groups::add_member)),
        delete("/orgs/{slug}/groups/{id}/members/{user_id}", to(api::groups::remove_member)),
        post("/orgs/{slug}/groups/new", to(pages::groups::create)),
        post("/orgs/{slug}/groups/{id}/rename", to(pages::groups::rename)),
        post("/orgs/{slug}/groups/{id}/delete", to(pages::groups::delete)),
        post("/orgs/{slug}/groups/{id}/members/add", to(pages::groups::add_member)),
        post("/orgs/{slug}/groups/{id}/members/{user_id}/remove", to(pages::groups::remove_member)),
    ]
}

/// What stands behind the @ in the addresses of its people.
fn of_domains() -> Vec<Endpoint> {
    vec![
        // This one is a page as well, for whoever opens it with a browser.
        get("/orgs/{slug}/domains", to(api::domains::list)),
        post("/orgs/{slug}/domains", to(api::domains::claim)),
        delete("/orgs/{slug}/domains/{name}", to(api::domains::remove)),
        post("/orgs/{slug}/domains/{name}/check", to(api::domains::check)),
        // Forms of the page
        post("/orgs/{slug}/domains/add", to(pages::domains::add)),
        post("/orgs/{slug}/domains/{name}/check-now", to(pages::domains::check)),
        post("/orgs/{slug}/domains/{name}/remove", to(pages::domains::remove)),
    ]
}

/// Programs that are told what happens in an organization. Of each address with a page, that is for a browser.
fn of_webhooks() -> Vec<Endpoint> {
    vec![
        get("/orgs/{slug}/webhooks", to(api::webhooks::list)),
        post("/orgs/{slug}/webhooks", to(api::webhooks::add)),
        get("/orgs/{slug}/webhooks/{id}", to(api::webhooks::show)),
        patch("/orgs/{slug}/webhooks/{id}", to(api::webhooks::change)),
        delete("/orgs/{slug}/webhooks/{id}", to(api::webhooks::remove)),
        post("/orgs/{slug}/webhooks/{id}/rotate", to(api::webhooks::rotate)),
        post("/orgs/{slug}/webhooks/{id}/test", to(api::webhooks::test)),
        get("/orgs/{slug}/webhooks/{id}/deliveries", to(api::webhooks::list_deliveries)),
        post("/orgs/{slug}/webhooks/{id}/deliveries/{delivery}/redeliver", to(api::webhooks::redeliver)),
        // Forms of the pages
        post("/orgs/{slug}/webhooks/add", to(pages::webhooks::add)),
        post("/orgs/{slug}/webhooks/{id}/change", to(pages::webhooks::change)),
        post("/orgs/{slug}/webhooks/{id}/enable", to(pages::webhooks::enable)),
        post("/orgs/{slug}/webhooks/{id}/disable", to(pages::webhooks::disable)),
        post("/orgs/{slug}/webhooks/{id}/remove", to(pages::webhooks::remove)),
        post("/orgs/{slug}/webhooks/{id}/replace-secret", to(pages::webhooks::replace_secret)),
        post("/orgs/{slug}/webhooks/{id}/send-test", to(pages::webhooks::send_test)),
        post("/orgs/{slug}/webhooks/{id}/deliveries/{delivery}/send-again", to(pages::webhooks::send_again)),
    ]
}

/// By whom an organization's people sign in. Of each address with a page, that is for a browser.
fn of_connections() -> Vec<Endpoint> {
    vec![
        get("/orgs/{slug}/sso", to(api::sso::list)),
        post("/orgs/{slug}/sso", to(api::sso::add)),
        get("/orgs/{slug}/sso/{id}", to(api::sso::show)),
        patch("/orgs/{slug}/sso/{id}", to(api::sso::change)),
        delete("/orgs/{slug}/sso/{id}", to(api::sso::remove)),
        get("/orgs/{slug}/sso/{id}/preflight", to(api::sso::look_ahead)),
        get("/orgs/{slug}/sso/{id}/reports", to(api::sso_reports::list)),
        get("/orgs/{slug}/sso/{id}/reports/{reference}", to(api::sso_reports::show)),
        post("/orgs/{slug}/sso/{id}/refresh", to(api::sso::fetch_again)),
        delete("/orgs/{slug}/sso/{id}/identities/{user_id}", to(api::sso::forget_identity)),
        post("/orgs/{slug}/sso/{id}/keys", to(api::sso::add_further_key)),
        post("/orgs/{slug}/sso/{id}/keys/{key}/activate", to(api::sso::activate_key)),
        delete("/orgs/{slug}/sso/{id}/keys/{key}", to(api::sso::drop_key)),
        // Forms of the pages
        post("/orgs/{slug}/sso/add", to(pages::sso::add)),
        post("/orgs/{slug}/sso/{id}/change", to(pages::sso::change)),
        post("/orgs/{slug}/sso/{id}/remove", to(pages::sso::remove)),
        post("/orgs/{slug}/sso/{id}/forget", to(pages::sso::forget)),
        post("/orgs/{slug}/sso/{id}/fetch-again", to(pages::sso::fetch_again)),
        post("/orgs/{slug}/sso/{id}/add-key", to(pages::sso::add_key)),
        post("/orgs/{slug}/sso/{id}/keys/{key}/use", to(pages::sso::use_key)),
        post("/orgs/{slug}/sso/{id}/keys/{key}/remove", to(pages::sso::remove_key)),
        post("/orgs/{slug}/sso/{id}/enforce", to(pages::sso::enforce)),
    ]
}

fn get(path: &'static str, route: Route) -> Endpoint {
    Endpoint { method: Method::GET, path, route }
}

fn any(path: &'static str, route: Route) -> Endpoint {
    Endpoint { method: Method::from_bytes(ANY).unwrap_or_default(), path, route }
}

fn post(path: &'static str, route: Route) -> Endpoint {
    Endpoint { method: Method::POST, path, route }
}

fn put(path: &'static str, route: Route) -> Endpoint {
    Endpoint { method: Method::PUT, path, route }
}

fn patch(path: &'static str, route: Route) -> Endpoint {
    Endpoint { method: Method::PATCH, path, route }
}

fn delete(path: &'static str, route: Route) -> Endpoint {
    Endpoint { method: Method::DELETE, path, route }
}

/// Puts a table to work: one resource an address, so that a wrong method there is told apart from nothing there.
pub fn register(config: &mut web::ServiceConfig, endpoints: Vec<Endpoint>) {
    let mut by_path: BTreeMap<&'static str, Vec<Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        by_path.entry(endpoint.path).or_default().push(endpoint);
    }
    for (path, endpoints) in by_path {
        config.service(resource(path, endpoints));
    }
}

fn resource(path: &'static str, endpoints: Vec<Endpoint>) -> Resource {
    let limit = body::limit_at(path);
    let mut resource = web::resource(path)
        .app_data(web::FormConfig::default().limit(limit))
        .app_data(web::JsonConfig::default().limit(limit).content_type_required(true));
    for endpoint in endpoints {
        // What can be fetched can also be asked about (RFC 9110, section 9.3.2).
        let route = match endpoint.method {
            Method::GET => endpoint.route.guard(is_fetch()),
            method => endpoint.route.method(method),
        };
        resource = resource.route(route);
    }
    resource.default_service(web::to(wrong_method))
}

fn is_fetch() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

/// The gate's endpoints for the methods that they have.
pub fn register_gate(config: &mut web::ServiceConfig) {
    for endpoint in gate() {
        let resource = web::resource(endpoint.path);
        let resource = if endpoint.takes_any_method() { resource } else { resource.guard(is_fetch()) };
        config.service(resource.route(endpoint.route));
    }
}

/// The same addresses for all others, where there are layers.
pub fn register_gate_refusals(config: &mut web::ServiceConfig) {
    for endpoint in gate().into_iter().filter(|endpoint| !endpoint.takes_any_method()) {
        config.service(web::resource(endpoint.path).default_service(web::to(wrong_method)));
    }
}

async fn wrong_method() -> Result<String, Failure> {
    Err(Failure::MethodNotAllowed)
}

pub async fn nothing_here() -> Result<String, Failure> {
    Err(Failure::NotFound)
}
