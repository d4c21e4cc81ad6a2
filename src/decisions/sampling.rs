//! Which checks are kept.

use std::fmt;

use crate::config::settings;
use crate::kernel::Digest;

/// A share of all checks, and by which rules they are judged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sampling {
    share: f64,
    rules: Fingerprint,
}

impl Sampling {
    /// `None` where nothing is kept.
    pub fn of(gateway: &settings::Gateway) -> Option<Self> {
        let share = gateway.record.share;
        (share > 0.0).then(|| Self { share, rules: Fingerprint::of(gateway) })
    }

    /// Whether one with this chance, of which every one is as likely as any other, is among them.
    pub fn takes(&self, chance: [u8; 4]) -> bool {
        const ALL: f64 = 4_294_967_296.0;
        f64::from(u32::from_ne_bytes(chance)) < self.share * ALL
    }

    pub(super) fn share(&self) -> f64 {
        self.share
    }

    pub(super) fn rules(&self) -> Fingerprint {
        self.rules
    }
}

/// By which the rules of one configuration are told from those of another. No secret, and nothing to rely on: another
/// release may have another one for the same rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    pub fn of(gateway: &settings::Gateway) -> Self {
        let all = format!("{:?}", (gateway.default, &gateway.organizations, &gateway.rules));
        let mut bytes = [0; 8];
        for (byte, own) in bytes.iter_mut().zip(Digest::of(all.as_bytes()).as_bytes()) {
            *byte = *own;
        }
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{Allow, Gateway, Organizations, Record, Rule};

    fn gateway(share: f64, rules: Vec<Rule>) -> Gateway {
        let record = Record { share, ..Record::NOTHING };
        Gateway { default: Allow::Deny, assertion: false, organizations: Organizations::All, rules, record }
    }

    #[test]
    fn a_share_of_all_chances_is_taken() {
        for (share, taken) in [(1.0, 256), (0.5, 128), (0.25, 64), (0.0001, 1)] {
            let sampling = Sampling::of(&gateway(share, Vec::new())).unwrap();
            let chances = (0..=255_u32).map(|step| step << 24);
            assert_eq!(chances.filter(|chance| sampling.takes(chance.to_ne_bytes())).count(), taken, "{share}");
        }
        assert!(Sampling::of(&gateway(1.0, Vec::new())).unwrap().takes([0xff; 4]));
        assert_eq!(Sampling::of(&gateway(0.0, Vec::new())), None);
    }

    #[test]
    fn other_rules_have_another_fingerprint_and_the_same_ones_the_same() {
        let rule = |allow| Rule::for_hosts(vec!["app.example.com".to_owned()], allow);
        let of = |share, allow| Fingerprint::of(&gateway(share, vec![rule(allow)]));
        assert_eq!(of(0.0, Allow::Public), of(1.0, Allow::Public));
        assert_ne!(of(0.0, Allow::Public), of(0.0, Allow::Deny));
    }
}
