//! The PTX of all kernels.

/// A file of kernels.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// What the driver is given.
    pub ptx: &'static str,
    /// The kernels in it.
    pub kernels: &'static [&'static str],
}

macro_rules! source {
    ($file:literal, $($kernel:literal),+ $(,)?) => {
        Source { ptx: include_str!(concat!("../../cuda/", $file, ".ptx")), kernels: &[$($kernel),+] }
    };
}

/// All that a device is to load.
pub const MODULES: [Source; 13] = [
    source!(
        "antialias",
        "antialias_down",
        "antialias_across_u8",
        "antialias_across_f16",
        "antialias_across_f32",
        "antialias_across_f64",
    ),
    source!("cascade", "score_places", "score_corrected"),
    source!("color", "nv12_to_rgb", "ycbcr420_to_rgb"),
    source!("copy", "copy_parts", "copy_blocks"),
    source!("ctc", "collapse"),
    source!("detection", "decode_detections", "score_boxes"),
    source!("heatmap", "peaks"),
    source!("letterbox", "read_letterboxes", "narrow_classes"),
    source!("resize", "resize_u8", "resize_f16", "resize_f32", "resize_f64"),
    source!("softmax", "softmax_rows", "softmax_columns"),
    source!("suppression", "suppress"),
    source!("top_k", "top_k_few", "top_k_many"),
    source!(
        "transpose",
        "transpose_rows_1",
        "transpose_rows_2",
        "transpose_rows_4",
        "transpose_rows_8",
        "transpose_rows_16",
        "transpose_tiles_1",
        "transpose_tiles_2",
        "transpose_tiles_4",
        "transpose_tiles_8",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::*;

    #[test]
    fn each_kernel_of_each_file_is_listed() {
        for Source { ptx, kernels } in MODULES {
            let entries = ptx.lines().filter_map(|line| line.strip_prefix(".visible .entry "));
            let mut entries: Vec<_> = entries.map(|line| line.trim_end_matches('(')).collect();
            let mut kernels = kernels.to_vec();
            entries.sort_unstable();
            kernels.sort_unstable();
            assert_eq!(entries, kernels);
        }
    }

    #[test]
    fn arguments_are_as_large_as_the_kernels_declare() {
        let size_of = |kernel: &str| match kernel {
            "antialias_down" => size_of::<Down>(),
            "collapse" => size_of::<Collapse>(),
            "copy_blocks" => size_of::<Interleave>(),
            "copy_parts" => size_of::<Copies>(),
            "decode_detections" => size_of::<Decode>(),
            "narrow_classes" => size_of::<NarrowClasses>(),
            "peaks" => size_of::<Peaks>(),
            "read_letterboxes" => size_of::<ReadLetterboxes>(),
            "score_corrected" => size_of::<ScoreCorrected>(),
            "score_places" => size_of::<ScorePlaces>(),
            "nv12_to_rgb" | "ycbcr420_to_rgb" => size_of::<Convert>(),
            "score_boxes" => size_of::<ScoreBoxes>(),
            "softmax_rows" | "softmax_columns" => size_of::<Softmax>(),
            "suppress" => size_of::<Suppress>(),
            "top_k_few" | "top_k_many" => size_of::<TopK>(),
            _ if kernel.starts_with("antialias_across_") => size_of::<Across>(),
            _ if kernel.starts_with("resize_") => size_of::<Resize>(),
            _ if kernel.starts_with("transpose_rows_") => size_of::<Rows>(),
            _ if kernel.starts_with("transpose_tiles_") => size_of::<Tiles>(),
            _ => 0,
        };
        for Source { ptx, kernels } in MODULES {
            for kernel in kernels {
                let declared =
                    format!("\t.param .align 8 .b8 {kernel}_param_0[{}]\n", size_of(kernel));
                assert!(ptx.contains(&declared), "{kernel}: {declared:?} is not there");
            }
        }
    }

    #[test]
    fn there_is_nothing_whose_bits_are_the_hardwares() {
        for Source { ptx, .. } in MODULES {
            for word in [".approx", ".ftz", "fma.", "ex2", ".full", "sqrt.approx"] {
                assert!(!ptx.contains(word), "{word}");
            }
        }
    }
}
