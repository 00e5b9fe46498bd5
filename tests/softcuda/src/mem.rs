//! Memory: what devices hold (`allocation`, `space`), what the host has pinned (`pinned`), and what
//! moves or fills bytes (`copy`, `fill`, `library`).

mod allocation;
mod copy;
mod fill;
mod free;
pub(crate) mod ipc;
mod library;
mod peer;
mod pinned;
mod poison;
mod pool;
mod space;
mod storage;

pub(crate) use allocation::{Allocation, Owner};
pub(crate) use copy::{download, move_between, upload};
pub(crate) use fill::fill;
pub(crate) use free::{free, free_in_order};
pub(crate) use ipc::{Exported, HANDLE_BYTES};
pub(crate) use library::{Rows, library_kernel};
pub(crate) use peer::Peers;
pub(crate) use pinned::Pinned;
pub(crate) use poison::{Poison, poison, poison_in_order};
pub(crate) use pool::{Maker, Pool};
pub(crate) use space::{AddressSpace, Found};
