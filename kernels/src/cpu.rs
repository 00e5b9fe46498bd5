//! The CPU twins: every kernel as a pure function over slices.
//!
//! Float arithmetic here is plain IEEE single precision in the order in which it is written, with
//! no fused multiply-add. A CUDA kernel that is compiled with `--fmad=false` and does the same
//! operations therefore gives the same bits, and tests may compare the two for equality.

mod argmax;
mod axes;
mod columns;
mod detection;
mod exp;
mod frame;
mod heatmap;
mod jpeg;
mod letterbox;
mod level;
mod nms;
mod nv12;
mod orient;
mod rectangle;
mod refine;
mod regions;
mod resize;
mod rows;
mod simd;
mod softmax;
mod stream;
mod taps;
mod text_regions;
mod top_k;
mod transpose;
mod unpack;
mod views;
mod ycbcr;

pub use argmax::argmax;
pub use axes::AxisView;
pub use detection::{Activation, BoxFormat, Decoding, Objectness, PlaceAxis};
pub use exp::{exp, sigmoid};
pub use frame::Frame;
pub use heatmap::{Peak, Refinement, peak};
pub use jpeg::dct::{BLOCK_SIDE, BlockPair, SamplePair, flat_level, inverse_dct};
pub use jpeg::ycc::{Chroma, Plane, Ycc};
pub use letterbox::Letterbox;
pub use level::Level;
pub use nms::{Candidate, Overlap, Scope, Suppression, iou, suppress};
pub use nv12::nv12_to_rgb;
pub use orient::{Orientation, orient};
pub use refine::{Corrections, Grid, Shape};
pub use resize::{ChannelOrder, Filter, Layout, Rendering, render};
pub use softmax::softmax;
pub use stream::Store;
pub use text_regions::{BoxShape, Dilation, TextBox, TextRegions};
pub use top_k::{TopK, top_k};
pub use transpose::{AxisOrder, strides, transpose};
pub use views::{AXIS_MAX, Image, PixelFormat, ViewError};
pub use ycbcr::ycbcr420_to_rgb;

pub(crate) use views::{check_axes, check_inside};
