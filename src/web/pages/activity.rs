//! `/account/activity` and `/orgs/{slug}/activity`: what happened, the newest first.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::accounts::activity::{self, About, By, Entry, Member, Told};
use crate::app::App;
use crate::audit::{Area, Cursor, Filter, KINDS, Kind, Page, PageSize, Sight, Which};
use crate::kernel::{UserId, When};
use crate::orgs::Membership;
use crate::web::failure::{Failure, Field};
use crate::web::view;
use crate::web::who::SignedIn;

/// What is looked for, as the address has it. All of it may be left out.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    cursor: String,
    limit: String,
    /// The word of a kind, or of an area.
    kind: String,
    /// A day or an instant, each: both of the days are meant.
    since: String,
    until: String,
}

impl Asked {
    /// All that is wrong with it at once.
    pub fn wanted(&self) -> Result<(Filter, Page), Vec<Field>> {
        let which = Which::parse(&self.kind).ok_or(("kind", "There is no such kind of event.".to_owned()));
        let when = |name, text: &str| match text {
            "" => Ok(None),
            text => When::parse(text).map(Some).map_err(|wrong| (name, wrong.to_string())),
        };
        let (since, until) = (when("since", &self.since), when("until", &self.until));
        let after = match self.cursor.as_str() {
            "" => Ok(None),
            text => Cursor::parse(text).map(Some).ok_or(("cursor", "This is no cursor of ours.".to_owned())),
        };
        let size = match self.limit.as_str() {
            "" => Ok(PageSize::default()),
            text => text
                .parse()
                .ok()
                .and_then(PageSize::new)
                .ok_or_else(|| ("limit", format!("Send a number from 1 to {}.", PageSize::LARGEST))),
        };
        match (which, since, until, after, size) {
            (Ok(which), Ok(since), Ok(until), Ok(after), Ok(size)) => {
                let filter = Filter { which, since: since.map(When::begin), until: until.map(When::end) };
                Ok((filter, Page { after, size }))
            }
            (which, since, until, after, size) => {
                Err([which.err(), since.err(), until.err(), after.err(), size.err()].into_iter().flatten().collect())
            }
        }
    }

    /// The same from `cursor` on, as a query.
    fn query(&self, cursor: Option<Cursor>) -> String {
        let cursor = cursor.map(|cursor| cursor.to_string()).unwrap_or_default();
        let all = [
            ("kind", self.kind.as_str()),
            ("since", self.since.as_str()),
            ("until", self.until.as_str()),
            ("limit", self.limit.as_str()),
            ("cursor", cursor.as_str()),
        ];
        Serializer::new(String::new()).extend_pairs(all.into_iter().filter(|(_, value)| !value.is_empty())).finish()
    }

    fn is_filtered(&self) -> bool {
        [&self.kind, &self.since, &self.until].into_iter().any(|field| !field.is_empty())
    }
}

/// `GET /account/activity`
pub async fn show(
    app: web::Data<App>,
    who: SignedIn,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (told, wrong) = match asked.wanted() {
        Ok(wanted) => (load(&app, who.live.user, wanted).await?, Vec::new()),
        Err(wrong) => (nothing(), wrong),
    };
    Ok(page(&request, "accounts/activity.html", context(&asked, &told, &wrong), &wrong))
}

/// `GET /orgs/{slug}/activity` by a browser, for somebody who may see it.
pub async fn show_of_organization(
    app: &App,
    membership: &Membership,
    asked: &Asked,
    request: &HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (told, wrong) = match asked.wanted() {
        Ok(wanted) => (load_of_organization(app, membership, wanted).await?, Vec::new()),
        Err(wrong) => (nothing(), wrong),
    };
    let organization = &membership.organization;
    let organization = json!({ "slug": organization.slug.as_str(), "name": organization.name });
    // There is one area here: the kinds themselves are what there is to choose from.
    let kinds = KINDS.iter().filter(|kind| kind.sight == Sight::Organization);
    let kinds: Vec<Value> = kinds.map(|kind| json!({ "word": kind.word, "title": kind.sentence })).collect();
    let more = json!({ "organization": organization, "kinds": kinds });
    let context = view::with(context(asked, &told, &wrong), more);
    Ok(page(request, "orgs/activity.html", context, &wrong))
}

fn page(request: &HttpRequest, template: &str, context: Value, wrong: &[Field]) -> HttpResponse {
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    view::html(request, &mut HttpResponse::build(status), template, context)
}

fn nothing() -> Told {
    Told { entries: Vec::new(), next: None }
}

pub async fn load(app: &App, user: UserId, (filter, page): (Filter, Page)) -> Result<Told, Failure> {
    Ok(app.db.read(move |tx| activity::of_person(tx, user, &filter, page)).await?)
}

pub async fn load_of_organization(
    app: &App,
    membership: &Membership,
    (filter, page): (Filter, Page),
) -> Result<Told, Failure> {
    let (reader, id) = (membership.user, membership.organization.id);
    Ok(app.db.read(move |tx| activity::of_organization(tx, reader, id, &filter, page)).await?)
}

/// What a page that lists events is given.
fn context(asked: &Asked, told: &Told, wrong: &[Field]) -> Value {
    let form = json!({ "kind": asked.kind, "since": day(&asked.since), "until": day(&asked.until) });
    let list = json!({
        "events": told.entries.iter().map(describe).collect::<Vec<_>>(),
        "kinds": choices(asked),
        "is_filtered": asked.is_filtered(),
        "newest": (!asked.cursor.is_empty()).then(|| asked.query(None)),
        "older": told.next.map(|next| asked.query(Some(next))),
    });
    // What has no field on the page is no single field's fault.
    let has_field = |name: &str| ["kind", "since", "until"].contains(&name);
    let wrong: Vec<Field> =
        wrong.iter().map(|(name, text)| (if has_field(name) { *name } else { "" }, text.clone())).collect();
    view::with(view::form(&form, &wrong, None), list)
}

/// What a field for a day takes: nothing else than one.
fn day(text: &str) -> String {
    When::parse(text).map(|when| when.begin().format("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// The areas, and the one kind that is looked for by a link.
fn choices(asked: &Asked) -> Vec<Value> {
    let areas = Area::ALL.into_iter().map(|area| json!({ "word": area.as_str(), "title": title(area) }));
    match Which::parse(&asked.kind) {
        Some(Which::Kind(kind)) => areas.chain([json!({ "word": kind.word, "title": kind.sentence })]).collect(),
        Some(Which::Every | Which::Area(_)) | None => areas.collect(),
    }
}

fn title(area: Area) -> &'static str {
    match area {
        Area::SigningIn => "Signing in and out",
        Area::Factors => "Password and second factors",
        Area::Account => "Account and address",
        Area::ApiKeys => "API keys",
        Area::Organizations => "Organizations",
    }
}

fn describe(entry: &Entry) -> Value {
    json!({
        "at": entry.at,
        "sentence": entry.sentence,
        "icon": match entry.area {
            Some(Area::SigningIn) => "door",
            Some(Area::Factors) => "key",
            Some(Area::Account) => "mail",
            Some(Area::ApiKeys) => "program",
            Some(Area::Organizations) => "list",
            None => "info",
        },
        "by": by(entry),
        "about": about(&entry.about),
        "address": entry.address,
        "device": entry.device,
        "organization": entry.organization.as_ref().map(|organization| &organization.name),
    })
}

fn by(entry: &Entry) -> Option<String> {
    // Whoever signs up or follows a letter is not signed in either, and need not be told so.
    let is_attempt = Kind::find(&entry.kind).is_some_and(|kind| kind.sight == Sight::Attempt);
    match &entry.by {
        By::You => None,
        By::Member(member) => Some(name(member)),
        By::Operator => Some("the operator of this service".to_owned()),
        By::Service => Some("the service itself".to_owned()),
        By::Another => Some("somebody else".to_owned()),
        By::Somebody => is_attempt.then(|| "somebody who was not signed in".to_owned()),
    }
}

fn about(about: &About) -> Option<String> {
    match about {
        About::Member(member) => Some(name(member)),
        About::You | About::Somebody | About::Nobody => None,
    }
}

/// Admins see the address where there is no name; others do not.
fn name(member: &Member) -> String {
    let named = Some(&member.name).filter(|name| !name.is_empty()).or(member.email.as_ref());
    named.cloned().unwrap_or_else(|| "another member".to_owned())
}
