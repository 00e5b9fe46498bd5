//! The software CUDA device as these tests use it: one stream, memory in and out.

use std::sync::Arc;

use bytemuck::{NoUninit, Pod};
use nereid_backend::device::DeviceMemory;
use nereid_backend::observer::CopyCounter;
use nereid_kernels::cuda::{Kernels, Launch, Region};
use nereid_kernels::device::{
    Allocation, Device, DeviceBuffer, Function, Grid, Limits, Module, Priority, Source, Stream,
    device_to_host, host_to_device, probe,
};

pub(crate) struct Gpu {
    device: Device,
    stream: Stream,
    kernels: Kernels,
    copies: CopyCounter,
}

/// Memory that a kernel reads.
pub(crate) struct Input {
    region: Region,
    _keeper: Arc<DeviceBuffer>,
}

/// Memory that a kernel writes.
pub(crate) struct Output(Allocation);

impl Gpu {
    pub(crate) fn open() -> Self {
        let limits = Limits { memory_bytes: None, pinned_bytes: 64 << 20 };
        let device = probe(limits).unwrap().get(0).unwrap().clone();
        let stream = device.stream("test", Priority::Least).unwrap();
        let kernels = Kernels::load(&device).unwrap();
        Self { device, stream, kernels, copies: CopyCounter::default() }
    }

    pub(crate) fn upload<T: NoUninit>(&self, values: &[T]) -> Input {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let mut to = self.stream.allocate(bytes.len()).unwrap();
        host_to_device(&mut to, 0, Source::Pageable(bytes), &self.copies).unwrap();
        let region = Region::new(to.address(), bytes.len());
        Input { region, _keeper: to.ready().unwrap() }
    }

    pub(crate) fn output(&self, size_bytes: usize) -> Output {
        Output(self.stream.allocate(size_bytes).unwrap())
    }

    /// In order: all of a test is on one stream, so its memory lives until the stream is behind it.
    pub(crate) fn run<A: NoUninit>(&self, launches: impl IntoIterator<Item = Launch<A>>) {
        for launch in launches {
            // SAFETY: regions are of inputs and outputs of this stream, and their sizes were checked.
            unsafe { self.kernels.launch(&self.stream, &launch) }.unwrap();
        }
    }

    /// A kernel that is none of ours.
    pub(crate) fn load(&self, ptx: &str, kernel: &str) -> Function {
        Module::load(&self.device, ptx).unwrap().function(kernel).unwrap()
    }

    /// Has a kernel that errs take the place of a launch's.
    pub(crate) fn run_mutant<A: NoUninit>(&self, mutant: &Function, launch: &Launch<A>) {
        let Launch { blocks, threads, argument, .. } = launch;
        let grid = Grid { blocks: *blocks, threads: *threads, shared_bytes: 0 };
        // SAFETY: the argument is the kernel's; that it does not stay in its memory is the test.
        unsafe { mutant.launch(&self.stream, grid, argument) }.unwrap();
    }

    /// Waits for what was launched, whatever comes of it.
    pub(crate) fn finish(&self) {
        let _of_a_kernel_that_erred = self.stream.synchronize();
    }

    pub(crate) fn download<T: Pod>(&self, output: Output) -> Vec<T> {
        let buffer = output.0.ready().unwrap();
        let all = 0..buffer.size_bytes();
        let bytes = device_to_host(&buffer, &all, &self.stream, &self.copies).unwrap();
        values(&bytes.bytes().unwrap())
    }
}

impl Input {
    pub(crate) fn region(&self) -> Region {
        self.region
    }

    pub(crate) fn part(&self, start: usize, size_bytes: usize) -> Region {
        part(self.region, start, size_bytes)
    }
}

impl Output {
    pub(crate) fn clear(&mut self) {
        self.0.fill(0).unwrap();
    }

    pub(crate) fn region(&self) -> Region {
        Region::new(self.0.address(), self.0.size_bytes())
    }

    pub(crate) fn part(&self, start: usize, size_bytes: usize) -> Region {
        part(self.region(), start, size_bytes)
    }
}

/// What these bytes are.
pub(crate) fn values<T: Pod>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect()
}

fn part(whole: Region, start: usize, size_bytes: usize) -> Region {
    assert!(start + size_bytes <= whole.size_bytes());
    Region::new(whole.address() + start as u64, size_bytes)
}
