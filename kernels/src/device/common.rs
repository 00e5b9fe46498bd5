//! What a device has once, whoever uses it, such as compiled kernels.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Device;

/// Of each type the one that is there.
#[derive(Default)]
pub(super) struct Common(Mutex<HashMap<TypeId, Weak<dyn Any + Send + Sync>>>);

impl Device {
    /// The one `T` of this device, which goes with the last who has it. If nobody has it, `make` does; who
    /// makes it keeps others waiting, who then need not.
    ///
    /// # Errors
    /// What `make` says.
    pub fn common<T: Any + Send + Sync, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut all = self.0.common.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = all.get(&TypeId::of::<T>()).and_then(Weak::upgrade);
        if let Some(Ok(there)) = there.map(Arc::downcast) {
            return Ok(there);
        }
        let made = Arc::new(make()?);
        let weak: Weak<T> = Arc::downgrade(&made);
        all.insert(TypeId::of::<T>(), weak);
        Ok(made)
    }
}
