//! What happens, told to a real server of somebody else's.

mod command;
mod crash;
mod delivery;
mod documented;
mod failing;
mod figures;
mod organizations;
mod pages;
mod people;
mod reach;

use std::future::Future;

use vestibule::db::{self, Tx};
use vestibule::kernel::{DeliveryId, Origin, WebhookId};
use vestibule::outbound::Outside;
use vestibule::webhooks::{self, Address, Delivery, Keeper, Kinds, New, Standing};

use crate::support::receiver::Receiver;
use crate::support::{TestApp, eventually};

/// The receivers of these tests are on this machine.
const HERE: (&str, &str) = ("webhooks.allowed_networks", "127.0.0.0/8");

fn start() -> TestApp {
    TestApp::with(&[HERE])
}

/// One of the instance's, as the operator's command adds it; and its secret.
fn add(app: &TestApp, receiver: &Receiver, kinds: &[&str]) -> (WebhookId, String) {
    add_at(app, &app.app.outside, &receiver.url(), kinds)
}

fn add_at(app: &TestApp, outside: &Outside, url: &str, kinds: &[&str]) -> (WebhookId, String) {
    let kinds = Kinds::parse(kinds.iter().copied()).unwrap();
    let address = block_on(Address::look_up(outside, url)).unwrap();
    let sealer = app.app.sealer.clone();
    let step = move |tx: &mut Tx<'_>| webhooks::add(tx, &sealer, Keeper::Operator, New { address, kinds });
    let added = block_on(app.app.db.write(&Origin::operator("webhook add"), step)).unwrap();
    (added.webhook.id, added.secret.expose().to_owned())
}

fn by_operator<T, E, F>(app: &TestApp, step: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<db::Error> + Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
{
    block_on(app.app.db.write(&Origin::operator("a test"), step))
}

fn deliveries(app: &TestApp, webhook: WebhookId) -> Vec<Delivery> {
    let list = move |tx: &mut db::ReadTx<'_>| webhooks::list_deliveries(tx, Keeper::Operator, webhook, None, 1_000);
    block_on(app.app.db.read(list)).unwrap().deliveries
}

fn the_delivery(app: &TestApp, webhook: WebhookId, kind: &str) -> Delivery {
    let all = deliveries(app, webhook);
    all.into_iter().find(|delivery| delivery.kind == kind).unwrap_or_else(|| panic!("no delivery of {kind}"))
}

/// Once so many attempts are over, and it waits or has ended.
fn after_attempts(app: &TestApp, webhook: WebhookId, kind: &str, attempts: i32) -> Delivery {
    eventually("an attempt", || {
        let delivery = deliveries(app, webhook).into_iter().find(|delivery| delivery.kind == kind)?;
        let is_over = !matches!(delivery.standing, Standing::Sending(_));
        (delivery.attempts == attempts && is_over).then_some(delivery)
    })
}

fn until_delivered(app: &TestApp, id: DeliveryId) {
    eventually("a delivery", || {
        let delivered =
            format!("SELECT count(*) AS n FROM webhook_deliveries WHERE id = '{id}' AND delivered_at IS NOT NULL");
        (app.count(&delivered) == 1).then_some(())
    });
}

fn block_on<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
