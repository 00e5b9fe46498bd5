//! The names of classes, which `label_filename` states for an output: one a line, in the order of
//! the classes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use nereid_backend::error::LoadError;
use nereid_backend::spec::Signature;

/// The largest file of labels that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The labels of a model's outputs. They need not be text: they go to clients as they are.
#[derive(Clone, Debug, Default)]
pub struct Labels(BTreeMap<Arc<str>, Vec<Vec<u8>>>);

impl Labels {
    /// Reads the files that the outputs of `signature` state.
    ///
    /// # Errors
    /// Which file cannot be read, and why.
    pub fn read(signature: &Signature) -> Result<Self, LoadError> {
        let mut labels = BTreeMap::new();
        for output in &signature.outputs {
            if let Some(file) = &output.labels {
                labels.insert(output.name.clone(), lines(file)?);
            }
        }
        Ok(Self(labels))
    }

    /// The label of class `index` of an output, if it has one.
    pub fn get(&self, output: &str, index: usize) -> Option<&[u8]> {
        self.0.get(output)?.get(index).map(Vec::as_slice)
    }
}

fn lines(file: &Path) -> Result<Vec<Vec<u8>>, LoadError> {
    let failed = |what: &str| LoadError::new(format!("label_filename: {}: {what}", file.display()));
    let opened = File::open(file).map_err(|error| failed(&error.to_string()))?;
    let mut bytes = Vec::new();
    let read = opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| failed(&error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(&format!("a file of labels has at most {FILE_BYTES_MAX} bytes")));
    }
    let mut lines: Vec<_> = bytes
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        .collect();
    // What follows the last end of a line is no line.
    lines.pop_if(|last| last.is_empty());
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use nereid_backend::data_type::DataType;
    use nereid_backend::spec::{Dim, TensorSpec};

    use super::*;
    use crate::fakes::Repository;

    #[test]
    fn a_label_is_a_line() {
        let check = |text: &str, expected: &[&str]| {
            let repository = Repository::new();
            repository.file("labels.txt", text);
            let mut output = TensorSpec::new("y", DataType::Fp32, vec![Dim::Fixed(3)]);
            output.labels = Some(repository.path.join("labels.txt"));
            let other = TensorSpec::new("z", DataType::Fp32, Vec::new());
            let signature = Signature {
                inputs: Vec::new(),
                outputs: vec![output, other],
                ..Signature::default()
            };
            let labels = Labels::read(&signature).unwrap();
            for (index, label) in expected.iter().enumerate() {
                assert_eq!(labels.get("y", index), Some(label.as_bytes()), "{text:?}");
            }
            assert_eq!(labels.get("y", expected.len()), None, "{text:?}");
            assert_eq!(labels.get("z", 0), None);
        };
        check("", &[]);
        check("cat\ndog\n", &["cat", "dog"]);
        check("cat\r\nhot dog", &["cat", "hot dog"]);
        check("\ncat\n\n", &["", "cat", ""]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let mut output = TensorSpec::new("y", DataType::Fp32, Vec::new());
        output.labels = Some("no such folder/l.txt".into());
        let signature =
            Signature { inputs: Vec::new(), outputs: vec![output], ..Signature::default() };
        let error = Labels::read(&signature).unwrap_err().to_string();
        assert!(error.starts_with("label_filename: no such folder/l.txt: "), "{error}");
    }
}
