//! Outputs that clients want written to shared memory of a device instead of being sent.

use std::ops::Range;
use std::sync::Arc;

use nereid_backend::error::InferError;
use nereid_backend::observer::Observer;
use nereid_backend::parts::Tensors;
use nereid_backend::tensor::Tensor;
use nereid_kernels::device::{
    DeviceBuffer, Events, SharedMemory, Source, Stream, device_to_device, host_to_device,
};
use tokio::sync::oneshot;

use crate::edge::Edge;

/// Where an output is to be written.
pub struct Place {
    /// Which output.
    pub name: Arc<str>,
    /// The memory.
    pub memory: SharedMemory,
    /// Which of its bytes the output may take.
    pub range: Range<usize>,
}

/// Where outputs of a request are to be written, and who does it.
pub struct Placement {
    /// Who copies.
    pub edge: Arc<Edge>,
    /// The places.
    pub places: Vec<Place>,
}

impl Placement {
    /// Writes those of `outputs` that have a place there, wherever they are: from one device to another, or
    /// its own, or from the host. When this returns their names, they are written. What is copied is
    /// counted by `observer`.
    ///
    /// # Errors
    /// [`InferError::Backend`] if one does not fit its place, and what the devices tell.
    pub async fn write(
        self,
        outputs: &Tensors,
        observer: Arc<dyn Observer>,
    ) -> Result<Vec<Arc<str>>, InferError> {
        let Self { edge, places } = self;
        let mut names = Vec::with_capacity(places.len());
        let mut writes = Vec::with_capacity(places.len());
        for place in places {
            let output = outputs.iter().find(|(name, _)| *name == place.name);
            let Some((_, tensor)) = output else { continue };
            check_size(&place, tensor.size_bytes())?;
            names.push(place.name.clone());
            writes.push((tensor.clone(), place));
        }
        let (told, ended) = oneshot::channel();
        // The host's bytes are copied to pinned memory first, which may take a while.
        let write = move || match edge.write(&writes, &*observer) {
            Ok(ends) => edge.reaper(ends.device()).watch(
                Box::new(ends),
                // A client that went away is not an error.
                Box::new(move |ended| drop(told.send(ended))),
            ),
            Err(error) => drop(told.send(Err(error))),
        };
        tokio::task::spawn_blocking(write).await.map_err(|_panicked| InferError::Abandoned)?;
        ended.await.unwrap_or(Err(InferError::Abandoned)).map(|()| names)
    }
}

impl Edge {
    fn write(
        &self,
        writes: &[(Tensor, Place)],
        observer: &dyn Observer,
    ) -> Result<Events, InferError> {
        let mut streams: Vec<&Stream> = Vec::new();
        for (tensor, place) in writes {
            let size_bytes = tensor.size_bytes();
            if size_bytes == 0 {
                continue;
            }
            let stream = self.outputs(place.memory.device())?;
            let range = place.range.start..place.range.start + size_bytes;
            let mut to = place.memory.writing(&range, stream)?;
            if let Some((buffer, part)) = DeviceBuffer::of(tensor) {
                device_to_device(&mut to, 0, buffer, &part, observer.copies())?;
            } else {
                let mut pinned = stream.pinned(size_bytes)?;
                pinned.as_mut().copy_from_slice(tensor.host().unwrap_or_default());
                host_to_device(&mut to, 0, Source::Pinned(pinned), observer.copies())?;
            }
            if !streams.iter().any(|other| other.is(stream)) {
                streams.push(stream);
            }
        }
        Ok(Events::of(&streams)?)
    }
}

/// The text is Triton's.
fn check_size(place: &Place, size_bytes: usize) -> Result<(), InferError> {
    let (name, room) = (&place.name, place.range.len());
    if size_bytes <= room {
        return Ok(());
    }
    let text = format!(
        "shared memory size specified with the request for output '{name}' ({room} bytes) should be \
         at least {size_bytes} bytes to hold the results"
    );
    Err(InferError::Backend(text.into()))
}
