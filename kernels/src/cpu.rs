//! The CPU twins: every kernel as a pure function over slices.
//!
//! Float arithmetic here is plain IEEE single precision in the order in which it is written, with
//! no fused multiply-add. A CUDA kernel that is compiled with `--fmad=false` and does the same
//! operations therefore gives the same bits, and tests may compare the two for equality.

mod columns;
mod frame;
mod level;
mod nv12;
mod orient;
mod resize;
mod rows;
mod simd;
mod stream;
mod taps;
mod unpack;
mod views;

pub use frame::Frame;
pub use level::Level;
pub use nv12::nv12_to_rgb;
pub use orient::{Orientation, orient};
pub use resize::{ChannelOrder, Filter, Layout, Rendering, render};
pub use stream::Store;
pub use views::{AXIS_MAX, Image, PixelFormat, ViewError};
