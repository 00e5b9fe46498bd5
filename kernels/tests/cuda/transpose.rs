//! Axes in every order.

use bytemuck::Pod;
use nereid_kernels::cpu::{self, AxisOrder};
use nereid_kernels::cuda::{Region, Transpose, transpose};
use nereid_softcuda_harness::{AnyCuda, Random};

use crate::gpu::{Gpu, values};

fn orders() -> impl Iterator<Item = AxisOrder> {
    (0..256).filter_map(|code| AxisOrder::new([code / 64, code / 16 % 4, code / 4 % 4, code % 4]))
}

fn check<T: Pod + PartialEq + std::fmt::Debug>(gpu: &Gpu, shape: [usize; 4], order: AxisOrder) {
    let count: usize = shape.iter().product();
    let bytes = Random::new(count as u64).bytes(count * size_of::<T>());
    let numbers: Vec<T> = values(&bytes);
    let (from, to) = (gpu.upload(&numbers), gpu.output(bytes.len()));
    let regions = (from.region(), to.region());
    match transpose(regions, size_of::<T>(), shape, order).unwrap().unwrap() {
        Transpose::Rows(launch) => gpu.run([launch]),
        Transpose::Tiles(launch) => gpu.run([launch]),
    }
    let expected = cpu::transpose(&numbers, shape, order);
    assert_eq!(gpu.download::<T>(to), expected, "{shape:?} {order:?}");
}

#[test]
fn every_order() {
    AnyCuda::new().run(|| {
        let gpu = Gpu::open();
        assert_eq!(orders().count(), 24);
        for order in orders() {
            check::<u32>(&gpu, [2, 3, 5, 7], order);
            check::<u8>(&gpu, [2, 1, 35, 33], order);
        }
    });
}

#[test]
fn every_size_of_elements() {
    AnyCuda::new().run(|| {
        let gpu = Gpu::open();
        let to_planes = AxisOrder::new([0, 3, 1, 2]).unwrap();
        let of_batch = AxisOrder::new([1, 0, 2, 3]).unwrap();
        for order in [to_planes, of_batch] {
            for shape in [[2, 5, 3, 16], [1, 4, 40, 3], [3, 2, 1, 6]] {
                check::<u8>(&gpu, shape, order);
                check::<u16>(&gpu, shape, order);
                check::<u32>(&gpu, shape, order);
                check::<u64>(&gpu, shape, order);
            }
        }
    });
}

#[test]
fn sizes_are_checked() {
    let order = AxisOrder::new([0, 3, 1, 2]).unwrap();
    let launch = |address, size_bytes, element_bytes, shape| {
        let memory = Region::new(address, size_bytes);
        transpose((memory, memory), element_bytes, shape, order).map(|launch| launch.is_some())
    };
    assert_eq!(launch(256, 24, 4, [1, 2, 1, 3]), Ok(true));
    assert_eq!(launch(256, 0, 4, [1, 0, 1, 3]), Ok(false));
    for (address, size_bytes, element_bytes) in [(256, 23, 4), (258, 24, 4), (256, 18, 3)] {
        assert!(launch(address, size_bytes, element_bytes, [1, 2, 1, 3]).is_err());
    }
}
