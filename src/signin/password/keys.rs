//! What an attempt with a password is counted under, and whether it may be looked at.

use chrono::TimeDelta;

use crate::config::settings::Limits;
use crate::db::{self, Tx};
use crate::kernel::EmailAddress;
use crate::sessions;
use crate::throttle::{self, Admission, Key};

/// An attempt that was counted and may be looked at.
#[derive(Clone, Copy)]
pub(super) enum Counted {
    /// The browser is known for the account: others' failures do not count here, nor do these elsewhere.
    KnownDevice(Key),
    Stranger {
        here: Option<Here>,
        account: Key,
    },
    /// The account waits, for so long, and not because of what was done from here.
    OnlyWithSecondFactor {
        here: Here,
        wait: TimeDelta,
    },
}

/// One network address.
#[derive(Clone, Copy)]
pub(super) struct Here {
    /// Whatever account it tries.
    network: Key,
    /// For this account.
    account: Key,
}

/// Counts an attempt, or says how long to wait.
pub(super) fn count(
    tx: &mut Tx<'_>,
    limits: &Limits,
    email: &EmailAddress,
) -> Result<Result<Counted, TimeDelta>, db::Error> {
    if let Some(device) = sessions::recognise(tx, email)? {
        let key = Key::sign_in_on(device, limits.login_per_account);
        return Ok(admit(tx, &[key])?.map(|()| Counted::KnownDevice(key)));
    }
    let here = tx.origin.address.map(|address| Here {
        network: Key::sign_in_from(address, limits.login_per_network),
        account: Key::sign_in_here(email, address, limits.login_per_account),
    });
    let account = Key::sign_in_to(email, limits.login_per_account);
    let counted = Counted::Stranger { here, account };
    match (admit(tx, &counted.keys())?, here) {
        (Ok(()), _) => Ok(Ok(counted)),
        (Err(wait), None) => Ok(Err(wait)),
        (Err(wait), Some(here)) => {
            let counted = Counted::OnlyWithSecondFactor { here, wait };
            Ok(admit(tx, &counted.keys())?.map(|()| counted))
        }
    }
}

fn admit(tx: &mut Tx<'_>, keys: &[Key]) -> Result<Result<(), TimeDelta>, db::Error> {
    Ok(match throttle::admit(tx, keys)? {
        Admission::Admitted => Ok(()),
        Admission::Wait(wait) => Err(wait),
    })
}

impl Counted {
    /// In this order everywhere: two sign-ins at once must not wait for each other.
    fn keys(self) -> Vec<Key> {
        match self {
            Self::KnownDevice(device) => vec![device],
            Self::Stranger { here: None, account } => vec![account],
            Self::Stranger { here: Some(here), account } => vec![here.network, here.account, account],
            Self::OnlyWithSecondFactor { here, .. } => vec![here.network, here.account],
        }
    }

    pub fn take_back(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        self.keys().iter().try_for_each(|key| throttle::take_back(tx, key))
    }

    /// Before the person is locked, as whoever signs in by a passkey does it.
    pub fn hold_network(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        match self {
            Self::KnownDevice(_) | Self::Stranger { here: None, .. } => Ok(()),
            Self::Stranger { here: Some(here), .. } | Self::OnlyWithSecondFactor { here, .. } => {
                throttle::hold(tx, &[here.network])
            }
        }
    }

    /// The password was right. The network may have failed for others as well.
    pub fn forgive_network(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        match self {
            Self::KnownDevice(_) | Self::Stranger { here: None, .. } => Ok(()),
            Self::Stranger { here: Some(here), .. } | Self::OnlyWithSecondFactor { here, .. } => {
                throttle::take_back(tx, &here.network)
            }
        }
    }

    /// Nothing more was asked for.
    pub fn forgive(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        match self {
            Self::KnownDevice(key) | Self::Stranger { here: None, account: key } => throttle::forget(tx, &key),
            Self::Stranger { here: Some(here), account } => {
                throttle::forget(tx, &here.account)?;
                throttle::forget(tx, &account)
            }
            Self::OnlyWithSecondFactor { here, .. } => throttle::forget(tx, &here.account),
        }
    }
}
