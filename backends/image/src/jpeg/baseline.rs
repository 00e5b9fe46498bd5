//! Baseline files of the usual layouts, without a mistake: grey, or YCbCr of 4:4:4, 4:2:2 or
//! 4:2:0, with all colours in one scan.
//!
//! What is not of this kind, and what is wrong in any way, is left to the decoders of everything,
//! and so are the errors; so no file gains or loses by the existence of this one but time.

mod bits;
mod header;
mod huffman;
mod intervals;
mod scan;

use nereid_kernels::cpu::{BLOCK_SIDE, Chroma, PixelFormat, Plane, ViewError, Ycc};

use super::Layout;
use super::structure::Image;
use header::Header;
use scan::Area;

/// A file of which the header was read.
pub(super) struct Baseline<'a> {
    header: Header<'a>,
    size: (usize, usize),
    /// MCUs across and down.
    mcus: (usize, usize),
    /// `None` if it is grey.
    chroma: Option<Chroma>,
    areas: Vec<Area>,
}

impl<'a> Baseline<'a> {
    /// Reads the header; `None` if the file is of another kind.
    pub(super) fn open(image: &Image<'a>) -> Option<Self> {
        let header = Header::read(image.bytes)?;
        let (width, height) = header.size;
        if header.size != image.size || image.scans != 1 {
            return None;
        }
        let most = header.components.first()?.blocks;
        let chroma = match (header.components.len(), most) {
            (1, _) => None,
            (_, (1, 1)) => Some(Chroma::Full),
            (_, (2, 1)) => Some(Chroma::HalfColumns),
            _ => Some(Chroma::Halves),
        };
        let mcus = (width.div_ceil(BLOCK_SIDE * most.0), height.div_ceil(BLOCK_SIDE * most.1));
        let mut start = 0;
        let area = |component: &header::Component| {
            let (stride, rows) = (
                BLOCK_SIDE * component.blocks.0 * mcus.0,
                BLOCK_SIDE * component.blocks.1 * mcus.1,
            );
            let area = Area { start, stride, rows };
            start += stride * rows;
            area
        };
        let areas = header.components.iter().map(area).collect();
        (width > 0 && height > 0).then_some(Self {
            header,
            size: (width, height),
            mcus,
            chroma,
            areas,
        })
    }

    /// Decodes to `levels`; `None` if a mistake was found.
    pub(super) fn decode(&self, levels: &mut Vec<u8>) -> Option<Layout> {
        let sizes = self.areas.iter().map(Area::samples);
        levels.resize(sizes.sum(), 0);
        scan::decode(&self.header, &self.areas, self.mcus, levels)?;
        match (self.chroma, self.areas.as_slice()) {
            (Some(chroma), &[luma, blue, red]) => {
                Some(Layout::Planes(Planes { areas: [luma, blue, red], chroma, size: self.size }))
            }
            (_, &[luma, ..]) => {
                let (width, height) = self.size;
                for y in 1..height {
                    levels.copy_within(y * luma.stride..y * luma.stride + width, y * width);
                }
                levels.truncate(width * height);
                Some(Layout::Interleaved(PixelFormat::Gray))
            }
            _ => None,
        }
    }
}

/// Where luma and chroma are in the memory that was decoded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planes {
    areas: [Area; 3],
    chroma: Chroma,
    size: (usize, usize),
}

impl Planes {
    /// The picture in that memory.
    ///
    /// # Errors
    /// When it is other memory.
    pub(crate) fn picture<'a>(&self, levels: &'a [u8]) -> Result<Ycc<'a>, ViewError> {
        let plane = |area: Area| Plane {
            samples: levels.get(area.start..area.start + area.samples()).unwrap_or_default(),
            stride: area.stride,
        };
        Ycc::new(self.areas.map(plane), self.chroma, self.size)
    }
}
