//! The text of a plan:
//!
//! ```text
//! softnvinfer plan
//! capability 7 5                      the GPU that it is for, if not any
//! input x FP32 -1,3                   name, type, sizes (`shape`); then perhaps `host` and `format 9`
//! output y FP32 -1,3
//! profile                             as many as there are
//! range x 1,3 4,3 8,3                 least, best and greatest sizes of an input
//! ptx
//! ...                                 a kernel `model`, which takes one struct: the addresses of the
//!                                     tensors on the device, as they are declared, and the number of
//!                                     elements of the first output
//! ```

use crate::shape::{Dims, Size};

const FIRST_LINE: &str = "softnvinfer plan";

/// In the order of `nvinfer1::DataType`, with their bits.
const TYPES: [(&str, usize); 12] = [
    ("FP32", 32),
    ("FP16", 16),
    ("INT8", 8),
    ("INT32", 32),
    ("BOOL", 8),
    ("UINT8", 8),
    ("FP8", 8),
    ("BF16", 16),
    ("INT64", 64),
    ("INT4", 4),
    ("FP4", 4),
    ("E8M0", 8),
];

#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) name: std::ffi::CString,
    pub(crate) is_input: bool,
    pub(crate) data_type: i32,
    pub(crate) sizes: Vec<Size>,
    pub(crate) is_host: bool,
    pub(crate) format: i32,
}

#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) capability: Option<(i32, i32)>,
    pub(crate) tensors: Vec<Tensor>,
    /// Of each profile, each input's least, best and greatest sizes.
    pub(crate) profiles: Vec<Vec<(String, [Dims; 3])>>,
    pub(crate) ptx: String,
}

impl Tensor {
    pub(crate) fn declared(&self) -> Dims {
        let sizes: Vec<_> = self.sizes.iter().map(|size| size.declared()).collect();
        Dims::new(&sizes)
    }

    /// Bytes of so many elements.
    pub(crate) fn size_bytes(&self, elements: i64) -> usize {
        let (_, bits) = TYPES[usize::try_from(self.data_type).unwrap_or(0)];
        usize::try_from(elements).unwrap_or(0) * bits / 8
    }
}

impl Plan {
    /// `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (head, ptx) = text.split_once("\nptx\n")?;
        let mut lines = head.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let mut plan = Self { ptx: ptx.to_owned(), ..Self::default() };
        for line in lines {
            plan.read(line)?;
        }
        Some(plan)
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let words: Vec<_> = line.split_whitespace().collect();
        match *words {
            [side @ ("input" | "output"), name, data_type, sizes, ref rest @ ..] => {
                let data_type = TYPES.iter().position(|(known, _)| *known == data_type)?;
                self.tensors.push(Tensor {
                    name: std::ffi::CString::new(name).ok()?,
                    is_input: side == "input",
                    data_type: i32::try_from(data_type).ok()?,
                    sizes: if sizes == "scalar" { Vec::new() } else { list(sizes, Size::parse)? },
                    is_host: rest.contains(&"host"),
                    format: match *rest {
                        [.., "format", format] => format.parse().ok()?,
                        _ => 0,
                    },
                });
            }
            ["profile"] => self.profiles.push(Vec::new()),
            ["range", name, least, best, greatest] => {
                let dims = |text| Some(Dims::new(&list(text, |size| size.parse().ok())?));
                let range = [dims(least)?, dims(best)?, dims(greatest)?];
                self.profiles.last_mut()?.push((name.to_owned(), range));
            }
            ["capability", major, minor] => {
                self.capability = Some((major.parse().ok()?, minor.parse().ok()?));
            }
            _ => return None,
        }
        Some(())
    }
}

fn list<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(parse).collect()
}
