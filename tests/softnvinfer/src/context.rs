//! `IExecutionContext`.

use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

use crate::control::{self, Kind};
use crate::cuda;
use crate::engine::Engine;
use crate::logger::ERROR;
use crate::object::{Class, Inner};
use crate::plan::Tensor;
use crate::shape::{Dims, Size};
use crate::vtable::{Slot, class_table};

/// What addresses have to be multiples of. (`IExecutionContext::setTensorAddress`.)
const ALIGNMENT: usize = 256;

/// `IOutputAllocator::reallocateOutputAsync`.
type Reallocate =
    extern "C" fn(*mut c_void, *const c_char, *mut c_void, u64, u64, *mut c_void) -> *mut c_void;

pub(crate) struct Context {
    engine: Arc<Engine>,
    profile: usize,
    shapes: HashMap<usize, Dims>,
    addresses: HashMap<usize, *mut c_void>,
    allocators: HashMap<usize, *mut c_void>,
    /// A leak of it is a leak of the context.
    _scratch: cuda::Memory,
}

type This<'a> = &'a mut Inner<Context>;

impl Class for Context {
    const KIND: Kind = Kind::Context;

    fn check_end(&self) {}

    fn methods() -> &'static [Slot] {
        let methods = [
            ("setOptimizationProfileAsync", set_profile as Slot),
            ("setInputShape", set_input_shape as Slot),
            ("getTensorShape", tensor_shape as Slot),
            ("setTensorAddress", set_address as Slot),
            ("inferShapes", infer_shapes as Slot),
            ("setOutputAllocator", set_allocator as Slot),
            ("enqueueV3", enqueue as Slot),
        ];
        class_table::<2>(control::major(), &methods)
    }
}

impl Context {
    pub(crate) fn new(engine: Arc<Engine>) -> Result<Self, cuda::Failure> {
        Ok(Self {
            engine,
            profile: 0,
            shapes: HashMap::new(),
            addresses: HashMap::new(),
            allocators: HashMap::new(),
            _scratch: cuda::Memory::allocate(256)?,
        })
    }

    fn index(&self, name: *const c_char) -> Option<usize> {
        let found = self.engine.find(name)?;
        self.engine.plan.tensors.iter().position(|tensor| tensor.name == found.name)
    }

    fn tensors(&self) -> &[Tensor] {
        &self.engine.plan.tensors
    }

    fn refuse(&self, text: &str) -> bool {
        self.engine.logger.log(ERROR, text);
        false
    }

    fn first_input(&self) -> Option<Dims> {
        let index = self.tensors().iter().position(|tensor| tensor.is_input && !tensor.is_host)?;
        Some(self.shape_of_input(index))
    }

    fn shape_of_input(&self, index: usize) -> Dims {
        self.shapes.get(&index).copied().unwrap_or_else(|| self.tensors()[index].declared())
    }

    /// As far as it is known before the run.
    fn shape(&self, index: usize) -> Dims {
        self.resolved(index, |_| -1)
    }

    fn resolved(&self, index: usize, half: impl Fn(i64) -> i64) -> Dims {
        let tensor = &self.tensors()[index];
        if tensor.is_input {
            return self.shape_of_input(index);
        }
        let input = self.first_input().unwrap_or(Dims::INVALID);
        let size = |(axis, size): (usize, &Size)| match *size {
            Size::Fixed(size) => size,
            Size::Dynamic => input.sizes().get(axis).copied().unwrap_or(-1),
            Size::Half => half(input.sizes().first().copied().unwrap_or(-1)),
            Size::Value(place) => self.value(place).unwrap_or(-1),
        };
        let sizes: Vec<_> = tensor.sizes.iter().enumerate().map(size).collect();
        Dims::new(&sizes)
    }

    /// A value of the host input, which is an INT32 or an INT64.
    fn value(&self, place: usize) -> Option<i64> {
        let index = self.tensors().iter().position(|tensor| tensor.is_input && tensor.is_host)?;
        let address = *self.addresses.get(&index)?;
        let count = usize::try_from(self.shape_of_input(index).elements()).ok()?;
        if place >= count {
            return None;
        }
        if self.tensors()[index].data_type == 8 {
            // SAFETY: the caller has as many values there as the shape says.
            return Some(unsafe { *address.cast::<i64>().add(place) });
        }
        // SAFETY: as above.
        Some(i64::from(unsafe { *address.cast::<i32>().add(place) }))
    }

    fn is_within_profile(&self, index: usize, dims: &Dims) -> bool {
        let Some(profile) = self.engine.plan.profiles.get(self.profile) else { return true };
        let name = self.tensors()[index].name.as_bytes();
        let Some((_, range)) = profile.iter().find(|(known, _)| known.as_bytes() == name) else {
            return true;
        };
        let [least, _, greatest] = range;
        let within =
            |((least, size), greatest): ((&i64, &i64), &i64)| least <= size && size <= greatest;
        least.sizes().iter().zip(dims.sizes()).zip(greatest.sizes()).all(within)
    }

    /// Writes the outputs of the host.
    fn write_values(&self) {
        for (index, tensor) in self.tensors().iter().enumerate() {
            if tensor.is_input || !tensor.is_host {
                continue;
            }
            let elements = self.first_input().map_or(0, |dims| dims.elements());
            if let Some(address) = self.addresses.get(&index) {
                // SAFETY: the caller has an INT64 there.
                unsafe { address.cast::<i64>().write(elements) };
            }
        }
    }

    /// The address that an allocator gives, for what is known only now.
    fn allocate(&self, index: usize, stream: *mut c_void) -> Option<*mut c_void> {
        let allocator = *self.allocators.get(&index)?;
        let dims = self.resolved(index, |rows| rows.div_euclid(2) + rows.rem_euclid(2));
        let tensor = &self.tensors()[index];
        let size = tensor.size_bytes(dims.elements()).max(1) as u64;
        let name = tensor.name.as_ptr();
        let current = self.addresses.get(&index).copied().unwrap_or(std::ptr::null_mut());
        // SAFETY: the caller's object is an `IOutputAllocator`, whose table has these slots.
        unsafe {
            let table = *allocator.cast::<*const Slot>();
            let reallocate: Reallocate = std::mem::transmute(*table.add(5));
            let address = reallocate(allocator, name, current, size, ALIGNMENT as u64, stream);
            let notify: extern "C" fn(*mut c_void, *const c_char, *const Dims) =
                std::mem::transmute(*table.add(6));
            notify(allocator, name, &raw const dims);
            (!address.is_null()).then_some(address)
        }
    }
}

extern "C" fn set_profile(this: This<'_>, profile: i32, _stream: *mut c_void) -> bool {
    let context = &mut this.body;
    if context.engine.logger.asked_to_fail("setOptimizationProfileAsync") {
        return false;
    }
    let count = context.engine.plan.profiles.len().max(1);
    match usize::try_from(profile) {
        Ok(profile) if profile < count => {
            context.profile = profile;
            context.shapes.clear();
            true
        }
        _ => context.refuse("there is no such profile"),
    }
}

extern "C" fn set_input_shape(this: This<'_>, name: *const c_char, dims: &Dims) -> bool {
    let context = &mut this.body;
    if context.engine.logger.asked_to_fail("setInputShape") {
        return false;
    }
    let Some(index) = context.index(name) else { return context.refuse("no such tensor") };
    let tensor = &context.tensors()[index];
    let declared = tensor.declared();
    let fits = |(declared, size): (&i64, &i64)| *declared == -1 || declared == size;
    let is_alike =
        dims.rank == declared.rank && declared.sizes().iter().zip(dims.sizes()).all(fits);
    if !tensor.is_input || !is_alike {
        return context.refuse("a shape that is not the input's");
    }
    if !context.is_within_profile(index, dims) {
        return context.refuse("a shape that is not within the profile");
    }
    context.shapes.insert(index, *dims);
    true
}

extern "C" fn tensor_shape(this: This<'_>, name: *const c_char) -> Dims {
    let context = &this.body;
    if context.engine.logger.asked_to_fail("getTensorShape of a context") {
        return Dims::INVALID;
    }
    context.index(name).map_or(Dims::INVALID, |index| context.shape(index))
}

extern "C" fn set_address(this: This<'_>, name: *const c_char, address: *mut c_void) -> bool {
    let context = &mut this.body;
    if context.engine.logger.asked_to_fail("setTensorAddress") {
        return false;
    }
    let Some(index) = context.index(name) else { return context.refuse("no such tensor") };
    if !context.tensors()[index].is_host && !address.addr().is_multiple_of(ALIGNMENT) {
        control::violation("an address of the device that is no multiple of 256");
    }
    context.addresses.insert(index, address);
    true
}

extern "C" fn infer_shapes(this: This<'_>, _names_max: i32, _names: *mut *const c_char) -> i32 {
    let context = &this.body;
    if context.engine.logger.asked_to_fail("inferShapes") {
        return -1;
    }
    let is_missing = |(index, tensor): (usize, &Tensor)| {
        tensor.is_input && context.shape(index).sizes().contains(&-1)
            || tensor.is_input && tensor.is_host && !context.addresses.contains_key(&index)
    };
    let missing = context.tensors().iter().enumerate().filter(|of| is_missing(*of)).count();
    if missing == 0 {
        context.write_values();
    }
    i32::try_from(missing).unwrap_or(-1)
}

extern "C" fn set_allocator(this: This<'_>, name: *const c_char, allocator: *mut c_void) -> bool {
    let context = &mut this.body;
    if context.engine.logger.asked_to_fail("setOutputAllocator") {
        return false;
    }
    let Some(index) = context.index(name) else { return context.refuse("no such tensor") };
    context.allocators.insert(index, allocator);
    true
}

extern "C" fn enqueue(this: This<'_>, stream: *mut c_void) -> bool {
    let context = &this.body;
    if context.engine.logger.asked_to_fail("enqueueV3") {
        return false;
    }
    let (mut words, mut count) = (Vec::new(), None);
    for (index, tensor) in context.tensors().iter().enumerate() {
        let address = if context.allocators.contains_key(&index) {
            context.allocate(index, stream)
        } else {
            context.addresses.get(&index).copied().filter(|address| !address.is_null())
        };
        let Some(address) = address else { return context.refuse("a tensor has no address") };
        if tensor.is_host {
            continue;
        }
        words.push(address.addr() as u64);
        if !tensor.is_input && count.is_none() {
            let dims = context.resolved(index, |rows| rows.div_euclid(2) + rows.rem_euclid(2));
            count = u32::try_from(dims.elements()).ok();
        }
    }
    let Some(count) = count else { return context.refuse("the shapes are not all known") };
    words.push(count.into());
    context.write_values();
    match context.engine.kernel.launch(stream, count, &words) {
        Ok(()) => true,
        Err(text) => context.refuse(&text),
    }
}
