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
pub const MODULES: [Source; 9] = [
    source!(
        "antialias",
        "antialias_down",
        "antialias_across_u8",
        "antialias_across_f16",
        "antialias_across_f32",
        "antialias_across_f64",
    ),
    source!("color", "nv12_to_rgb", "ycbcr420_to_rgb"),
    source!("copy", "copy_parts"),
    source!("detection", "decode_detections", "score_boxes"),
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
    fn there_is_nothing_whose_bits_are_the_hardwares() {
        for Source { ptx, .. } in MODULES {
            for word in [".approx", ".ftz", "fma.", "ex2", ".full", "sqrt.approx"] {
                assert!(!ptx.contains(word), "{word}");
            }
        }
    }
}
