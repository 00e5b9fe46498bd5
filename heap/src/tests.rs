use std::thread;

use super::*;

const MIB: usize = 1 << 20;

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

/// A block that is written from its first to its last byte.
fn take(heap: &Heap, size: usize, filling: u8) -> *mut u8 {
    // SAFETY: the size is not 0.
    let block = unsafe { heap.alloc(layout(size)) };
    assert!(!block.is_null());
    // SAFETY: it is as large.
    unsafe { block.write_bytes(filling, size) };
    block
}

fn put(heap: &Heap, block: *mut u8, size: usize) {
    // SAFETY: every test gives back what it took, once.
    unsafe { heap.dealloc(block, layout(size)) };
}

fn bytes<'a>(block: *mut u8, size: usize) -> &'a [u8] {
    // SAFETY: all that is asked for was written, and is not given back yet.
    unsafe { std::slice::from_raw_parts(block, size) }
}

#[test]
fn what_is_freed_is_used_again_by_what_is_of_similar_size() {
    let heap = Heap::new(256 * MIB);
    let (first, second) = (take(&heap, 33 * MIB, 1), take(&heap, MIB, 1));
    put(&heap, first, 33 * MIB);
    put(&heap, second, MIB);
    assert_eq!(heap.kept_bytes(), (40 + 2) * MIB);
    let other = take(&heap, 32 * MIB, 2);
    assert_ne!(other, first);
    assert_eq!(take(&heap, 40 * MIB, 2), first);
    assert_eq!(take(&heap, 2 * MIB, 2), second);
    assert_eq!(heap.kept_bytes(), 0);
}

#[test]
fn the_warmest_is_used_and_others_go_after_two_calls() {
    let heap = Heap::new(64 * MIB);
    let [cold, warm] = [4, 4].map(|size| take(&heap, size * MIB, 1));
    put(&heap, cold, 4 * MIB);
    put(&heap, warm, 4 * MIB);
    heap.give_back();
    assert_eq!(heap.kept_bytes(), 8 * MIB);
    assert_eq!(take(&heap, 4 * MIB, 2), warm);
    put(&heap, warm, 4 * MIB);
    heap.give_back();
    assert_eq!(heap.kept_bytes(), 4 * MIB);
    assert_eq!(take(&heap, 4 * MIB, 2), warm);
    put(&heap, warm, 4 * MIB);
    heap.give_back();
    heap.give_back();
    assert_eq!(heap.kept_bytes(), 0);
}

#[test]
fn no_more_is_kept_than_allowed() {
    let heap = Heap::new(5 * MIB);
    // As long as others are in use, too.
    let [first, second, third] = [2, 2, 2].map(|size| take(&heap, size * MIB, 1));
    put(&heap, first, 2 * MIB);
    assert_eq!(heap.kept_bytes(), 0);
    put(&heap, second, 2 * MIB);
    put(&heap, third, 2 * MIB);
    assert_eq!(heap.kept_bytes(), 4 * MIB);
    // Another one takes the place of as many as are too much.
    let other = take(&heap, 4 * MIB, 1);
    assert_eq!(heap.kept_bytes(), 0);
    put(&heap, other, 4 * MIB);
    assert_eq!(heap.kept_bytes(), 4 * MIB);
    heap.limit(3 * MIB);
    put(&heap, take(&heap, 4 * MIB, 1), 4 * MIB);
    assert_eq!(heap.kept_bytes(), 0);
    let heap = Heap::new(usize::MAX);
    let blocks: Vec<_> = (0..200).map(|_| take(&heap, MIB, 1)).collect();
    for block in blocks {
        put(&heap, block, MIB);
    }
    assert_eq!(heap.kept_bytes(), 128 * 2 * MIB);
}

#[test]
fn what_is_to_be_zero_is() {
    let heap = Heap::new(64 * MIB);
    for size in [100, 3 * MIB] {
        put(&heap, take(&heap, size, 7), size);
        for _fresh_and_used in 0..2 {
            // SAFETY: the size is not 0.
            let block = unsafe { heap.alloc_zeroed(layout(size)) };
            assert!(bytes(block, size).iter().all(|byte| *byte == 0), "{size}");
            // SAFETY: it is as large.
            unsafe { block.write_bytes(7, size) };
            put(&heap, block, size);
        }
    }
}

#[test]
fn what_moves_keeps_its_bytes() {
    let heap = Heap::new(64 * MIB);
    let sizes = [10, 1_000, MIB, 2 * MIB - 1, 2 * MIB, 3 * MIB, 5 * MIB, MIB, MIB - 1, 64 * MIB, 5];
    for (from, to) in sizes.iter().flat_map(|from| sizes.map(|to| (*from, to))) {
        let block = take(&heap, from, 3);
        // SAFETY: neither size is 0, and the block is not used after that.
        let moved = unsafe { heap.realloc(block, layout(from), to) };
        assert!(bytes(moved, from.min(to)).iter().all(|byte| *byte == 3), "{from} to {to}");
        // SAFETY: it is as large.
        unsafe { moved.write_bytes(4, to) };
        put(&heap, moved, to);
    }
}

#[test]
fn what_grows_within_its_block_does_not_move() {
    let heap = Heap::new(64 * MIB);
    let block = take(&heap, MIB, 1);
    // SAFETY: the size is not 0, and the block is used as what it returns.
    let grown = unsafe { heap.realloc(block, layout(MIB), 2 * MIB) };
    assert_eq!(grown, block);
    put(&heap, grown, 2 * MIB);
}

#[test]
fn an_alignment_of_more_than_a_page_is_mimallocs() {
    let heap = Heap::new(64 * MIB);
    let strict = Layout::from_size_align(2 * MIB, 1 << 16).unwrap();
    // SAFETY: the size is not 0.
    let block = unsafe { heap.alloc(strict) };
    assert_eq!(block.addr() % (1 << 16), 0);
    // SAFETY: it goes back as it came.
    unsafe { heap.dealloc(block, strict) };
    assert_eq!(heap.kept_bytes(), 0);
}

#[test]
fn what_the_system_does_not_have_is_null() {
    let heap = Heap::new(64 * MIB);
    // SAFETY: the size is not 0.
    let block = unsafe { heap.alloc(layout(1 << 62)) };
    assert!(block.is_null());
}

#[test]
fn threads_never_share_a_block() {
    let heap = Heap::new(16 * MIB);
    let work = |mine: u8| {
        for round in 0..200_usize {
            let size = (1 + (round * 7 + usize::from(mine)) % 4) * MIB;
            let block = take(&heap, size, mine);
            assert!(bytes(block, size).iter().step_by(4_093).all(|byte| *byte == mine));
            put(&heap, block, size);
            if round % 16 == 0 {
                heap.give_back();
            }
        }
    };
    thread::scope(|scope| (0..4).for_each(|mine| drop(scope.spawn(move || work(mine)))));
    heap.give_back();
    heap.give_back();
    assert_eq!(heap.kept_bytes(), 0);
}
