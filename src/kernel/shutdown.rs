//! The wish to end, as those who must end see it.

use tokio::sync::watch;

/// What ends everything that holds the [`Shutdown`] of the same pair. Dropping it does so too.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

/// Whether it is time to end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

pub fn pair() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    pub fn pull(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits for it.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        // An error says that the trigger is gone.
        let _ = receiver.wait_for(|is_requested| *is_requested).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_who_holds_it_hears_of_the_end() {
        let (trigger, shutdown) = pair();
        let other = shutdown.clone();
        assert!(!other.is_requested());
        trigger.pull();
        shutdown.requested().await;
        assert!(other.is_requested());
    }

    #[tokio::test]
    async fn a_dropped_trigger_is_an_end() {
        let (trigger, shutdown) = pair();
        drop(trigger);
        shutdown.requested().await;
        assert!(shutdown.is_requested());
    }
}
