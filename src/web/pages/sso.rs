//! `/orgs/{slug}/sso`: how an organization's people sign in by its identity provider.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sessions::Nothing;
use super::sso_hints;
use crate::app::App;
use crate::kernel::ConnectionId;
use crate::orgs::{Permission, Role};
use crate::sso::connections::enforcement::Preflight;
use crate::sso::connections::wish::AttributeNames;
use crate::sso::connections::{Connection, Place, Refreshed, Source, WARNINGS, Whole, Wish};
use crate::web::api::sso::{self as api, ConnectionPath, KeyPath};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::membership::{Belongs, FreshlyBelongs};
use crate::web::{reauth, view};

#[derive(Deserialize)]
pub struct Asked {
    /// What was just done, one of the words of [`notice`].
    #[serde(default)]
    done: String,
}

/// Lists have a line for each entry.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Form {
    name: String,
    domains: String,
    metadata_xml: String,
    metadata_url: String,
    idp_entity_id: String,
    sso_url: String,
    certificates: String,
    email_attribute: String,
    name_attribute: String,
    groups_attribute: String,
    group_roles: String,
    group_groups: String,
    default_role: String,
    sign_requests: String,
    allow_idp_initiated: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct EnforceForm {
    /// `now`, `day` or `never`.
    when: String,
    enforced_from: String,
    break_glass: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ForgetForm {
    email: String,
}

impl Form {
    fn wish(&self) -> Result<Wish, Vec<Field>> {
        let group_groups = pairs("group_groups", &self.group_groups)?;
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (theirs, ours) in group_groups {
            groups.entry(theirs).or_default().push(ours);
        }
        Ok(Wish {
            name: Some(self.name.clone()),
            domains: Some(words(&self.domains)),
            metadata_xml: filled(&self.metadata_xml),
            metadata_url: filled(&self.metadata_url),
            idp_entity_id: filled(&self.idp_entity_id),
            sso_url: filled(&self.sso_url),
            certificates: filled(&self.certificates).map(|text| certificates(&text)),
            attributes: AttributeNames {
                email: Some(filled(&self.email_attribute)),
                name: Some(filled(&self.name_attribute)),
                groups: Some(filled(&self.groups_attribute)),
            },
            group_roles: Some(pairs("group_roles", &self.group_roles)?.into_iter().collect()),
            group_groups: Some(groups),
            default_role: Some(filled(&self.default_role)),
            sign_requests: Some(!self.sign_requests.is_empty()),
            allow_idp_initiated: Some(!self.allow_idp_initiated.is_empty()),
            ..Wish::default()
        })
    }

    fn input(&self) -> Value {
        json!({
            "name": self.name,
            "domains": self.domains,
            "metadata_xml": self.metadata_xml,
            "metadata_url": self.metadata_url,
            "idp_entity_id": self.idp_entity_id,
            "sso_url": self.sso_url,
            "certificates": self.certificates,
            "email_attribute": self.email_attribute,
            "name_attribute": self.name_attribute,
            "groups_attribute": self.groups_attribute,
            "group_roles": self.group_roles,
            "group_groups": self.group_groups,
            "default_role": self.default_role,
            "sign_requests": !self.sign_requests.is_empty(),
            "allow_idp_initiated": !self.allow_idp_initiated.is_empty(),
        })
    }
}

/// `GET /orgs/{slug}/sso`, for a browser.
pub fn list(app: &App, who: &Belongs, all: &[Whole], asked: &Asked, request: &HttpRequest) -> HttpResponse {
    let usual = Form { default_role: "member".to_owned(), sign_requests: "on".to_owned(), ..Form::default() };
    let form = view::form(&usual.input(), &[], notice(&asked.done));
    page_of_all(app, who, all, (form, StatusCode::OK), request)
}

/// `POST /orgs/{slug}/sso/add`
pub async fn add(
    app: web::Data<App>,
    who: FreshlyBelongs,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let who = who.0;
    api::require_keeper(&who)?;
    let made = match form.wish() {
        Ok(wish) => api::make(&app, &who, wish).await,
        Err(wrong) => Err(Failure::Validation(wrong)),
    };
    match made {
        Ok(whole) => Ok(view::see_other(&place(&who, whole.connection.id, "added"))),
        Err(failure) => {
            let wrong = faults(&failure)?;
            let all = api::load_all(&app, &who).await?;
            let form = view::form(&form.input(), &wrong, None);
            Ok(page_of_all(&app, &who, &all, (form, failure.status()), &request))
        }
    }
}

/// `GET /orgs/{slug}/sso/{id}`, for a browser.
pub async fn show(
    app: &App,
    who: &Belongs,
    whole: &Whole,
    asked: &Asked,
    request: &HttpRequest,
) -> Result<HttpResponse, Failure> {
    let names = api::load_group_names(app, who).await?;
    let form = view::form(&input_of(whole, &names), &[], notice(&asked.done));
    Ok(page_of_one(app, who, whole, (form, StatusCode::OK), request))
}

/// `POST /orgs/{slug}/sso/{id}/change`
pub async fn change(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (who, id) = (who.0, path.id()?);
    api::require_keeper(&who)?;
    let changed = match form.wish() {
        Ok(wish) => api::alter(&app, &who, id, wish).await,
        Err(wrong) => Err(Failure::Validation(wrong)),
    };
    match changed {
        Ok(_) => Ok(view::see_other(&place(&who, id, "changed"))),
        Err(failure) => {
            let wrong = faults(&failure)?;
            let whole = api::load(&app, &who, id).await?;
            let form = view::form(&form.input(), &wrong, None);
            Ok(page_of_one(&app, &who, &whole, (form, failure.status()), &request))
        }
    }
}

/// `POST /orgs/{slug}/sso/{id}/remove`
pub async fn remove(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    api::end(&app, &who.0, path.id()?).await?;
    Ok(view::see_other(&format!("/orgs/{}/sso?done=removed", who.0.membership.organization.slug)))
}

/// `POST /orgs/{slug}/sso/{id}/fetch-again`
pub async fn fetch_again(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    let (who, id) = (who.0, path.id()?);
    // What has failed stands on the page.
    let done = match api::refresh(&app, &who, id).await? {
        Refreshed::Same | Refreshed::NothingToFetch => "same",
        Refreshed::Changed => "fetched",
        Refreshed::Failed(_) => "failed",
    };
    Ok(view::see_other(&place(&who, id, done)))
}

/// `POST /orgs/{slug}/sso/{id}/add-key`
pub async fn add_key(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    let (who, id) = (who.0, path.id()?);
    api::make_key(&app, &who, id).await?;
    Ok(view::see_other(&place(&who, id, "key")))
}

/// `POST /orgs/{slug}/sso/{id}/keys/{key}/use`
pub async fn use_key(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<KeyPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    api::use_key(&app, &who.0, &path).await?;
    Ok(view::see_other(&place(&who.0, path.ids()?.0, "changed")))
}

/// `POST /orgs/{slug}/sso/{id}/keys/{key}/remove`
pub async fn remove_key(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<KeyPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    api::end_key(&app, &who.0, &path).await?;
    Ok(view::see_other(&place(&who.0, path.ids()?.0, "changed")))
}

/// `GET /orgs/{slug}/sso/{id}/preflight`, for a browser.
pub fn look_ahead(
    app: &App,
    who: &Belongs,
    (connection, preflight): (&Connection, &Preflight),
    request: &HttpRequest,
) -> HttpResponse {
    let form = view::form(&input_of_day(connection, preflight, app.clock.now()), &[], None);
    page_of_preflight(app, who, (connection, preflight), (form, StatusCode::OK), request)
}

/// `POST /orgs/{slug}/sso/{id}/enforce`
pub async fn enforce(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
    Checked(form): Checked<EnforceForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (who, id) = (who.0, path.id()?);
    api::require_keeper(&who)?;
    let (enforced, from) = match form.when.as_str() {
        "now" => (Some(true), None),
        "day" => (None, Some(Some(form.enforced_from.clone()))),
        _ => (Some(false), None),
    };
    let break_glass = Some(words(&form.break_glass));
    let wish = Wish { enforced, enforced_from: from, break_glass, ..Wish::default() };
    match api::alter(&app, &who, id, wish).await {
        Ok(_) => Ok(view::see_other(&place(&who, id, "enforced"))),
        Err(failure) => {
            let wrong = faults(&failure)?;
            let (connection, preflight) = api::load_preflight(&app, &who, id).await?;
            let input = json!({
                "when": form.when, "enforced_from": form.enforced_from, "break_glass": form.break_glass,
            });
            let form = (view::form(&input, &wrong, None), failure.status());
            Ok(page_of_preflight(&app, &who, (&connection, &preflight), form, &request))
        }
    }
}

/// What can be said beside the form that it is about; everything else is a page of its own.
fn faults(failure: &Failure) -> Result<Vec<Field>, Failure> {
    match failure {
        Failure::Validation(fields) => Ok(fields.clone()),
        Failure::Conflict(sentence) => Ok(vec![("", sentence.clone())]),
        failure => Err(failure.clone()),
    }
}

fn page_of_all(
    app: &App,
    who: &Belongs,
    all: &[Whole],
    (form, status): (Value, StatusCode),
    request: &HttpRequest,
) -> HttpResponse {
    let connections: Vec<Value> = all.iter().map(|whole| describe(app, whole)).collect();
    let context = view::with(frame(who), json!({ "connections": connections }));
    view::html(request, &mut HttpResponse::build(status), "orgs/sso.html", view::with(form, context))
}

fn page_of_one(
    app: &App,
    who: &Belongs,
    whole: &Whole,
    (form, status): (Value, StatusCode),
    request: &HttpRequest,
) -> HttpResponse {
    let context = view::with(frame(who), json!({ "connection": describe(app, whole) }));
    view::html(request, &mut HttpResponse::build(status), "orgs/connection.html", view::with(form, context))
}

fn page_of_preflight(
    app: &App,
    who: &Belongs,
    (connection, preflight): (&Connection, &Preflight),
    (form, status): (Value, StatusCode),
    request: &HttpRequest,
) -> HttpResponse {
    let missing: Vec<&str> = preflight.missing.iter().map(|one| one.sentence()).collect();
    let said = json!({
        "connection": {
            "id": connection.id,
            "name": connection.name,
            "is_enforced": connection.is_enforced(app.clock.now()),
            "enforced_from": connection.enforced_from,
        },
        "missing": missing,
        "preflight": preflight.to_json(),
    });
    let context = view::with(frame(who), said);
    view::html(request, &mut HttpResponse::build(status), "orgs/preflight.html", view::with(form, context))
}

fn frame(who: &Belongs) -> Value {
    let organization = &who.membership.organization;
    json!({
        "organization": { "slug": organization.slug, "name": organization.name },
        "may_manage": who.membership.role.may(Permission::ManageSingleSignOn),
    })
}

/// As programs read it, with what pages say besides.
fn describe(app: &App, whole: &Whole) -> Value {
    let now = app.clock.now();
    let one = &whole.connection;
    let certificates: Vec<Value> = whole
        .certificates
        .iter()
        .map(|certificate| {
            json!({
                "subject": certificate.subject,
                "sha256": certificate.fingerprint(),
                "not_after": certificate.not_after,
                "standing": standing(certificate.not_after, now),
            })
        })
        .collect();
    let error = match &one.source {
        Source::Url(fetched) => fetched.error.clone(),
        Source::Xml { .. } | Source::Hand => None,
    };
    let more = json!({
        "certificates": certificates,
        "is_tested": one.is_tested(DateTime::UNIX_EPOCH),
        "is_failing": error.is_some(),
        "hints": sso_hints::hints(&Place::of(&app.settings.server.public_url, one.id)),
    });
    view::with(whole.to_json(&app.settings.server.public_url, now), more)
}

fn standing(end: DateTime<Utc>, now: DateTime<Utc>) -> &'static str {
    let first_warning = WARNINGS.iter().max().copied().unwrap_or(TimeDelta::zero());
    match end {
        end if end <= now => "over",
        end if end <= now + first_warning => "soon",
        _ => "good",
    }
}

/// The form of what is there. What the provider says stays out: it is changed by giving other metadata.
fn input_of(whole: &Whole, names: &BTreeMap<String, String>) -> Value {
    let one = &whole.connection;
    let domains: Vec<&str> = whole.domains.iter().map(|domain| domain.name.as_str()).collect();
    let roles: Vec<String> =
        whole.mappings.roles.iter().map(|(group, role)| format!("{group} = {}", role.as_str())).collect();
    let call = |id: &crate::kernel::GroupId| names.get(&id.to_string()).cloned().unwrap_or_else(|| id.to_string());
    let groups = whole.mappings.groups.iter();
    let groups: Vec<String> =
        groups.flat_map(|(theirs, ours)| ours.iter().map(move |id| format!("{theirs} = {}", call(id)))).collect();
    json!({
        "name": one.name,
        "domains": domains.join(" "),
        "email_attribute": one.attributes.email,
        "name_attribute": one.attributes.name,
        "groups_attribute": one.attributes.groups,
        "group_roles": roles.join("\n"),
        "group_groups": groups.join("\n"),
        "default_role": one.default_role.map(Role::as_str),
        "sign_requests": one.signs_requests,
        "allow_idp_initiated": one.allows_idp_initiated,
    })
}

/// As it stands, so that saving it changes nothing.
fn input_of_day(connection: &Connection, preflight: &Preflight, now: DateTime<Utc>) -> Value {
    let day = connection.enforced_from.filter(|from| *from > now).map(|from| from.format("%Y-%m-%d").to_string());
    let when = if day.is_some() { "day" } else { "" };
    json!({ "when": when, "enforced_from": day.unwrap_or_default(), "break_glass": preflight.break_glass.join("\n") })
}

fn place(who: &Belongs, id: ConnectionId, done: &str) -> String {
    format!("/orgs/{}/sso/{id}?done={done}", who.membership.organization.slug)
}

fn filled(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Those in PEM, one after the other; or one in base64 alone.
fn certificates(text: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    text.split_inclusive(END).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Lines of the form `theirs = ours`.
fn pairs(field: &'static str, text: &str) -> Result<Vec<(String, String)>, Vec<Field>> {
    let pair = |line: &str| {
        let (theirs, ours) = line.rsplit_once('=')?;
        Some((theirs.trim().to_owned(), ours.trim().to_owned()))
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let wrong = |line: &str| vec![(field, format!("{line}: write a group, =, and what it means here."))];
    lines.map(|line| pair(line).ok_or_else(|| wrong(line))).collect()
}

/// `POST /orgs/{slug}/sso/{id}/forget`
pub async fn forget(
    app: web::Data<App>,
    FreshlyBelongs(who): FreshlyBelongs,
    path: web::Path<ConnectionPath>,
    Checked(form): Checked<ForgetForm>,
) -> Result<HttpResponse, Failure> {
    let id = path.id()?;
    let was_known = api::forget_by_address(&app, &who, id, &form.email).await?;
    Ok(view::see_other(&place(&who, id, if was_known { "forgotten" } else { "unknown" })))
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "added" => {
            Some("The connection is added. Next: prove its domains, give the provider our metadata, and try it out.")
        }
        "changed" => Some("The connection is changed."),
        "removed" => Some("The connection is removed."),
        "fetched" => Some("The metadata had changed, and was taken over."),
        "same" => Some("The metadata says what it said before."),
        "failed" => Some("The metadata could not be fetched. What was read before holds."),
        "forgotten" => {
            Some("Forgotten, and signed out. The next time they come as what the provider calls them by then.")
        }
        "unknown" => Some("Nobody with this address has come by this connection."),
        "key" => Some("There is a further key. Once the provider knows it, let it sign."),
        "enforced" => Some("Saved. Those whom it concerns get a letter."),
        done => reauth::notice(done),
    }
}
