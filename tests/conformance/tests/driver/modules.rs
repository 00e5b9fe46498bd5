//! Modules: what a driver's compiler takes, and what it says of what it does not.

use std::ffi::CString;

use nereid_conformance::{
    ADD_PTX, Add, Driver,
    code::{INVALID_PTX, NOT_FOUND},
    words,
};
use nereid_kernels::cuda::MODULES;
use nereid_softcuda_harness::AnyCuda;

/// `CUfunction_attribute`.
const THREADS_MAX: i32 = 0;

/// Of the smallest blocks that a launcher asks for.
const THREADS_LEAST: i32 = 128;

/// `CUjit_option`.
const ERROR_LOG_BUFFER: i32 = 5;
const ERROR_LOG_SIZE_BYTES: i32 = 6;

#[test]
fn every_kernel_that_is_shipped_loads() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        for source in MODULES {
            let module = driver.module(source.ptx);
            for kernel in source.kernels {
                let (function, mut threads) = (driver.function(module, kernel), 0);
                let told = driver.cuFuncGetAttribute(&raw mut threads, THREADS_MAX, function);
                assert_eq!(told, 0);
                assert!(threads >= THREADS_LEAST, "{kernel}: blocks of {threads}");
            }
            assert_eq!(driver.cuModuleUnload(module), 0);
        }
    });
}

#[test]
fn what_does_not_load_is_told_in_the_log() {
    AnyCuda::new().errs("PTX line").run(|| {
        let driver = Driver::open();
        let wrong = CString::new(ADD_PTX.replace("add.s32", "add.sat.u32")).unwrap();
        let (mut module, mut log) = (0, [b'?'; 4096]);
        let options = [ERROR_LOG_BUFFER, ERROR_LOG_SIZE_BYTES];
        let values = [log.as_mut_ptr().addr(), log.len()];
        let (options, values) = (options.as_ptr(), values.as_ptr());
        let code = driver.cuModuleLoadDataEx(&raw mut module, wrong.as_ptr(), 2, options, values);
        assert_eq!(code, INVALID_PTX);
        let end = log.iter().position(|byte| *byte == 0).unwrap();
        let text = String::from_utf8_lossy(&log[..end]);
        assert!(text.contains("line"), "{text}");
    });
}

#[test]
fn a_kernel_that_is_not_there_is_not_found() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let (add, name, mut function) = (Add::load(&driver), CString::new("sub").unwrap(), 0);
        let found = driver.cuModuleGetFunction(&raw mut function, add.module, name.as_ptr());
        assert_eq!(found, NOT_FOUND);
    });
}

#[test]
fn variables_are_memory_of_the_device() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let (add, name) = (Add::load(&driver), CString::new("bias").unwrap());
        let (mut address, mut size) = (0, 0);
        let (place, room) = (&raw mut address, &raw mut size);
        assert_eq!(driver.cuModuleGetGlobal_v2(place, room, add.module, name.as_ptr()), 0);
        assert_eq!((size, driver.download(address, 4)), (4, words(&[1])));
        assert_eq!(driver.cuMemcpyHtoD_v2(address, [100, 0, 0, 0].as_ptr(), 4), 0);
        let memory = driver.upload(&words(&[1]));
        assert_eq!(add.launch(memory, memory, 1, 0), 0);
        assert_eq!(driver.download(memory, 4), words(&[111]));
        driver.free(memory);
    });
}
