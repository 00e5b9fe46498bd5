//! A session's provider: which nodes it takes, and what it makes of them.

use std::ffi::{CStr, c_char};
use std::ptr::{null, null_mut};
use std::sync::Arc;

use ort::sys::{
    ONNXTensorElementDataType, OrtGraph, OrtMemoryInfo, OrtNode, OrtRunOptions, OrtStatusPtr,
    OrtValueInfo,
};

use crate::abi::{
    OrtAllocator, OrtEp, OrtEpGraphSupportInfo, OrtMemoryDevice, OrtNodeComputeInfo,
    OrtNodeFusionOptions, OrtSyncStreamImpl, VERSION,
};
use crate::allocator::Allocator;
use crate::api::{Failure, call, status};
use crate::control::{self, Count};
use crate::cuda::{Device, Kernel, Stream};
use crate::factory::NAME;
use crate::node::Node;
use crate::stream::SessionStream;

/// Operator, element type, and the kernel for both.
const KERNELS: [(&str, ONNXTensorElementDataType, &str); 5] = [
    ("And", ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, "and_b8"),
    ("Add", ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, "add_f32"),
    ("Add", ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, "add_f64"),
    ("Mul", ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, "mul_f32"),
    ("Mul", ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, "mul_f64"),
];
const PTX: &str = include_str!("kernels.ptx");

#[repr(C)]
pub(crate) struct Provider {
    table: OrtEp,
    device: Device,
    stream: Stream,
    kernels: Vec<Arc<Kernel>>,
}

impl Provider {
    pub(crate) fn new(device: Device, stream: Stream) -> Result<Self, Failure> {
        let kernel = |(_, _, name): &(_, _, &str)| Kernel::load(device, PTX, name).map(Arc::new);
        let kernels = KERNELS.iter().map(kernel).collect::<Result<_, _>>()?;
        control::add(Count::Providers, 1);
        let table = OrtEp {
            ort_version_supported: VERSION,
            GetName: name,
            GetCapability: capability,
            Compile: compile,
            ReleaseNodeComputeInfos: release_nodes,
            GetPreferredDataLayout: None,
            ShouldConvertDataLayoutForOp: None,
            SetDynamicOptions: None,
            OnRunStart: None,
            OnRunEnd: run_ends,
            CreateAllocator: create_allocator,
            CreateSyncStreamForDevice: create_stream,
            GetCompiledModelCompatibilityInfo: None,
        };
        Ok(Self { table, device, stream, kernels })
    }

    /// The kernel for a node, if it takes it.
    fn kernel(&self, node: *const OrtNode) -> Result<Option<&Arc<Kernel>>, Failure> {
        let mut operator = null();
        call!(ort.Node_GetOperatorType(node, &raw mut operator))?;
        let operator = unsafe { CStr::from_ptr(operator) };
        let mut output = null();
        call!(ort.Node_GetOutputs(node, &raw mut output, 1))?;
        let element = element(output)?;
        let row = KERNELS.iter().position(|(name, type_, _)| {
            operator.to_bytes() == name.as_bytes() && element == *type_ as i32
        });
        Ok(row.map(|row| &self.kernels[row]))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        control::add(Count::Providers, -1);
    }
}

/// The element type of a tensor, by its number.
fn element(value: *const OrtValueInfo) -> Result<i32, Failure> {
    let (mut type_, mut tensor, mut element) = (null(), null(), 0_i32);
    call!(ort.GetValueInfoTypeInfo(value, &raw mut type_))?;
    call!(ort.CastTypeInfoToTensorInfo(type_, &raw mut tensor))?;
    if tensor.is_null() {
        return Ok(0); // It is no tensor.
    }
    call!(ort.GetTensorElementType(tensor, (&raw mut element).cast()))?;
    Ok(element)
}

fn of<'a>(this: *const OrtEp) -> &'a Provider {
    unsafe { &*this.cast::<Provider>() }
}

fn nodes(graph: *const OrtGraph) -> Result<Vec<*const OrtNode>, Failure> {
    let mut count = 0;
    call!(ort.Graph_GetNumNodes(graph, &raw mut count))?;
    let mut nodes = vec![null(); count];
    call!(ort.Graph_GetNodes(graph, nodes.as_mut_ptr(), count))?;
    Ok(nodes)
}

unsafe extern "C" fn name(_: *const OrtEp) -> *const c_char {
    NAME.as_ptr()
}

unsafe extern "C" fn capability(
    this: *mut OrtEp,
    graph: *const OrtGraph,
    support: *mut OrtEpGraphSupportInfo,
) -> OrtStatusPtr {
    status("GetCapability", || {
        for node in nodes(graph)? {
            if of(this).kernel(node)?.is_none() {
                continue;
            }
            let options = OrtNodeFusionOptions {
                ort_version_supported: VERSION,
                drop_constant_initializers: false,
            };
            call!(ep.EpGraphSupportInfo_AddNodesToFuse(
                support,
                &raw const node,
                1,
                &raw const options
            ))?;
        }
        Ok(())
    })
}

unsafe extern "C" fn compile(
    this: *mut OrtEp,
    graphs: *const *const OrtGraph,
    _fused: *const *const OrtNode,
    count: usize,
    compiled: *mut *mut OrtNodeComputeInfo,
    _contexts: *mut *mut OrtNode,
) -> OrtStatusPtr {
    status("Compile", || {
        for index in 0..count {
            let nodes = nodes(unsafe { *graphs.add(index) })?;
            let kernel = match nodes[..] {
                [node] => of(this).kernel(node)?,
                _ => None,
            };
            let kernel = kernel.ok_or("not what was asked for")?.clone();
            unsafe { *compiled.add(index) = Node::create(kernel) };
        }
        Ok(())
    })
}

unsafe extern "C" fn release_nodes(
    _: *mut OrtEp,
    nodes: *mut *mut OrtNodeComputeInfo,
    count: usize,
) {
    for index in 0..count {
        unsafe { Node::release(*nodes.add(index)) };
    }
}

unsafe extern "C" fn run_ends(
    this: *mut OrtEp,
    _: *const OrtRunOptions,
    waits: bool,
) -> OrtStatusPtr {
    status("OnRunEnd", || {
        if waits {
            control::add(Count::Waits, 1);
            of(this).device.wait(of(this).stream)?;
        }
        Ok(())
    })
}

unsafe extern "C" fn create_allocator(
    this: *mut OrtEp,
    memory: *const OrtMemoryInfo,
    created: *mut *mut OrtAllocator,
) -> OrtStatusPtr {
    status("CreateAllocator", || {
        unsafe { *created = Allocator::create(of(this).device, of(this).stream, memory) };
        Ok(())
    })
}

unsafe extern "C" fn create_stream(
    this: *mut OrtEp,
    _memory: *const OrtMemoryDevice,
    created: *mut *mut OrtSyncStreamImpl,
) -> OrtStatusPtr {
    unsafe { *created = null_mut() };
    status("CreateSyncStreamForDevice", || {
        unsafe { *created = SessionStream::create(of(this).device, of(this).stream) };
        Ok(())
    })
}
