//! Tensors of requests that lie in regions, and the places of outputs there.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::parts::Tensors;
use nereid_backend::tensor::Tensor;
use nereid_proto::infer::RegionPart;
use tokio::sync::oneshot;

use crate::edge::{Place, Placement};
use crate::regions::Regions;
use crate::registry::Served;

impl Regions {
    /// Where outputs are to be written, and by whom; `None` if all are sent.
    ///
    /// # Errors
    /// As [`Regions::find`].
    pub fn placement(
        &self,
        asked: &BTreeMap<Arc<str>, RegionPart>,
    ) -> Result<Option<Placement>, InferError> {
        if asked.is_empty() {
            return Ok(None);
        }
        let place = |(name, part): (&Arc<str>, &RegionPart)| {
            let (memory, range) = self.find(part)?;
            Ok(Place { name: name.clone(), memory, range })
        };
        let places = asked.iter().map(place).collect::<Result<_, InferError>>()?;
        Ok(Some(Placement { edge: self.edge.clone(), places }))
    }

    /// The `inputs` with those on the host that `served` reads there; the others stay where they are. What
    /// is copied is counted as the model's.
    ///
    /// # Errors
    /// [`InferError::Invalid`] if one that stays does not lie at a multiple of its elements' size, which no
    /// kernel can read; and what the device tells.
    pub async fn fetch(&self, served: &Served, inputs: Tensors) -> Result<Tensors, InferError> {
        let stays = |(name, tensor): &&(Arc<str>, Tensor)| {
            tensor.device() != DeviceId::Cpu && !served.reads_on_host(name)
        };
        let mut stay = Vec::new();
        for (name, tensor) in inputs.iter().filter(stays) {
            check_aligned(name, tensor)?;
            stay.push(name.clone());
        }
        let (told, landed) = oneshot::channel();
        // A client that went away is not an error.
        let land = Box::new(move |tensors| drop(told.send(tensors)));
        self.edge.to_host(inputs, stay, served.statistics.clone(), land);
        landed.await.unwrap_or(Err(InferError::Abandoned))
    }
}

fn check_aligned(name: &str, tensor: &Tensor) -> Result<(), InferError> {
    if tensor.is_aligned() {
        return Ok(());
    }
    let (data_type, start) = (tensor.data_type(), tensor.storage().1.start);
    Err(InferError::Invalid(format!(
        "input '{name}' begins at byte {start} of its shared memory region, which is no multiple of the \
         size of {}",
        data_type.name()
    )))
}
