//! Work that is captured, and launched as a graph, as engines do it.

use nereid_conformance::{Add, Driver};
use nereid_softcuda_harness::AnyCuda;

use crate::copies::host;

/// `CU_STREAM_CAPTURE_MODE_RELAXED`.
const RELAXED: i32 = 2;

#[test]
fn what_is_captured_is_done_at_each_launch() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let (add, stream, pinned) = (Add::load(&driver), driver.stream(), driver.pinned(8));
        let memory = [driver.alloc(4), driver.alloc(4)];
        host(pinned, 8).fill(0);
        assert_eq!(driver.cuStreamBeginCapture_v2(stream, RELAXED), 0);
        assert_eq!(driver.cuMemcpyHtoDAsync_v2(memory[0], pinned, 4, stream), 0);
        assert_eq!(add.launch(memory[0], memory[1], 1, stream), 0);
        assert_eq!(driver.cuMemcpyDtoHAsync_v2(pinned.wrapping_add(4), memory[1], 4, stream), 0);
        let (mut graph, mut executable) = (0, 0);
        assert_eq!(driver.cuStreamEndCapture(stream, &raw mut graph), 0);
        assert_eq!(driver.cuGraphInstantiateWithFlags(&raw mut executable, graph, 0), 0);
        assert_eq!(driver.cuGraphDestroy(graph), 0); // The executable keeps what it needs.
        driver.synchronize(stream);
        assert_eq!(host(pinned, 8), [0; 8], "what is captured is not done");
        for value in [1, 2] {
            host(pinned, 8)[0] = value;
            assert_eq!(driver.cuGraphLaunch(executable, stream), 0);
            driver.synchronize(stream);
            assert_eq!(host(pinned, 8)[4..], [value + 11, 0, 0, 0]); // 10, and the module's 1.
        }
        assert_eq!(driver.cuGraphExecDestroy(executable), 0);
        for address in memory {
            driver.free(address);
        }
        driver.free_pinned(pinned);
    });
}

#[test]
fn others_may_allocate_while_a_thread_captures() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let (stream, memory, mut graph) = (driver.stream(), driver.alloc(8), 0);
        assert_eq!(driver.cuStreamBeginCapture_v2(stream, RELAXED), 0);
        assert_eq!(driver.cuMemsetD8Async(memory, 1, 8, stream), 0);
        let other = std::thread::spawn(move || {
            driver.make_current(0);
            driver.alloc(8)
        });
        let other = other.join().unwrap();
        let own = driver.alloc(8); // In relaxed mode, the thread itself may, too.
        assert_eq!(driver.cuStreamEndCapture(stream, &raw mut graph), 0);
        assert_eq!(driver.cuGraphDestroy(graph), 0);
        for address in [memory, other, own] {
            driver.free(address);
        }
    });
}
