//! Kernels: what loads, and what fits.

use super::*;

#[test]
fn a_module_that_does_not_load_says_why() {
    SoftCuda::new().errs("is not known here").run(|_| {
        let device = device();
        let unknown = PTX.replace("add.s16", "add.sat.s16");
        let text = Module::load(&device, &unknown).err().unwrap().to_string();
        let start = "the kernels do not load on cuda:0: cuModuleLoadDataEx: CUDA_ERROR_INVALID_PTX";
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains("PTX line 26: `add.sat.s16`"), "{text}");
        let text = Module::load(&device, "\0").err().unwrap().to_string();
        assert_eq!(text, "the kernels do not load on cuda:0: PTX with a NUL in it");
    });
}

#[test]
fn a_kernel_that_is_not_there_is_named() {
    AnyCuda::new().run(|| {
        let module = Module::load(&device(), PTX).unwrap();
        let text = module.function("add_two").err().unwrap().to_string();
        let start = "the kernels do not load on cuda:0: kernel 'add_two': cuModuleGetFunction: ";
        assert!(text.starts_with(start), "{text}");
    });
}

#[test]
#[allow(unsafe_code)]
fn a_grid_that_does_not_fit_is_refused() {
    SoftCuda::new().run(|cuda| {
        let device = device();
        let (function, stream) = (add_one(&device), stream(&device, "test"));
        let check = |blocks: [u32; 3], threads: [u32; 3], shared_bytes: u32, expected: &str| {
            let grid = Grid { blocks, threads, shared_bytes };
            let argument = AddOne { from: 0, to: 0, count: 0 };
            // SAFETY: it is refused.
            let text =
                unsafe { function.launch(&stream, grid, &argument) }.unwrap_err().to_string();
            assert_eq!(text, format!("kernel 'add_one' on cuda:0: {expected}"));
        };
        let one = [1, 1, 1];
        check([0, 1, 1], one, 0, "a grid of [0, 1, 1] blocks, 1 to [2147483647, 65535, 65535] fit");
        check(
            [1, 65_536, 1],
            one,
            0,
            "a grid of [1, 65536, 1] blocks, 1 to [2147483647, 65535, 65535] fit",
        );
        check(one, [1, 1, 65], 0, "blocks of [1, 1, 65] threads, 1 to [1024, 1024, 64] fit");
        check(one, [1024, 2, 1], 0, "blocks of [1024, 2, 1] threads, 1024 of them fit");
        check(one, one, 49_153, "49153 bytes of shared memory, 49152 fit");
        assert_eq!(cuda.count("launches"), 0);
    });
}
