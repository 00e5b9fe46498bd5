//! Every CUDA kernel against its CPU twin, on the software CUDA device: equal bytes, and nothing that
//! its sanitizer finds.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss
)]

mod cascade;
mod color;
mod copy;
mod ctc;
mod detection;
mod gpu;
mod heatmap;
mod letterbox;
mod limits;
mod mutants;
mod resize;
mod softmax;
mod top_k;
mod transpose;
