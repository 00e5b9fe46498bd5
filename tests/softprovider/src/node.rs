//! A node that a provider has taken: a kernel over two operands.

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::slice;
use std::sync::Arc;

use ort::sys::{OrtKernelContext, OrtStatusPtr, OrtValue};

use crate::abi::{OrtNodeComputeContext, OrtNodeComputeInfo, VERSION};
use crate::api::{Failure, call, status};
use crate::cuda::{Address, Kernel};

#[repr(C)]
pub(crate) struct Node {
    table: OrtNodeComputeInfo,
    kernel: Arc<Kernel>,
}

/// A tensor on the device.
struct Operand {
    address: Address,
    shape: Vec<i64>,
}

impl Node {
    pub(crate) fn create(kernel: Arc<Kernel>) -> *mut OrtNodeComputeInfo {
        let table = OrtNodeComputeInfo {
            ort_version_supported: VERSION,
            CreateState: create_state,
            Compute: compute,
            ReleaseState: release_state,
        };
        Box::into_raw(Box::new(Self { table, kernel })).cast()
    }

    pub(crate) unsafe fn release(this: *mut OrtNodeComputeInfo) {
        drop(unsafe { Box::from_raw(this.cast::<Self>()) });
    }

    fn run(&self, context: *mut OrtKernelContext) -> Result<(), Failure> {
        let mut count = 0;
        call!(ort.KernelContext_GetInputCount(context, &raw mut count))?;
        // An operand that is the other one, too, comes once.
        let (a, b) = (operand(context, 0)?, operand(context, count.saturating_sub(1))?);
        let is_a_larger = a.count() > b.count() || a.shape.len() >= b.shape.len();
        let shape = if is_a_larger { &a.shape } else { &b.shape };
        let count: i64 = shape.iter().product();
        let step = |operand: &Operand| match operand.count() {
            own if own == count => Ok(1),
            1 => Ok(0),
            _ => Err(format!("operands of {:?} and {:?}", a.shape, b.shape)),
        };
        let (mut made, mut to, mut stream) = (null_mut(), null_mut(), null_mut());
        call!(ort.KernelContext_GetOutput(context, 0, shape.as_ptr(), shape.len(), &raw mut made))?;
        call!(ort.GetTensorMutableData(made, &raw mut to))?;
        call!(ort.KernelContext_GetGPUComputeStream(context, &raw mut stream))?;
        let count = u32::try_from(count).map_err(|error| error.to_string())?;
        let to = to.addr() as Address;
        let words = [a.address, b.address, to, u64::from(count), step(&a)?, step(&b)?];
        if count == 0 {
            return Ok(());
        }
        if to == 0 {
            return Err("CUDA failure 2: out of memory".into()); // As NVIDIA's provider says it.
        }
        self.kernel.launch(stream.addr(), count, &words)
    }
}

impl Operand {
    fn count(&self) -> i64 {
        self.shape.iter().product()
    }
}

fn operand(context: *mut OrtKernelContext, index: usize) -> Result<Operand, Failure> {
    let (mut value, mut data): (*const OrtValue, *const c_void) = (null(), null());
    call!(ort.KernelContext_GetInput(context, index, &raw mut value))?;
    call!(ort.GetTensorData(value, &raw mut data))?;
    let (mut element, mut dims, mut rank) = (0_i32, null(), 0);
    call!(ort.GetTensorElementTypeAndShapeDataReference(
        value,
        (&raw mut element).cast(),
        &raw mut dims,
        &raw mut rank,
    ))?;
    let shape = match rank {
        0 => Vec::new(),
        _ => unsafe { slice::from_raw_parts(dims, rank) }.to_vec(),
    };
    Ok(Operand { address: data.addr() as Address, shape })
}

unsafe extern "C" fn create_state(
    _: *mut OrtNodeComputeInfo,
    _: *mut OrtNodeComputeContext,
    state: *mut *mut c_void,
) -> OrtStatusPtr {
    unsafe { *state = null_mut() };
    status("CreateState", || Ok(()))
}

unsafe extern "C" fn release_state(_: *mut OrtNodeComputeInfo, _: *mut c_void) {}

unsafe extern "C" fn compute(
    this: *mut OrtNodeComputeInfo,
    _: *mut c_void,
    context: *mut OrtKernelContext,
) -> OrtStatusPtr {
    status("Compute", || unsafe { &*this.cast::<Node>() }.run(context))
}
