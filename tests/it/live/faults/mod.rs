//! How long a session that has ended may pass at another node, whatever happens to PostgreSQL, to the network and to the
//! processes: never for longer than the lease, counted from the moment at which the call that ended it has returned to
//! the moment at which a request is sent. Both are taken on the safe side, so a busy machine cannot make these tests
//! fail.
//!
//! Nothing in here looks into the processes: that a node remembers is proved by locking the tables.

mod ends;
mod hammer;
mod network;
mod processes;
mod races;
mod scene;
mod servers;

use std::thread;

/// By its name.
type Story = (&'static str, fn(&str));

/// Several stories side by side: most of their time passes with waiting.
fn side_by_side(stories: &[Story]) {
    let told: Vec<_> = stories
        .iter()
        .map(|(name, story)| {
            let (name, story) = (*name, *story);
            let thread = thread::Builder::new().name(name.to_owned()).spawn(move || story(name)).expect("a thread");
            (name, thread)
        })
        .collect();
    let failed: Vec<_> = told.into_iter().filter_map(|(name, thread)| thread.join().is_err().then_some(name)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}
