//! What a file is, by its frame header, and its pixels.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::status::{Result, Status};

const BASELINE: u8 = 0xC0;
const PROGRESSIVE: u8 = 0xC2;
const END_OF_IMAGE: u8 = 0xD9;

/// `nvjpegChromaSubsampling_t`, by the factors of luma over those of chroma.
const SUBSAMPLINGS: [((u8, u8), i32); 7] =
    [((1, 1), 0), ((2, 1), 1), ((2, 2), 2), ((1, 2), 3), ((4, 1), 4), ((4, 2), 5), ((2, 4), 7)];
const CSS_GRAY: i32 = 6;
const CSS_UNKNOWN: i32 = -1;
const CSS_411: i32 = 4;

/// A frame header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The second byte of its marker.
    pub(crate) encoding: u8,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// How many samples of each component, along x and y.
    factors: Vec<(u8, u8)>,
    precision: u8,
    scans: usize,
}

impl Header {
    /// Walks over the markers.
    ///
    /// # Errors
    /// `BAD_JPEG` of what is none, `JPEG_NOT_SUPPORTED` of arithmetic codes.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let (mut header, mut scans, mut place) = (None, 0, 2);
        if bytes.get(..2) != Some(&[0xFF, 0xD8]) {
            return Err(Status::BAD_JPEG);
        }
        loop {
            let rest = bytes.get(place..).ok_or(Status::BAD_JPEG)?;
            let skipped =
                rest.windows(2).position(|two| two[0] == 0xFF && !matches!(two[1], 0 | 0xFF));
            place += skipped.ok_or(Status::BAD_JPEG)? + 2;
            let marker = bytes[place - 1];
            if marker == END_OF_IMAGE {
                let header: Self = header.ok_or(Status::BAD_JPEG)?;
                return Ok(Self { scans, ..header });
            }
            if matches!(marker, 0x01 | 0xD0..=0xD8) {
                continue;
            }
            let length = bytes.get(place..place + 2).ok_or(Status::BAD_JPEG)?;
            let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
            let segment = bytes.get(place..place + length).ok_or(Status::BAD_JPEG)?;
            match marker {
                0xC0..=0xC3 => header = Some(Self::frame(marker, segment)?),
                0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err(Status::JPEG_NOT_SUPPORTED),
                0xDA => scans += 1,
                _ => {}
            }
            place += length;
        }
    }

    fn frame(encoding: u8, segment: &[u8]) -> Result<Self> {
        let [_, _, precision, h1, h2, w1, w2, _, components @ ..] = segment else {
            return Err(Status::BAD_JPEG);
        };
        let side = |high: &u8, low: &u8| u32::from(u16::from_be_bytes([*high, *low]));
        let factors = components.chunks_exact(3).map(|it| (it[1] >> 4, it[1] & 15)).collect();
        let (width, height, precision) = (side(w1, w2), side(h1, h2), *precision);
        Ok(Self { encoding, width, height, factors, precision, scans: 0 })
    }

    pub(crate) fn components(&self) -> u32 {
        u32::try_from(self.factors.len()).unwrap_or(0)
    }

    /// `nvjpegChromaSubsampling_t`.
    pub(crate) fn subsampling(&self) -> i32 {
        match self.factors[..] {
            [_] => CSS_GRAY,
            [luma, blue, red] if blue == red && blue.0 > 0 && blue.1 > 0 => {
                let ratio = (luma.0 / blue.0, luma.1 / blue.1);
                let known = SUBSAMPLINGS.iter().find(|(known, _)| *known == ratio);
                known.map_or(CSS_UNKNOWN, |(_, subsampling)| *subsampling)
            }
            _ => CSS_UNKNOWN,
        }
    }

    /// Columns and rows of a component's samples.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if there is none of this number.
    pub(crate) fn dimensions(&self, component: u32) -> Result<(u32, u32)> {
        let component = usize::try_from(component).unwrap_or(usize::MAX);
        let own = self.factors.get(component).ok_or(Status::INVALID_PARAMETER)?;
        let most = |factor: fn(&(u8, u8)) -> u8| self.factors.iter().map(factor).max().unwrap_or(1);
        let side =
            |side: u32, own: u8, most: u8| (side * u32::from(own)).div_ceil(most.max(1).into());
        Ok((side(self.width, own.0, most(|it| it.0)), side(self.height, own.1, most(|it| it.1))))
    }

    /// Coefficients of 16 bits in whole blocks, as host Huffman decoding uploads them.
    pub(crate) fn coefficient_bytes(&self) -> usize {
        let sizes = (0..self.components()).filter_map(|component| self.dimensions(component).ok());
        let blocks: u32 = sizes.map(|(width, height)| width.div_ceil(8) * height.div_ceil(8)).sum();
        blocks as usize * 64 * 2
    }

    pub(crate) fn is_baseline(&self) -> bool {
        self.encoding == BASELINE
    }

    /// Whether the backends that compute decode it.
    pub(crate) fn is_for_hybrid(&self) -> bool {
        let is_known = matches!(self.encoding, BASELINE | PROGRESSIVE);
        is_known && self.precision == 8 && self.subsampling() != CSS_UNKNOWN
    }

    /// Whether the hardware does: "baseline JPEG bitstream with single scan. 410 and 411
    /// sub-samplings are not supported".
    pub(crate) fn is_for_hardware(&self) -> bool {
        let is_single = self.is_baseline() && self.scans == 1;
        self.is_for_hybrid() && is_single && !(CSS_411..CSS_GRAY).contains(&self.subsampling())
    }
}

/// The pixels, in interleaved RGB.
///
/// # Errors
/// `BAD_JPEG`.
pub(crate) fn pixels(bytes: &[u8]) -> Result<Vec<u8>> {
    let options =
        DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode().map_err(|_| Status::BAD_JPEG)
}
