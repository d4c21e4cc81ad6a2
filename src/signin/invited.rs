use super::{Proved, finish};
use crate::accounts::invited::{self, Error, SignUp};
use crate::app::App;
use crate::kernel::{Origin, Token};
use crate::orgs::invitations::Offer;
use crate::sessions::{Method, Opened, Remember};

/// Somebody who had no account follows the link of an invitation.
#[derive(Debug)]
pub struct Attempt {
    pub form: SignUp,
    /// The portal token this browser holds already; its session ends when the new one begins.
    pub previous: Option<Token>,
}

/// Makes their account, makes them a member and signs them in: all of it or nothing.
pub async fn by_invitation(app: &App, origin: &Origin, attempt: Attempt) -> Result<(Opened, Offer), Error> {
    let Attempt { form, previous } = attempt;
    let prepared = invited::prepare(app, origin, form).await?;
    let app2 = app.clone();
    let work = move |tx: &mut crate::db::Tx<'_>| {
        let (user, offer) = invited::join(tx, &prepared)?;
        // The mailed link is what they have proved themselves with.
        let proved = Proved { user, by: &[Method::MagicLink], provided: None };
        Ok((finish(tx, &app2, proved, Remember::No, previous.as_ref())?, offer))
    };
    app.db.write(origin, work).await
}
