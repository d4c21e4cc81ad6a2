//! What people are told about their factors.

use super::{Error, Holder};
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::mail::{self, FactorChange, Letter};

pub(super) fn tell(tx: &mut Tx<'_>, sealer: &Sealer, holder: &Holder, change: FactorChange) -> Result<(), Error> {
    write(tx, sealer, holder, Letter::FactorChanged { change })
}

pub(super) fn tell_of_use(tx: &mut Tx<'_>, sealer: &Sealer, holder: &Holder, left: u32) -> Result<(), Error> {
    write(tx, sealer, holder, Letter::RecoveryCodeUsed { left })
}

fn write(tx: &mut Tx<'_>, sealer: &Sealer, holder: &Holder, letter: Letter) -> Result<(), Error> {
    if holder.is_verified {
        mail::enqueue(tx, sealer, &holder.email, Some(holder.user), letter)?;
    }
    Ok(())
}
