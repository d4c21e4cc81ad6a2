//! `GET /me/export`: what is kept about somebody, for them to take along.

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::{Map, Value};

use crate::accounts::export::{self, Place};
use crate::app::App;
use crate::db;
use crate::kernel::UserId;
use crate::web::failure::Failure;
use crate::web::who::FreshOrLeaving;

/// `GET /me/export`: one JSON document, as `docs/export.schema.json` has it.
pub async fn show(app: web::Data<App>, who: FreshOrLeaving) -> Result<HttpResponse, Failure> {
    answer(&app, &who).await
}

/// Sent as it is read: a person may have any number of events. If that fails half-way, the end of the document is
/// missing, and the connection breaks off without an orderly end.
pub async fn answer(app: &App, who: &FreshOrLeaving) -> Result<HttpResponse, Failure> {
    let user = who.live.user;
    app.db.write(&who.origin, move |tx| export::begin(tx, user)).await?;
    let document = app.db.read(move |tx| export::look_up(tx, user)).await?;
    // Deleted between the look at the session and this one.
    let document = document.ok_or(Failure::Unauthenticated)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(app.clock.now())))
        .streaming(written(app.clone(), user, document)))
}

/// `attachment; filename="vestibule-export-2026-11-21.json"`
fn disposition(now: DateTime<Utc>) -> String {
    format!("attachment; filename=\"vestibule-export-{}.json\"", now.format("%Y-%m-%d"))
}

/// What is written next: a page, or the end of the document.
enum Next {
    Page { place: Place, separator: &'static str },
    Nothing,
}

fn written(
    app: App,
    user: UserId,
    document: Map<String, Value>,
) -> impl Stream<Item = Result<Bytes, db::Error>> + use<> {
    let text = Value::Object(document).to_string();
    // What comes in pages are its last members, of which each stays open until the next one begins.
    let [first, second] = Place::ALL;
    let head = format!("{},{}", text.strip_suffix('}').unwrap_or(&text), opening(first));
    let begin = Next::Page { place: first, separator: "" };
    let pages = stream::try_unfold(begin, move |next| {
        let app = app.clone();
        async move {
            let Next::Page { place, separator } = next else { return Ok(None) };
            let (items, more) = app.db.read(move |tx| export::next(tx, user, place)).await?;
            let mut text = String::new();
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { separator } else { "," });
                text.push_str(&item.to_string());
            }
            let next = match (more, place) {
                (Some(place), _) => Next::Page { place, separator: "," },
                (None, Place::Events(_)) => {
                    text.push_str("],");
                    text.push_str(&opening(second));
                    Next::Page { place: second, separator: "" }
                }
                (None, Place::Decisions(_)) => {
                    text.push_str("]}\n");
                    Next::Nothing
                }
            };
            Ok(Some((Bytes::from(text), next)))
        }
    });
    stream::once(async move { Ok(Bytes::from(head)) }).chain(pages)
}

fn opening(place: Place) -> String {
    format!("\"{}\":[", place.member())
}
