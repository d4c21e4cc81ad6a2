//! `GET /me/export`: what is kept about somebody, for them to take along.

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::{Map, Value};

use crate::accounts::export;
use crate::app::App;
use crate::audit::Cursor;
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

/// What is written next.
enum Next {
    Events { after: Option<Cursor>, is_first: bool },
    Nothing,
}

fn written(
    app: App,
    user: UserId,
    document: Map<String, Value>,
) -> impl Stream<Item = Result<Bytes, db::Error>> + use<> {
    let text = Value::Object(document).to_string();
    // Its events are the last member, and stay open.
    let head = format!("{},\"events\":[", text.strip_suffix('}').unwrap_or(&text));
    let first = Next::Events { after: None, is_first: true };
    let events = stream::try_unfold(first, move |next| {
        let app = app.clone();
        async move {
            let Next::Events { after, is_first } = next else { return Ok(None) };
            let (events, next) = app.db.read(move |tx| export::next_events(tx, user, after)).await?;
            let mut text = String::new();
            for (index, event) in events.iter().enumerate() {
                let separator = if is_first && index == 0 { "" } else { "," };
                text.push_str(separator);
                text.push_str(&event.to_string());
            }
            let Some(cursor) = next else {
                text.push_str("]}\n");
                return Ok(Some((Bytes::from(text), Next::Nothing)));
            };
            Ok(Some((Bytes::from(text), Next::Events { after: Some(cursor), is_first: false })))
        }
    });
    stream::once(async move { Ok(Bytes::from(head)) }).chain(events)
}
