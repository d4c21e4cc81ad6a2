//! Sessions as their holder sees them: one device each, and a way to sign it out.
//!
//! Whoever ends a session here names its holder too, in the one statement that deletes the row: nobody reaches another
//! person's session, whatever happens at the same time.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::end::write_down;
use super::find::is_live;
use super::{Activity, EndReason, Live, Method, store};
use crate::config::settings;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{DeviceId, SessionId, UserId, device};

/// A browser that is signed in.
#[derive(Clone, Debug)]
pub struct Device {
    pub live: Live,
    /// Where it signed in from.
    pub address: Option<IpAddr>,
    /// As it named itself then.
    pub user_agent: Option<String>,
    pub methods: Vec<Method>,
    /// The name of the connection by which they came, if they did by one.
    pub provider: Option<String>,
}

impl Device {
    /// "Firefox on Linux"; `None` when it did not say, or said nothing that we know.
    pub fn name(&self) -> Option<String> {
        self.user_agent.as_deref().and_then(device::name)
    }

    pub fn kind(&self) -> device::Kind {
        self.user_agent.as_deref().map_or(device::Kind::Unknown, device::kind)
    }
}

/// Where somebody is signed in now, the last active first.
pub fn list_devices(
    tx: &mut ReadTx<'_>,
    rules: &settings::Session,
    activity: &Activity,
    user: UserId,
) -> Result<Vec<Device>, db::Error> {
    let now = tx.now;
    let mut devices = Vec::new();
    for mut listed in store::list(tx, user)? {
        listed.found = activity.update(listed.found);
        if is_live(&listed.found, rules, now) {
            devices.push(device(listed));
        }
    }
    devices.sort_by_key(|device| Reverse((device.live.last_active_at, device.live.session)));
    Ok(devices)
}

fn device(listed: store::Listed) -> Device {
    Device {
        live: listed.found.live,
        address: listed.address,
        user_agent: listed.user_agent,
        // A newer node may know more ways to sign in than this one.
        provider: listed.provider,
        methods: listed.methods.iter().filter_map(|word| Method::from_stored(word)).collect(),
    }
}

/// Ends one session of this person. `Ok(false)` when they have none of that id.
pub fn revoke_own(tx: &mut Tx<'_>, user: UserId, id: SessionId, reason: EndReason) -> Result<bool, db::Error> {
    let ended = store::delete_own(tx, user, id)?;
    write_down(tx, ended, reason)
}

/// The same by what stays when the id changes. `Ok(false)` when they have no such device.
pub fn revoke_device(tx: &mut Tx<'_>, user: UserId, device: DeviceId, reason: EndReason) -> Result<bool, db::Error> {
    let ended = store::delete_device(tx, user, device)?;
    write_down(tx, ended, reason)
}
