//! How much of a device's bandwidth the kernels reach, timed by its events: a line for each, with tabs
//! between name, bytes read and written, microseconds, GB/s, and the shares of what the driver's own
//! copy reaches and of what the memory has, in percent (0 if the device does not say).
//!
//! `bandwidth small` is for the software CUDA device, whose times mean nothing.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::print_stdout
)]

use bytemuck::NoUninit;
use nereid_conformance::{Driver, code::SUCCESS};
use nereid_kernels::cpu::{AxisOrder, AxisView, Frame, PixelFormat, Rendering};
use nereid_kernels::cuda::{
    Draw, Drawing, Element, Kernels, Launch, Picture, Region, Transpose, gather, softmax, transpose,
};
use nereid_kernels::device::{Allocation, Limits, Priority, Stream, probe};

/// `CUdevice_attribute`: of the memory, in kHz, and in bits.
const CLOCK_RATE: i32 = 36;
const BUS_WIDTH: i32 = 37;

struct Bench {
    driver: Driver,
    stream: Stream,
    kernels: Kernels,
    /// Divides the sizes along the batch.
    smaller: usize,
    repeats: u32,
    /// Bytes per second of the memory, and of the driver's own copy.
    peak: Option<f64>,
    copied: f64,
}

fn main() {
    let is_small = std::env::args().any(|argument| argument == "small");
    let limits = Limits { memory_bytes: None, pinned_bytes: 1 << 20 };
    let device = probe(limits).unwrap().get(0).unwrap().clone();
    let driver = Driver::open();
    let mut bench = Bench {
        driver,
        stream: device.stream("bandwidth", Priority::Greatest).unwrap(),
        kernels: Kernels::load(&device).unwrap(),
        smaller: if is_small { 16 } else { 1 },
        repeats: if is_small { 1 } else { 20 },
        peak: peak(&driver),
        copied: 0.0,
    };
    bench.driver_copy(if is_small { 1 << 16 } else { 512 << 20 });
    bench.gather(if is_small { 1 << 12 } else { 32 << 20 });
    bench.resize(if is_small { ((32, 18), (48, 27)) } else { ((1280, 720), (1920, 1080)) });
    bench.transpose(if is_small { [1, 27, 48, 3] } else { [16, 1080, 1920, 3] });
    bench.softmax(if is_small { (16, 64) } else { (65_536, 2048) });
}

impl Bench {
    fn driver_copy(&mut self, size: usize) {
        let (from, to) = (self.filled(size), self.filled(size));
        let stream = self.stream.handle() as usize;
        let seconds = self.seconds(|bench| {
            let (to, from) = (to.address(), from.address());
            assert_eq!(bench.driver.cuMemcpyDtoDAsync_v2(to, from, size, stream), SUCCESS);
        });
        self.copied = 2.0 * size as f64 / seconds;
        self.tell("cuMemcpyDtoDAsync", 2 * size, seconds);
    }

    fn gather(&self, part_bytes: usize) {
        let parts: Vec<_> = (0..16).map(|_| self.filled(part_bytes)).collect();
        let whole = self.filled(16 * part_bytes);
        let regions: Vec<_> = parts.iter().map(region).collect();
        let launch = gather(&regions, region(&whole)).unwrap()[0];
        self.launched("copy_parts, 16 of a batch", 32 * part_bytes, &launch);
    }

    fn resize(&self, (size, canvas): ((usize, usize), (usize, usize))) {
        let pictures = 48 / self.smaller;
        let (levels, numbers) = (3 * size.0 * size.1, 3 * canvas.0 * canvas.1);
        let rendering = Rendering::default();
        let sources: Vec<_> = (0..pictures).map(|_| self.filled(levels)).collect();
        let drawings: Vec<_> = sources
            .iter()
            .map(|source| Drawing {
                picture: Picture::interleaved(region(source), PixelFormat::Rgb, size).unwrap(),
                frame: Frame::full(canvas),
            })
            .collect();
        for element in [Element::U8, Element::F16, Element::F32, Element::F64] {
            let bytes = pictures * numbers * element.size_bytes();
            let target = self.filled(bytes);
            let (drawings, target) = (drawings.as_slice(), region(&target));
            let draw = Draw { drawings, rendering: &rendering, element, target };
            let launch = draw.bilinear().unwrap()[0];
            let name = format!("{}, {pictures} of {size:?} to {canvas:?}", launch.kernel);
            self.launched(&name, pictures * levels + bytes, &launch);
        }
    }

    fn transpose(&self, shape: [usize; 4]) {
        let bytes = 4 * shape.iter().product::<usize>();
        let (from, to) = (self.filled(bytes), self.filled(bytes));
        for order in [[0, 3, 1, 2], [0, 2, 1, 3]] {
            let axes = AxisOrder::new(order).unwrap();
            let made = transpose((region(&from), region(&to)), 4, shape, axes).unwrap().unwrap();
            let name = |kernel: &str| format!("{kernel}, {shape:?} by {order:?}");
            match made {
                Transpose::Rows(launch) => {
                    self.launched(&name(launch.kernel), 2 * bytes, &launch);
                }
                Transpose::Tiles(launch) => {
                    self.launched(&name(launch.kernel), 2 * bytes, &launch);
                }
            }
        }
    }

    fn softmax(&self, (outer, length): (usize, usize)) {
        let bytes = 4 * outer * length;
        let (from, to) = (self.filled(bytes), self.filled(bytes));
        let view = AxisView { outer, length, inner: 1 };
        let launch = softmax((region(&from), region(&to)), view).unwrap().unwrap();
        let name = format!("{}, {outer} of {length}", launch.kernel);
        self.launched(&name, 2 * bytes, &launch);
    }

    fn launched<A: NoUninit>(&self, name: &str, bytes: usize, launch: &Launch<A>) {
        let seconds = self.seconds(|bench| {
            // SAFETY: the launch is of memory that this stream wrote, and that outlives the wait.
            unsafe { bench.kernels.launch(&bench.stream, launch) }.unwrap();
        });
        self.tell(name, bytes, seconds);
    }

    /// Of one run, on the device, after one that nobody times.
    fn seconds(&self, run: impl Fn(&Self)) -> f64 {
        let (stream, mut milliseconds) = (self.stream.handle() as usize, 0.0);
        run(self);
        let start = self.driver.recorded(stream);
        (0..self.repeats).for_each(|_| run(self));
        let end = self.driver.recorded(stream);
        assert_eq!(self.driver.cuEventSynchronize(end), SUCCESS);
        let told = self.driver.cuEventElapsedTime(&raw mut milliseconds, start, end);
        assert_eq!(told, SUCCESS);
        f64::from(milliseconds.max(1e-3)) / 1e3 / f64::from(self.repeats)
    }

    fn tell(&self, name: &str, bytes: usize, seconds: f64) {
        let speed = bytes as f64 / seconds;
        let peak = self.peak.map_or(0.0, |peak| 100.0 * speed / peak);
        let (microseconds, of_copy) = (seconds * 1e6, 100.0 * speed / self.copied);
        let gigabytes = speed / 1e9;
        println!("{name}\t{bytes}\t{microseconds:.1}\t{gigabytes:.1}\t{of_copy:.0}\t{peak:.0}");
    }

    fn filled(&self, size: usize) -> Allocation {
        let mut memory = self.stream.allocate(size).unwrap();
        memory.fill(1).unwrap();
        memory
    }
}

fn region(memory: &Allocation) -> Region {
    Region::new(memory.address(), memory.size_bytes())
}

/// Both edges of the clock carry bits, as on every GPU with HBM or GDDR that tells these two.
fn peak(driver: &Driver) -> Option<f64> {
    let number = |attribute| {
        let mut value = 0;
        let told = driver.cuDeviceGetAttribute(&raw mut value, attribute, 0);
        (told == SUCCESS && value > 0).then_some(f64::from(value))
    };
    Some(2.0 * 1e3 * number(CLOCK_RATE)? * number(BUS_WIDTH)? / 8.0)
}
