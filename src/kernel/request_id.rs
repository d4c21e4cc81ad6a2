//! The id of the request at hand, for log lines written far from the door.
//!
//! It travels with the task. A blocking thread is another task: whoever moves work there takes
//! [`current`] along and runs the work inside [`scope_sync`].

use std::future::Future;

tokio::task_local! {
    static REQUEST_ID: String;
}

/// Runs `work` as part of the request `id`.
pub async fn scope<F: Future>(id: String, work: F) -> F::Output {
    REQUEST_ID.scope(id, work).await
}

/// The same for a blocking closure.
pub fn scope_sync<T>(id: String, work: impl FnOnce() -> T) -> T {
    REQUEST_ID.sync_scope(id, work)
}

/// `None` outside of any request.
pub fn current() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_id_crosses_an_await_and_a_blocking_thread() {
        let seen = scope("r1".into(), async {
            tokio::task::yield_now().await;
            let id = current().unwrap();
            tokio::task::spawn_blocking(move || scope_sync(id, current)).await.unwrap()
        });
        assert_eq!(seen.await.as_deref(), Some("r1"));
        assert_eq!(current(), None);
    }
}
