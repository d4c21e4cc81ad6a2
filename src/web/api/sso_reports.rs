//! `/orgs/{slug}/sso/{id}/reports`: what came of refused answers and of tests.
//!
//! Both are pages as well, for whoever opens them with a browser.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::me::no_store;
use super::sso::require_reader;
use crate::app::App;
use crate::db::ReadTx;
use crate::kernel::ConnectionId;
use crate::sso::connections::{self, Connection};
use crate::sso::reports::{self, Kept, Reference};
use crate::sso::saml::{Answer, Attribute, Check, Checked, Verdict};
use crate::web::failure::{self, Failure};
use crate::web::membership::Belongs;
use crate::web::pages::sso_reports as page;

#[derive(Deserialize)]
pub struct ReportsPath {
    pub id: String,
}

#[derive(Deserialize)]
pub struct ReportPath {
    pub id: String,
    pub reference: String,
}

/// `GET /orgs/{slug}/sso/{id}/reports`: without the checks and documents.
pub async fn list(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<ReportsPath>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    require_reader(&who)?;
    let (connection, kept) = load_all(&app, &who, &path.id).await?;
    if failure::wants_page(&request) {
        return Ok(page::list(&app, (&who, &connection), &kept, &request));
    }
    let all: Vec<Value> = kept.iter().map(summarise).collect();
    Ok(no_store().json(json!({ "reports": all })))
}

/// `GET /orgs/{slug}/sso/{id}/reports/{reference}`: every check, what the answer says if it was good, what that comes to
/// here if it was a test, and the document without its secrets.
pub async fn show(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<ReportPath>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    require_reader(&who)?;
    let (connection, kept) = load(&app, &who, &path).await?;
    if failure::wants_page(&request) {
        return Ok(page::show(&app, (&who, &connection), &kept, &request));
    }
    Ok(no_store().json(describe(&kept)))
}

async fn load_all(app: &App, who: &Belongs, id: &str) -> Result<(Connection, Vec<Kept>), Failure> {
    let id: ConnectionId = id.parse().map_err(|_| Failure::NotFound)?;
    let (organization, sealer) = (who.membership.organization.id, app.sealer.clone());
    let load = move |tx: &mut ReadTx<'_>| -> Result<_, reports::Error> {
        let Some(connection) = connections::find(tx, organization, id)? else { return Ok(None) };
        Ok(Some((connection, reports::list(tx, &sealer, id)?)))
    };
    app.db.read(load).await?.ok_or(Failure::NotFound)
}

async fn load(app: &App, who: &Belongs, path: &ReportPath) -> Result<(Connection, Kept), Failure> {
    let id: ConnectionId = path.id.parse().map_err(|_| Failure::NotFound)?;
    let reference = Reference::parse(&path.reference).ok_or(Failure::NotFound)?;
    let (organization, sealer) = (who.membership.organization.id, app.sealer.clone());
    let load = move |tx: &mut ReadTx<'_>| -> Result<_, reports::Error> {
        let Some(connection) = connections::find(tx, organization, id)? else { return Ok(None) };
        Ok(reports::find(tx, &sealer, id, &reference)?.map(|kept| (connection, kept)))
    };
    app.db.read(load).await?.ok_or(Failure::NotFound)
}

fn summarise(kept: &Kept) -> Value {
    json!({
        "reference": kept.reference.as_str(),
        "purpose": kept.purpose.as_str(),
        "outcome": if kept.refused().is_some() { "refused" } else { "good" },
        "check": kept.refused().map(Check::as_str),
        "created_at": kept.created_at,
        "expires_at": kept.expires_at,
    })
}

fn describe(kept: &Kept) -> Value {
    let mut said = summarise(kept);
    if let Some(said) = said.as_object_mut() {
        let checks: Vec<Value> = kept.report.checks.iter().map(describe_check).collect();
        said.insert("checks".to_owned(), json!(checks));
        said.insert("answer".to_owned(), kept.report.outcome.as_ref().ok().map(describe_answer).into());
        said.insert("maps_to".to_owned(), json!(kept.maps_to));
        said.insert("document".to_owned(), json!(kept.report.document));
    }
    said
}

/// For the API and for pages.
pub fn describe_check(checked: &Checked) -> Value {
    let (verdict, seen, expected) = match &checked.verdict {
        Verdict::Passed => ("passed", None, None),
        Verdict::Failed { seen, expected } => ("failed", Some(seen), Some(expected)),
        Verdict::NotReached => ("not_reached", None, None),
    };
    json!({
        "check": checked.check.as_str(),
        "sentence": checked.check.sentence(),
        "verdict": verdict,
        "seen": seen,
        "expected": expected,
    })
}

/// For the API and for pages.
pub fn describe_answer(answer: &Answer) -> Value {
    let attribute = |attribute: &Attribute| json!({ "name": attribute.name, "friendly_name": attribute.friendly_name, "values": attribute.values });
    json!({
        "name_id": answer.name_id.value,
        "name_id_format": answer.name_id.format,
        "authn_instant": answer.authn_instant,
        "authn_context": answer.authn_context,
        "session_ends_at": answer.session_ends_at,
        "attributes": answer.attributes.iter().map(attribute).collect::<Vec<_>>(),
    })
}
