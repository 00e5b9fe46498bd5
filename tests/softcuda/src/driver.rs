//! All that the library holds; there is one for each time that it is loaded.

use std::sync::{Arc, Mutex, OnceLock};

use crate::code::{Code, Result};
use crate::counters::Counters;
use crate::graph::{Captures, Executable, Graph};
use crate::mem::{AddressSpace, Maker, Peers, Pinned, Pool};
use crate::module::{Function, Module};
use crate::options::{DEVICES_MAX, Options, Setting};
use crate::race::Clock;
use crate::report::Report;
use crate::stream::{Event, Gate, Stream, Streams};
use crate::sync::lock;
use crate::table::Table;

/// The state of the driver.
pub(crate) struct Driver {
    pub(crate) options: Options,
    pub(crate) counters: Counters,
    pub(crate) report: Report,
    pub(crate) gate: Gate,
    pub(crate) space: AddressSpace,
    pub(crate) pinned: Pinned,
    pub(crate) peers: Peers,
    pub(crate) pools: Table<Pool>,
    pub(crate) streams: Streams,
    pub(crate) events: Table<Event>,
    pub(crate) captures: Captures,
    pub(crate) graphs: Table<Graph>,
    pub(crate) executables: Table<Executable>,
    pub(crate) modules: Table<Module>,
    pub(crate) functions: Table<Function>,
    /// What all threads of the host have seen done. One for all of them: an order between two
    /// threads is taken as it came.
    pub(crate) host: Mutex<Clock>,
    devices: OnceLock<Vec<Device>>,
}

/// One device; its primary context is its only one.
pub(crate) struct Device {
    sticky: Mutex<Option<Code>>,
    null_stream: OnceLock<Arc<Stream>>,
    /// The handle of the pool that it comes with.
    default_pool: OnceLock<usize>,
    /// The handle of another one that the program chose.
    chosen_pool: Mutex<Option<usize>>,
}

impl Driver {
    pub(crate) fn open() -> Self {
        Self {
            options: Options::from_environment(),
            counters: Counters::default(),
            report: Report::default(),
            gate: Gate::default(),
            space: AddressSpace::reserve(),
            pinned: Pinned::default(),
            peers: Peers::default(),
            pools: Table::default(),
            streams: Streams::default(),
            events: Table::default(),
            captures: Captures::default(),
            graphs: Table::default(),
            executables: Table::default(),
            modules: Table::default(),
            functions: Table::default(),
            host: Mutex::default(),
            devices: OnceLock::new(),
        }
    }

    /// The devices; the first call fixes how many there are.
    pub(crate) fn devices(&self) -> &[Device] {
        self.devices.get_or_init(|| {
            let count = self.options.get(Setting::Devices).min(DEVICES_MAX);
            (0..count).map(|_| Device::new()).collect()
        })
    }

    /// # Errors
    /// `INVALID_DEVICE` if there are not so many.
    pub(crate) fn device(&self, ordinal: usize) -> Result<&Device> {
        self.devices().get(ordinal).ok_or(Code::INVALID_DEVICE)
    }

    /// # Errors
    /// The error that the device's context is lost by.
    pub(crate) fn status(&self, ordinal: usize) -> Result<()> {
        lock(&self.device(ordinal)?.sticky).map_or(Ok(()), Err)
    }

    /// From now on every call to the device's context gives this; the first one stays.
    pub(crate) fn lose(&self, ordinal: usize, code: Code) {
        if let Ok(device) = self.device(ordinal) {
            lock(&device.sticky).get_or_insert(code);
        }
    }

    /// The handle of the pool that a device comes with.
    ///
    /// # Errors
    /// `INVALID_DEVICE` if there are not so many.
    pub(crate) fn default_pool(&self, ordinal: usize) -> Result<usize> {
        let create = || self.pools.insert(self.space.create_pool(ordinal, Maker::Device, 0));
        Ok(*self.device(ordinal)?.default_pool.get_or_init(create))
    }

    /// The handle of the pool that a device's memory comes from.
    ///
    /// # Errors
    /// As of `default_pool`.
    pub(crate) fn current_pool(&self, ordinal: usize) -> Result<usize> {
        let chosen = *lock(&self.device(ordinal)?.chosen_pool);
        chosen.map_or_else(|| self.default_pool(ordinal), Ok)
    }

    /// The stream that need not be created.
    ///
    /// # Errors
    /// `INVALID_DEVICE` if there are not so many.
    pub(crate) fn null_stream(&'static self, ordinal: usize) -> Result<Arc<Stream>> {
        let device = self.device(ordinal)?;
        Ok(device.null_stream.get_or_init(|| self.streams.start_null(self, ordinal)).clone())
    }
}

impl Device {
    fn new() -> Self {
        Self {
            sticky: Mutex::new(None),
            null_stream: OnceLock::new(),
            default_pool: OnceLock::new(),
            chosen_pool: Mutex::new(None),
        }
    }

    pub(crate) fn choose_pool(&self, handle: usize) {
        *lock(&self.chosen_pool) = Some(handle);
    }

    /// Goes back to the default, if this one was chosen.
    pub(crate) fn forget_pool(&self, handle: usize) {
        lock(&self.chosen_pool).take_if(|chosen| *chosen == handle);
    }
}
