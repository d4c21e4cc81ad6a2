use super::{Proved, finish};
use crate::accounts::setup::{self, Error};
use crate::accounts::signup::SignUp;
use crate::app::App;
use crate::kernel::{Origin, Token};
use crate::sessions::{Method, Opened, Remember};

/// What the holder of a set-up link filled in.
#[derive(Debug)]
pub struct Attempt {
    pub token: Token,
    pub form: SignUp,
    /// The portal token this browser holds already; its session ends when the new one begins.
    pub previous: Option<Token>,
}

/// Makes the first administrator and signs them in, both or neither.
pub async fn by_setup_link(app: &App, origin: &Origin, attempt: Attempt) -> Result<Opened, Error> {
    let Attempt { token, form, previous } = attempt;
    let prepared = setup::prepare(app, origin, &token, form).await?;
    let app2 = app.clone();
    let work = move |tx: &mut crate::db::Tx<'_>| {
        let user = setup::make_first_administrator(tx, &prepared)?;
        let proved = Proved { user, by: &[Method::SetupLink], provided: None };
        Ok(finish(tx, &app2, proved, Remember::No, previous.as_ref())?)
    };
    app.db.write(origin, work).await
}
