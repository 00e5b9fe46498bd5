//! Reads `model_warmup`, and checks it against the completed model.

use std::fmt::Display;
use std::path::Path;

use nereid_backend::spec::{Dim, TensorSpec};
use nereid_proto::inference::model_warmup::input::InputDataType;
use nereid_proto::inference::{ModelWarmup, model_warmup};

use super::content::{Content, FILE};
use super::{Input, RUNS_MAX, SAMPLES_MAX, Sample};
use crate::complete::{Completed, dims_text};
use crate::problems::Problems;
use crate::stated::{Stated, data_type, files};

/// Reads the samples of `stated`, a model in `folder`; what is wrong is added to its problems. Those
/// with a `batch_size` of 0 are left out, as in Triton.
pub(crate) fn read(stated: &mut Stated, folder: &Path, completed: &Completed) -> Vec<Sample> {
    let Stated { config, problems, .. } = stated;
    if config.model_warmup.len() > SAMPLES_MAX {
        let message = format!("a model has at most {SAMPLES_MAX} samples to warm up with");
        problems.at(&format!("model_warmup[{SAMPLES_MAX}]"), message);
        return Vec::new();
    }
    let mut samples = Vec::with_capacity(config.model_warmup.len());
    for (index, stated) in config.model_warmup.iter().enumerate() {
        let path = format!("model_warmup[{index}]");
        let mut reader = Reader { path, folder, completed, problems };
        samples.extend((stated.batch_size > 0).then(|| reader.sample(stated)));
    }
    samples
}

/// Reads one sample.
struct Reader<'a> {
    path: String,
    folder: &'a Path,
    completed: &'a Completed,
    problems: &'a mut Problems,
}

/// What is wrong with an input, and the field of it that says so.
type Wrong = (&'static str, String);

impl Reader<'_> {
    fn sample(&mut self, stated: &ModelWarmup) -> Sample {
        let requests = usize::try_from(stated.batch_size).unwrap_or(usize::MAX);
        self.check_counts(stated, requests);
        for input in &self.completed.signature.inputs {
            if !input.is_optional && !stated.inputs.contains_key(&*input.name) {
                let message = format!("the model's input '{}' is missing in inputs", input.name);
                self.wrong("", message);
            }
        }
        let mut inputs = Vec::with_capacity(stated.inputs.len());
        for (name, input) in &stated.inputs {
            match self.input(name, input, requests) {
                Ok(input) => inputs.push(input),
                Err((field, text)) => {
                    let field = format!(".inputs[\"{name}\"]{field}");
                    self.wrong(&field, format_args!("'{name}': {text}"));
                }
            }
        }
        let name = if stated.name.is_empty() { &self.path } else { &stated.name };
        // 0 is what a message has where nothing was said.
        Sample { name: name.clone(), requests, runs: stated.count.max(1), inputs }
    }

    fn check_counts(&mut self, stated: &ModelWarmup, requests: usize) {
        let rows_max = self.completed.rows_max.max(1);
        if requests > rows_max {
            let message = format!(
                "batch_size must be at most {rows_max}, the most rows that the model takes; got \
                 {requests}"
            );
            self.wrong(".batch_size", message);
        }
        if stated.count > RUNS_MAX {
            let message = format!("count must be at most {RUNS_MAX}, got {}", stated.count);
            self.wrong(".count", message);
        }
    }

    fn input(
        &self,
        name: &str,
        stated: &model_warmup::Input,
        requests: usize,
    ) -> Result<Input, Wrong> {
        let signature = &self.completed.signature;
        let spec = signature.input(name).ok_or_else(|| {
            let inputs = signature.inputs.iter().map(|input| format!("'{}'", input.name));
            let inputs = inputs.collect::<Vec<_>>().join(", ");
            ("", format!("the model has no such input; its inputs are {inputs}"))
        })?;
        if data_type(stated.data_type) != Some(spec.data_type) {
            let expected = spec.data_type.config_name();
            return Err((".data_type", format!("data_type must be the model's, {expected}")));
        }
        let shape = self.shape(spec, &stated.dims)?;
        let content = self.content(stated.input_data_type.as_ref())?;
        let input = Input { name: spec.name.clone(), data_type: spec.data_type, shape, content };
        match input.check(requests) {
            Ok(()) => Ok(input),
            Err(text) => Err((input.content.field(), text)),
        }
    }

    fn shape(&self, spec: &TensorSpec, stated: &[i64]) -> Result<Vec<usize>, Wrong> {
        let mut shape = Vec::with_capacity(stated.len() + 1);
        shape.extend(self.completed.is_batched.then_some(1));
        for &size in stated {
            match Dim::from_wire(size) {
                Some(Dim::Fixed(size)) if size > 0 => shape.push(size),
                _ => return Err((".dims", format!("dims must be positive, got {size}"))),
            }
        }
        let sizes = shape.get(usize::from(self.completed.is_batched)..).unwrap_or_default();
        let fits = sizes.len() == spec.dims.len()
            && spec.dims.iter().zip(sizes).all(|(dim, size)| dim.admits(*size));
        if fits {
            return Ok(shape);
        }
        let sizes: Vec<_> = sizes.iter().map(|&size| Dim::Fixed(size)).collect();
        let (stated, expected) = (dims_text(&sizes), dims_text(&spec.dims));
        Err((".dims", format!("dims are {stated}, but the model has {expected}")))
    }

    fn content(&self, stated: Option<&InputDataType>) -> Result<Content, Wrong> {
        match stated {
            Some(InputDataType::ZeroData(_)) => Ok(Content::Zero),
            Some(InputDataType::RandomData(_)) => Ok(Content::Random),
            Some(InputDataType::InputDataFile(name)) => {
                let file = files::inside_warmup(self.folder, name);
                file.map(Content::File).map_err(|text| (FILE, text))
            }
            None => {
                Err(("", "zero_data, random_data or input_data_file must be stated".to_owned()))
            }
        }
    }

    fn wrong(&mut self, field: &str, message: impl Display) {
        self.problems.at(&format!("{}{field}", self.path), message);
    }
}
