//! What happens before what: clocks of streams, and who touched which bytes at what time. It knows
//! no driver and no memory.

mod clock;
mod shadow;

pub(crate) use clock::{Clock, Stamp};
pub(crate) use shadow::{Access, Shadow};
