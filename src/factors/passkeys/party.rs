use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::ceremony::TTL;
use crate::app::App;
use crate::factors;

/// What speaks for this service to authenticators. `None` where there can be no passkeys: they belong to a name, and
/// the host of `server.public_url` is an address (WebAuthn, section 5.1.3).
///
/// The host itself and nothing above it, so that no sibling can ask for our passkeys; its very origin, so that nothing
/// below it can either.
pub(super) fn relying_party(app: &App) -> Option<Webauthn> {
    let origin = &app.settings.server.public_url;
    let builder = WebauthnBuilder::new(origin.domain()?, origin).ok()?;
    let builder = builder.rp_name(factors::site_name(app)).allow_subdomains(false).allow_any_port(false);
    builder.timeout(TTL.to_std().ok()?).build().ok()
}
