//! Why bytes are not a picture.

use std::fmt;

/// The formats of files that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ITU-T T.81.
    Jpeg,
    /// ISO/IEC 15948.
    Png,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
        })
    }
}

/// Why bytes are not a picture, in words for whoever sent them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Another format, or none.
    #[error("not a JPEG or PNG: {0}")]
    Foreign(String),
    /// The file ends before the image does.
    #[error("the {format} is truncated: its {size_bytes} bytes end before the image does")]
    Truncated {
        /// What it begins like.
        format: Format,
        /// What came.
        size_bytes: usize,
    },
    /// More pixels than the model allows.
    #[error(
        "the image has {width} x {height} pixels, more than the {pixels_max} that the model's \
         parameter 'pixels_max' allows"
    )]
    TooLarge {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// The limit.
        pixels_max: usize,
    },
    /// Fewer bytes than its pixels can be told in.
    #[error("the {format} has {width} x {height} pixels, which {size_bytes} bytes are too few for")]
    Hollow {
        /// What it is.
        format: Format,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// What came.
        size_bytes: usize,
    },
    /// More pixels to go over, in all scans together, than the model allows.
    #[error(
        "the JPEG has {scans} scans of {width} x {height} pixels, more work than the model's \
         parameter 'pixels_max' allows"
    )]
    TooMuchWork {
        /// Times that the picture is gone over.
        scans: usize,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// More scans than this.
    #[error("the JPEG has more than {0} scans")]
    Scans(usize),
    /// It breaks the format's rules, or uses a part of it that the decoder lacks.
    #[error("the {0} cannot be decoded: {1}")]
    Broken(Format, String),
    /// Levels as they are, but of no picture.
    #[error("the tensor is no picture: {0}")]
    Raw(String),
}

impl PictureError {
    /// What a decoder says: its texts have quotes, line ends and double spaces in them.
    pub fn broken(format: Format, error: impl fmt::Display) -> Self {
        let text = error.to_string();
        let words: Vec<_> = text.trim_matches('"').split_whitespace().collect();
        Self::Broken(format, words.join(" "))
    }
}
