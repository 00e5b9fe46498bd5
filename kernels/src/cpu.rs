//! The CPU twins: every kernel as a pure function over slices.
//!
//! Float arithmetic here is plain IEEE single precision in the order in which it is written, with
//! no fused multiply-add. A CUDA kernel that is compiled with `--fmad=false` and does the same
//! operations therefore gives the same bits, and tests may compare the two for equality.

mod argmax;
mod axes;
mod detection;
mod exp;
mod heatmap;
mod letterbox;
mod nms;
mod rectangle;
mod regions;
mod resize;
mod softmax;
mod taps;
mod text_regions;
mod top_k;
mod views;

pub use argmax::argmax;
pub use axes::AxisView;
pub use detection::{Activation, BoxFormat, Decoding, Objectness, PlaceAxis};
pub use exp::{exp, sigmoid};
pub use heatmap::{Peak, Refinement, peak};
pub use letterbox::Letterbox;
pub use nms::{Candidate, Scope, Suppression, iou, suppress};
pub use resize::{ChannelOrder, Normalization, resize_normalize};
pub use softmax::softmax;
pub use text_regions::{BoxShape, Dilation, TextBox, TextRegions};
pub use top_k::{TopK, top_k};
pub use views::{AXIS_MAX, Planes, RgbImage, ViewError};
