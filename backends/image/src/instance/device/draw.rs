//! What is launched for a batch, in the order of the device's stream.
#![allow(unsafe_code)]

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{Filter, PixelFormat, ViewError};
use nereid_kernels::cuda::{self, Draw, Element, Passes, Picture, Planes, Region};
use nereid_kernels::device::Allocation;
use nereid_kernels::executor::{self, Executor};

use super::{Contract, Group, Memory, Uploaded, Work};
use crate::picture::Coding;

/// One tensor for each group, in their order. Nothing is waited for.
pub(super) fn draw(
    executor: &Executor,
    contract: &Contract,
    work: &Work,
) -> Vec<Result<Tensor, InferError>> {
    let mut launched = executor.work();
    let pictures = match pictures(&mut launched, &work.pictures) {
        Ok(pictures) => pictures,
        Err(error) => return work.groups.iter().map(|_| Err(error.clone())).collect(),
    };
    let one = |group| draw_group(executor, &launched, contract, (group, &pictures.pictures));
    work.groups.iter().map(one).collect()
}

/// Pictures as kernels read them, upright.
struct Pictures {
    pictures: Vec<Picture>,
    /// RGB that was made of NV12; freed behind what reads it.
    _converted: Vec<Allocation>,
}

fn pictures<'w>(
    work: &mut executor::Work<'w>,
    uploaded: &'w [Uploaded],
) -> Result<Pictures, InferError> {
    let (mut pictures, mut planes, mut converted) = (Vec::new(), Vec::new(), Vec::new());
    for Uploaded { levels, coding, size, orientation } in uploaded {
        let region = match levels {
            Memory::Own(buffer) => work.read_buffer(buffer)?,
            Memory::Given(tensor) => work.read(tensor)?,
        };
        let (levels, format) = match coding {
            Coding::Levels(format) => (region, *format),
            Coding::Nv12 => {
                let (allocation, rgb) = work.allocate(3 * size.0 * size.1)?;
                converted.push(allocation);
                planes.push(Planes { size: *size, planes: region, rgb });
                (rgb, PixelFormat::Rgb)
            }
        };
        pictures.push(Picture::interleaved(levels, format, *size)?.upright(*orientation));
    }
    for launch in cuda::nv12_to_rgb(&planes)? {
        // SAFETY: the planes are of readings of this work, RGB of allocations that are kept.
        unsafe { work.launch(&launch) }?;
    }
    Ok(Pictures { pictures, _converted: converted })
}

fn draw_group(
    executor: &Executor,
    work: &executor::Work<'_>,
    contract: &Contract,
    (group, pictures): (&Group, &[Picture]),
) -> Result<Tensor, InferError> {
    let (pixels, rows) = (contract.pixels, group.drawings.len());
    let (target, region) = work.allocate(pixels.size_bytes(group.canvas).saturating_mul(rows))?;
    let drawing = |&(source, drawing): &(usize, super::Drawing)| {
        let picture = pictures[source].part(drawing.part.start, drawing.part.size)?;
        Ok(cuda::Drawing { picture, frame: drawing.frame })
    };
    let drawings: Result<Vec<_>, ViewError> = group.drawings.iter().map(drawing).collect();
    let drawings = drawings.map_err(cuda::LaunchError::from)?;
    let draw = Draw {
        drawings: &drawings,
        rendering: &contract.options.rendering,
        element: element(pixels.data_type),
        target: region,
    };
    launch(work, &draw)?;
    let [first, second, third] = pixels.shape(group.canvas);
    let shape = &[rows, first, second, third][usize::from(!contract.has_batch_axis)..];
    executor.tensor(pixels.data_type, shape.to_vec(), target)
}

fn launch(work: &executor::Work<'_>, draw: &Draw<'_>) -> Result<(), InferError> {
    match draw.rendering.filter {
        Filter::Bilinear => {
            for launch in draw.bilinear()? {
                // SAFETY: pictures are of readings or allocations of this work, which are kept, and
                // so is the target.
                unsafe { work.launch(&launch) }?;
            }
        }
        Filter::Triangle => {
            let (_freed_behind_its_use, scratch): (Allocation, Region) =
                work.allocate(draw.scratch_bytes())?;
            for Passes { down, across } in draw.antialiased(scratch)? {
                // SAFETY: as above, and the scratch memory is an allocation of this work.
                unsafe { work.launch(&down) }?;
                // SAFETY: as above.
                unsafe { work.launch(&across) }?;
            }
        }
    }
    Ok(())
}

fn element(data_type: DataType) -> Element {
    match data_type {
        DataType::Uint8 => Element::U8,
        DataType::Fp16 => Element::F16,
        DataType::Fp64 => Element::F64,
        _ => Element::F32,
    }
}
