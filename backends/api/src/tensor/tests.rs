use std::any::Any;

use super::*;

struct FakeMemory(usize);

impl DeviceMemory for FakeMemory {
    fn device(&self) -> DeviceId {
        DeviceId::Cuda(0)
    }
    fn size_bytes(&self) -> usize {
        self.0
    }
}

fn host(bytes: &'static [u8]) -> Storage {
    Storage::Host(Bytes::from_static(bytes))
}

fn device(size_bytes: usize) -> Storage {
    Storage::Device(Arc::new(FakeMemory(size_bytes)))
}

#[track_caller]
fn check(data_type: DataType, shape: &[usize], storage: Storage, expected: &str) {
    let actual = match Tensor::new(data_type, shape.to_vec(), storage) {
        Ok(tensor) => format!("{:?} {:?}", tensor.device(), tensor.shape()),
        Err(error) => error.to_string(),
    };
    assert_eq!(actual, expected);
}

#[test]
fn storage_must_fit_the_shape() {
    let (fp32, strings) = (DataType::Fp32, DataType::Bytes);
    check(fp32, &[2, 3], host(&[0; 24]), "Cpu [2, 3]");
    check(fp32, &[], host(&[0; 4]), "Cpu []");
    check(fp32, &[0, 3], host(&[]), "Cpu [0, 3]");
    check(fp32, &[2, 3], device(24), "Cuda(0) [2, 3]");
    check(fp32, &[2, 3], host(&[0; 23]), "shape asks for 24 bytes, got 23");
    check(fp32, &[2, 3], device(23), "shape asks for 24 bytes, got 23");
    check(fp32, &[usize::MAX, 2], host(&[]), "shape overflows");
    check(strings, &[2], host(b"\x01\0\0\0a\0\0\0\0"), "Cpu [2]");
    let misfit = "shape asks for 2 byte strings, their lengths do not fit 5 bytes";
    check(strings, &[2], host(b"\x01\0\0\0a"), misfit);
    check(strings, &[2], host(b"\xff\xff\xff\xffa"), misfit);
    check(strings, &[2], device(8), "BYTES tensors cannot live on a device");
}

#[test]
fn a_tensor_may_be_a_part_of_its_storage() {
    let part = |data_type, storage, range| {
        let shape = vec![1];
        Tensor::of_part(data_type, shape, storage, range).map(|tensor| tensor.storage().1)
    };
    assert_eq!(part(DataType::Fp32, device(24), 8..12), Ok(8..12));
    let out = |expected, actual| Err(TensorError::Size { expected, actual });
    assert_eq!(part(DataType::Fp32, device(24), 8..13), out(4, 5));
    assert_eq!(part(DataType::Fp32, device(24), 21..25), out(25, 24));
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = 8..4;
    assert_eq!(part(DataType::Fp32, device(24), reversed), out(4, 24));
    let strings = || host(b"__\x01\0\0\0x_");
    assert_eq!(part(DataType::Bytes, strings(), 2..7), Ok(2..7));
    let framing = Err(TensorError::Framing { expected: 1, actual: 6 });
    assert_eq!(part(DataType::Bytes, strings(), 2..8), framing);
}

#[test]
fn rows_share_memory() {
    let strings = host(b"\x01\0\0\0a\0\0\0\0\x02\0\0\0bc");
    let tensor = Tensor::new(DataType::Bytes, vec![3], strings).unwrap();
    let tail = tensor.rows(1..3).unwrap();
    assert_eq!((tail.shape(), tail.host()), (&[2][..], Some(&b"\0\0\0\0\x02\0\0\0bc"[..])));
    assert_eq!(tail.rows(1..2).unwrap().host(), Some(&b"\x02\0\0\0bc"[..]));
    assert!(tensor.rows(1..4).is_none());

    let tensor = Tensor::new(DataType::Fp32, vec![4, 2], device(32)).unwrap();
    assert_eq!(tensor.rows(1..3).unwrap().rows(1..2).unwrap().storage().1, 16..24);
}

#[test]
fn kernels_get_their_own_type_back() {
    let tensor = Tensor::new(DataType::Fp32, vec![2], device(8)).unwrap();
    let (Storage::Device(memory), _) = tensor.storage() else { panic!("is on a device") };
    let memory: &dyn Any = &**memory;
    assert_eq!(memory.downcast_ref::<FakeMemory>().unwrap().0, 8);
}

#[test]
fn misaligned_views_are_detected() {
    let body = Bytes::from(vec![0; 16]);
    let start = body.as_ptr().addr().next_multiple_of(4) - body.as_ptr().addr();
    for (skip, expected) in [(0, true), (1, false), (2, false), (4, true)] {
        let view = Storage::Host(body.slice(start + skip..start + skip + 4));
        let tensor = Tensor::new(DataType::Fp32, vec![1], view).unwrap();
        assert_eq!(tensor.is_aligned(), expected, "skip {skip}");
    }
}
