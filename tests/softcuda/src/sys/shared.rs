//! Memory that other processes may map: a file that is in no folder (`memfd_create`), which they open
//! by the process's number and its descriptor's (`/proc/PID/fd/FD`).

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::ops::Deref;
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;

/// What pages are as large as; places in the file are rounded to it.
const PAGE: usize = 4096;

/// A file of cells.
pub(crate) struct SharedFile(Arc<File>);

/// Cells of such a file, mapped until this is dropped.
pub(crate) struct SharedCells {
    /// Of the mapping, which begins at the page that the cells begin in.
    start: usize,
    bytes: usize,
    /// From `start` to the first cell, in bytes.
    skipped: usize,
    count: usize,
    file: Arc<File>,
}

impl SharedFile {
    /// `None` if the system gives none.
    pub(crate) fn create(cells: u64) -> Option<Self> {
        // SAFETY: the name ends with a 0.
        let descriptor = unsafe { libc::memfd_create(c"softcuda".as_ptr(), libc::MFD_CLOEXEC) };
        if descriptor < 0 {
            return None;
        }
        // SAFETY: the descriptor is new, and nobody else's.
        let file = unsafe { File::from_raw_fd(descriptor) };
        file.set_len(cells * size_of::<AtomicU16>() as u64).ok()?;
        Some(Self(Arc::new(file)))
    }

    /// That of another process. `None` if it is gone, or not to be seen.
    pub(crate) fn of_process(process: u32, descriptor: u32) -> Option<Self> {
        let path = format!("/proc/{process}/fd/{descriptor}");
        OpenOptions::new().read(true).write(true).open(path).ok().map(|file| Self(Arc::new(file)))
    }

    pub(crate) fn descriptor(&self) -> u32 {
        self.0.as_raw_fd().unsigned_abs()
    }

    /// `None` if the system has no room, or the file is shorter.
    pub(crate) fn map(&self, first: u64, count: usize) -> Option<SharedCells> {
        let offset = first * size_of::<AtomicU16>() as u64;
        let skipped = usize::try_from(offset % PAGE as u64).ok()?;
        let bytes = skipped + count * size_of::<AtomicU16>();
        if self.0.metadata().ok()?.len() < offset + bytes as u64 {
            return None;
        }
        let place = libc::off_t::try_from(offset).ok()? - libc::off_t::try_from(skipped).ok()?;
        let (protection, descriptor) = (libc::PROT_READ | libc::PROT_WRITE, self.0.as_raw_fd());
        // SAFETY: a mapping at an address of the system's choice replaces none that is there.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), bytes, protection, libc::MAP_SHARED, descriptor, place)
        };
        let is_there = start != libc::MAP_FAILED;
        is_there.then(|| SharedCells {
            start: start as usize,
            bytes,
            skipped,
            count,
            file: self.0.clone(),
        })
    }
}

impl SharedCells {
    /// Gives the system back the pages that lie wholly in the first `count` cells.
    pub(crate) fn discard(&self, first: u64, count: usize) {
        let start = (first * 2).next_multiple_of(PAGE as u64);
        let end = (first + count as u64) * 2 / PAGE as u64 * PAGE as u64;
        let (Ok(start), Ok(end)) = (libc::off_t::try_from(start), libc::off_t::try_from(end))
        else {
            return;
        };
        if start < end {
            let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
            // SAFETY: the descriptor is the file's, and no memory of ours is named.
            unsafe { libc::fallocate(self.file.as_raw_fd(), mode, start, end - start) };
        }
    }
}

impl Deref for SharedCells {
    type Target = [AtomicU16];

    fn deref(&self) -> &[AtomicU16] {
        let first = (self.start + self.skipped) as *const AtomicU16;
        // SAFETY: so many cells are mapped there until `self` is dropped. They are atomic, since
        // other processes write them too, and any bits are a value.
        unsafe { slice::from_raw_parts(first, self.count) }
    }
}

impl Drop for SharedCells {
    fn drop(&mut self) {
        // SAFETY: it is what `map` mapped, and nobody holds a reference to it.
        unsafe { libc::munmap(self.start as *mut c_void, self.bytes) };
    }
}
