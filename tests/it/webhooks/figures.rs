//! What the operator's Prometheus is told of webhooks.

use chrono::TimeDelta;

use super::{add, after_attempts, start, until_delivered};
use crate::metrics::Metrics;
use crate::support::receiver::{Manner, Receiver};

#[test]
fn attempts_are_counted_by_outcome_and_what_waits_by_number_and_age() {
    let (app, receiver) = (start(), Receiver::start(Manner::Says(500, "")));
    let metrics = Metrics::of(&app);
    let of = |name: &str| {
        let scraped = metrics.scrape();
        format!("{}", scraped[&format!("vestibule_webhook_{name}")])
    };
    let outcomes =
        || ["delivered", "failed", "gave_up"].map(|what| of(&format!("attempts_total{{outcome=\"{what}\"}}")));
    assert_eq!(
        (outcomes(), of("queue_depth"), of("queue_age_seconds")),
        (["0"; 3].map(str::to_owned), "0".into(), "0".into())
    );
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    app.signed_up("ann@example.com");
    let delivery = after_attempts(&app, webhook, "user.created", 1);
    receiver.behave(Manner::Silent);
    app.clock().advance(TimeDelta::seconds(15));
    receiver.until_told(2);
    assert_eq!((of("queue_depth").as_str(), of("queue_age_seconds").as_str()), ("1", "15"));
    assert_eq!(outcomes(), ["0", "1", "0"]);
    receiver.behave(Manner::Takes);
    app.clock().advance(TimeDelta::minutes(2));
    until_delivered(&app, delivery.id);
    app.clock().advance(TimeDelta::seconds(15));
    assert_eq!((of("queue_depth").as_str(), of("queue_age_seconds").as_str()), ("0", "0"));
    assert_eq!(outcomes()[0], "1");
}
