//! `/orgs/{slug}/sso/{id}/reports`, for a browser: why somebody could not sign in.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::sessions::ago;
use crate::app::App;
use crate::sso::connections::Connection;
use crate::sso::reports::{Account, Kept, Purpose};
use crate::sso::saml::{Check, Verdict};
use crate::web::api::sso_reports::{describe_answer, describe_check};
use crate::web::membership::Belongs;
use crate::web::view;

pub fn list(app: &App, about: (&Belongs, &Connection), kept: &[Kept], request: &HttpRequest) -> HttpResponse {
    let now = app.clock.now();
    let reports: Vec<Value> = kept.iter().map(|kept| summarise(kept, now)).collect();
    let context = view::with(place(about), json!({ "reports": reports }));
    view::html(request, &mut HttpResponse::Ok(), "orgs/sso_reports.html", context)
}

pub fn show(app: &App, about: (&Belongs, &Connection), kept: &Kept, request: &HttpRequest) -> HttpResponse {
    let checks: Vec<Value> = kept.report.checks.iter().map(describe_check).collect();
    let failed = kept.report.checks.iter().filter(|checked| matches!(checked.verdict, Verdict::Failed { .. }));
    let context = json!({
        "report": summarise(kept, app.clock.now()),
        "failed": failed.map(describe_check).collect::<Vec<_>>(),
        "checks": checks,
        "answer": kept.report.outcome.as_ref().ok().map(describe_answer),
        "maps_to": kept.maps_to,
        "account": kept.maps_to.as_ref().map(|maps_to| whose(maps_to.account)),
        "document": kept.report.document,
    });
    view::html(request, &mut HttpResponse::Ok(), "orgs/sso_report.html", view::with(place(about), context))
}

fn place((who, connection): (&Belongs, &Connection)) -> Value {
    let organization = &who.membership.organization;
    json!({
        "organization": { "slug": organization.slug, "name": organization.name },
        "connection": { "id": connection.id, "name": connection.name },
    })
}

fn summarise(kept: &Kept, now: DateTime<Utc>) -> Value {
    json!({
        "reference": kept.reference.as_str(),
        "what": what(kept.purpose),
        "is_test": kept.purpose == Purpose::Test,
        "is_good": kept.refused().is_none(),
        "sentence": kept.refused().map(Check::sentence),
        "at": kept.created_at,
        "ago": ago(now - kept.created_at),
        "expires_at": kept.expires_at,
    })
}

fn what(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::SignIn => "Sign-in",
        Purpose::StepUp => "Confirmation",
        Purpose::Test => "Test",
        Purpose::SignOut => "Sign-out",
        Purpose::IdpInitiated => "Sign-in begun by the provider",
    }
}

fn whose(account: Account) -> &'static str {
    match account {
        Account::Known => "The one they have come by before.",
        Account::Existing => "The one with this address.",
        Account::New => "A new one is made.",
        Account::Unknown => "Nobody's yet: whoever has one signs in to it and connects it.",
    }
}
