//! Batches for the hardware decoder, which takes all files at once. If it fails at one of them, it says not
//! at which: then each is decoded alone.

use std::sync::Arc;

use nereid_backend::observer::{Copy, CopyCounter};

use super::busy::Busy;
use super::decoder::allocate;
use super::status::{Failure, Result};
use super::sys::{Image, Library, ParserObject, StateObject};
use super::{Backend, Encoded, Outcome, header};
use crate::device::{Allocation, DeviceError, Stream};

/// What decodes a batch at a time, and the next one beside it.
pub(super) struct Batches {
    lanes: [Lane; 2],
    turn: usize,
    parser: ParserObject,
}

struct Lane {
    busy: Busy,
    state: StateObject,
    /// How many pictures it is prepared for; `None` if its last batch failed.
    prepared: Option<usize>,
}

/// A file that the hardware takes.
struct Job<'a> {
    /// Its place in the batch.
    place: usize,
    bytes: &'a [u8],
    uploaded_bytes: usize,
    width: usize,
    pixels: Allocation,
}

impl Batches {
    pub(super) fn new(library: &Arc<Library>) -> Result<Self> {
        let lane = || -> Result<_> {
            let state = StateObject::of_batches(library)?;
            Ok(Lane { busy: Busy::default(), state, prepared: None })
        };
        Ok(Self { lanes: [lane()?, lane()?], turn: 0, parser: ParserObject::create(library)? })
    }

    /// Enqueues the decoding of a batch.
    ///
    /// # Errors
    /// When there is no memory for the pixels, or the device is lost.
    pub(super) fn decode(
        &mut self,
        files: &[Encoded<'_>],
        stream: &Stream,
        copies: &CopyCounter,
    ) -> std::result::Result<Vec<Outcome>, DeviceError> {
        let (mut outcomes, mut jobs) = (Vec::with_capacity(files.len()), Vec::new());
        for (place, encoded) in files.iter().enumerate() {
            let job = match self.accept(encoded) {
                Ok(uploaded_bytes) => allocate(stream, encoded.size)?.map(|pixels| Job {
                    place,
                    bytes: encoded.bytes,
                    uploaded_bytes,
                    width: encoded.size.0,
                    pixels,
                }),
                Err(why) => Err(why),
            };
            // Of those that are accepted it is replaced.
            outcomes.push(Outcome::Refused(job.as_ref().err().cloned().unwrap_or_default()));
            jobs.extend(job.ok());
        }
        if jobs.is_empty() {
            return Ok(outcomes);
        }
        self.turn = 1 - self.turn;
        for (place, outcome) in self.lanes[self.turn].decode(jobs, stream, copies)? {
            outcomes[place] = outcome;
        }
        Ok(outcomes)
    }

    /// Whether the hardware takes a file, and how many bytes are then uploaded.
    fn accept(&mut self, encoded: &Encoded<'_>) -> std::result::Result<usize, String> {
        let told = |failure: Failure| failure.to_string();
        let file = self.parser.parse(encoded.bytes).map_err(told)?;
        let uploaded_bytes = header::check(file, encoded.size, Backend::Hardware)?;
        if !file.is_for_batches().map_err(told)? {
            return Err(format!("nvJPEG's {} does not decode its kind", Backend::Hardware));
        }
        Ok(uploaded_bytes)
    }
}

impl Lane {
    fn decode(
        &mut self,
        jobs: Vec<Job<'_>>,
        stream: &Stream,
        copies: &CopyCounter,
    ) -> std::result::Result<Vec<(usize, Outcome)>, DeviceError> {
        let mut failures = vec![None; jobs.len()];
        if let Err(failure) = self.enqueue(&jobs, stream, copies)? {
            failures.fill(Some(failure));
            if jobs.len() > 1 {
                for (job, failure) in jobs.iter().zip(&mut failures) {
                    *failure = self.enqueue(std::slice::from_ref(job), stream, copies)?.err();
                }
            }
        }
        let outcome = |(job, failure): (Job<'_>, Option<Failure>)| {
            let outcome = match failure {
                None => Outcome::Decoded(job.pixels.ready()?),
                Some(failure) => Outcome::Refused(failure.to_string()),
            };
            Ok((job.place, outcome))
        };
        let outcomes = jobs.into_iter().zip(failures).map(outcome).collect();
        self.busy.until(stream.record()?);
        outcomes
    }

    /// Decodes all or none; whatever comes of it, the state is busy with it.
    #[allow(unsafe_code)]
    fn enqueue(
        &mut self,
        jobs: &[Job<'_>],
        stream: &Stream,
        copies: &CopyCounter,
    ) -> std::result::Result<Result<()>, DeviceError> {
        self.busy.wait()?;
        let files: Vec<_> = jobs.iter().map(|job| job.bytes).collect();
        let image = |job: &Job<'_>| Image::interleaved(job.pixels.address(), job.width);
        let mut images: Vec<_> = jobs.iter().map(image).collect();
        let enqueued = self.prepare(jobs.len()).and_then(|()| {
            // SAFETY: it was prepared for so many, each allocation has room for all rows, and this is its
            // home; the lane was waited for.
            unsafe { self.state.decode_batch(&files, &mut images, stream.handle()) }
        });
        match enqueued {
            Ok(()) => {
                copies.add(Copy::HostToDevice, jobs.iter().map(|job| job.uploaded_bytes).sum());
            }
            Err(_) => self.prepared = None,
        }
        self.busy.until(stream.record()?);
        Ok(enqueued)
    }

    fn prepare(&mut self, pictures: usize) -> Result<()> {
        if self.prepared != Some(pictures) {
            self.prepared = None;
            self.state.initialize(pictures)?;
            self.prepared = Some(pictures);
        }
        Ok(())
    }
}
