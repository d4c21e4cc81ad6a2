//! `/account/security/providers`: organizations whose identity providers let somebody in.

use actix_web::{HttpResponse, web};

use super::security::Nothing;
use crate::app::App;
use crate::db::Tx;
use crate::kernel::ConnectionId;
use crate::signin::by_sso::{Unlinking, unlink};
use crate::web::csrf::Checked;
use crate::web::failure::Failure;
use crate::web::view;
use crate::web::who::Fresh;

/// `POST /account/security/providers/{connection}/remove`
pub async fn remove(
    app: web::Data<App>,
    who: Fresh,
    connection: web::Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    let connection: ConnectionId = connection.parse().map_err(|_| Failure::NotFound)?;
    let user = who.live.user;
    let work = move |tx: &mut Tx<'_>| unlink(tx, user, connection);
    match app.db.write::<_, crate::db::Error, _>(&who.origin, work).await? {
        Unlinking::Done => Ok(view::see_other("/account/security?done=disconnected")),
        Unlinking::NotLinked => Err(Failure::NotFound),
        Unlinking::OnlyWayIn => Err(Failure::Conflict(
            "Nothing else would let you in. Choose a password first, or add a passkey.".to_owned(),
        )),
    }
}
