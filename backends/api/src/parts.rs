//! The small parts of a request and its response.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::device::DeviceId;
use crate::tensor::Tensor;

/// Named tensors, in signature order.
pub type Tensors = Vec<(Arc<str>, Tensor)>;

/// Options that travel with a request.
pub type Parameters = BTreeMap<String, Parameter>;

/// One option's value, as `KServe` v2 knows them.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    Text(String),
}

/// One output that the client asks for.
#[derive(Clone, Debug)]
pub struct RequestedOutput {
    /// Its name in the signature.
    pub name: Arc<str>,
    /// Where it should go; it is written there once.
    pub place: DeviceId,
}

/// When what happened to a request. `None` means not yet, or never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// It entered the queue.
    pub queued: Option<Instant>,
    /// Its batch left the queue.
    pub started: Option<Instant>,
    /// Its inputs were where the engine wants them.
    pub inputs_ready: Option<Instant>,
    /// The engine was done.
    pub computed: Option<Instant>,
    /// Its outputs were where the client wants them.
    pub outputs_ready: Option<Instant>,
}

/// A flag that several holders share: once raised, it stays so.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Tells all holders to stop.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody raised it.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
