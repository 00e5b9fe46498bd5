//! A repository on disk, and the pipeline that is tested.

use std::fs;

use tempfile::TempDir;

use crate::net::{Engine, Net, tensorrt};
use crate::onnx;

/// One model of a repository: its configuration, and the file of its version.
pub(crate) struct Model {
    pub(crate) name: String,
    config: String,
    file: Option<(&'static str, Vec<u8>)>,
}

impl Model {
    pub(crate) fn new(name: &str, config: String) -> Self {
        Self { name: name.to_owned(), config, file: None }
    }

    pub(crate) fn with_file(mut self, name: &'static str, content: impl Into<Vec<u8>>) -> Self {
        self.file = Some((name, content.into()));
        self
    }

    /// Whether ONNX Runtime runs it.
    pub(crate) fn is_onnx(&self) -> bool {
        self.file.as_ref().is_some_and(|(name, _)| *name == "model.onnx")
    }
}

/// Writes the models to a folder.
pub(crate) fn write(models: &[Model]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for Model { name, config, file } in models {
        let version = folder.path().join(name).join("1");
        fs::create_dir_all(&version).unwrap();
        fs::write(folder.path().join(name).join("config.pbtxt"), config).unwrap();
        if let Some((name, content)) = file {
            fs::write(version.join(name), content).unwrap();
        }
    }
    folder
}

/// One JPEG to a tensor, of which six models read and a chain of three; what they make becomes one
/// tensor. The ensemble is `seed`, from `IMAGE` to `OUTPUT`, and `PIXELS` for who asks.
pub(crate) struct Seed {
    /// Height and width of the tensor of the picture, which has three channels.
    pub(crate) canvas: (usize, usize),
    /// Who decodes the JPEG, as the image backend calls it.
    pub(crate) decoder: &'static str,
    /// They read the picture.
    pub(crate) parallel: Vec<Net>,
    /// The first reads the picture, and each other one what the one before it has made.
    pub(crate) chain: Vec<Net>,
    /// They read what the first of the chain has made, as the second does.
    pub(crate) behind: Vec<Net>,
    /// Runs what reads the picture in FP64; nobody does if there is none.
    pub(crate) wide: Option<Engine>,
}

impl Seed {
    /// Of a canvas of this height and width, from whose numbers the nets take one of `stride`.
    pub(crate) fn new(canvas: (usize, usize), stride: usize) -> Self {
        let numbers = 3 * canvas.0 * canvas.1;
        assert!(numbers.is_multiple_of(stride), "a net would read beyond a row");
        let net = |name, factor, bias| {
            let shape = vec![3, canvas.0, canvas.1];
            Net { name, shape, stride, factor, bias, engine: tensorrt }
        };
        let behind = |name, factor, bias| {
            let shape = vec![numbers / stride];
            Net { shape, stride: 1, ..net(name, factor, bias) }
        };
        let parallel = vec![
            net("one", 1.0, 0.5),
            net("two", 2.0, 1.0),
            net("three", 3.0, 1.5),
            net("four", -1.0, 2.0),
            net("five", 0.25, 2.5),
            net("six", 8.0, 3.0),
        ];
        let chain =
            vec![net("first", 0.5, -1.0), behind("second", 2.0, 7.0), behind("third", -0.5, 0.0)];
        Self { canvas, decoder: "nvjpeg", parallel, chain, behind: Vec::new(), wide: None }
    }

    /// Four of the nine are ONNX models, before, behind and beside those of TensorRT.
    pub(crate) fn of_both_engines(canvas: (usize, usize), stride: usize) -> Self {
        let mut seed = Self { wide: Some(onnx::wide), ..Self::new(canvas, stride) };
        let shape = seed.chain[1].shape.clone();
        let moved = |net| Net { shape: shape.clone(), stride: 1, engine: onnx::narrow, ..net };
        seed.behind = seed.parallel.split_off(3).into_iter().map(moved).collect();
        seed.chain[1].engine = onnx::narrow;
        seed
    }

    /// Of a size for many runs.
    pub(crate) fn small() -> Self {
        Self::new((36, 64), 27)
    }

    /// Bytes of `PIXELS` of FP32.
    pub(crate) fn pixels_bytes(&self) -> u64 {
        3 * 4 * (self.canvas.0 * self.canvas.1) as u64
    }

    pub(crate) fn nets(&self) -> impl Iterator<Item = &Net> {
        self.parallel.iter().chain(&self.chain).chain(&self.behind)
    }

    /// What the ensemble makes of the picture's tensor.
    pub(crate) fn of(&self, pixels: &[f32]) -> Vec<f32> {
        let mut output: Vec<f32> = self.parallel.iter().flat_map(|net| net.of(pixels)).collect();
        let first = self.chain[0].of(pixels);
        output.extend(self.behind.iter().flat_map(|net| net.of(&first)));
        output.extend(self.chain[1..].iter().fold(first, |x, net| net.of(&x)));
        output
    }

    /// The ensemble comes last.
    pub(crate) fn models(&self) -> Vec<Model> {
        let mut models: Vec<_> = self.nets().map(|net| (net.engine)(net)).collect();
        models.extend([self.prepare("prepare", "TYPE_FP32"), self.join(), self.ensemble()]);
        models
    }

    /// What the ensemble of FP64 makes of a number of the picture's tensor.
    pub(crate) fn of_wide(&self, pixel: f64) -> f64 {
        let Net { factor, bias, .. } = self.wide_net();
        if self.wide.is_some() { pixel * f64::from(factor) + f64::from(bias) } else { pixel }
    }

    /// Factors and biases of ONNX models; those of plans are in their kernels.
    pub(crate) fn weights_bytes(&self) -> u64 {
        let narrow = self.nets().map(|net| (net.engine)(net)).filter(Model::is_onnx).count();
        let wide = usize::from(self.wide.is_some());
        2 * (4 * narrow + 8 * wide) as u64
    }

    fn wide_net(&self) -> Net {
        let shape = vec![3, self.canvas.0, self.canvas.1];
        Net { name: "wide_net", shape, stride: 1, factor: 2.0, bias: 0.5, engine: tensorrt }
    }

    /// The same in FP64, which TensorRT does not know: from `IMAGE` to `OUTPUT`, by an ONNX model if there
    /// are any, and by a postprocessing that leaves everything as it is.
    pub(crate) fn wide(&self) -> Vec<Model> {
        let (height, width) = self.canvas;
        let pixels = format!("data_type: TYPE_FP64 dims: [ 3, {height}, {width} ]");
        let handed_on = format!(
            r#"backend: "postprocess" max_batch_size: 4 instance_group {{ kind: KIND_GPU }}
            input {{ name: "x" {pixels} }}
            parameters {{ key: "operation" value {{ string_value: "concatenate" }} }}"#
        );
        let net = self.wide.map(|engine| engine(&self.wide_net()));
        let read = if net.is_some() { "y_net" } else { "PIXELS" };
        let steps = step("prepare_wide", &[("IMAGE", "IMAGE")], ("PIXELS", "PIXELS"))
            + &net
                .as_ref()
                .map_or_else(String::new, |net| step(&net.name, &[("x", "PIXELS")], ("y", read)))
            + &step("handed_on", &[("x", read)], ("OUTPUT", "OUTPUT"));
        let ensemble = format!(
            r#"platform: "ensemble" max_batch_size: 4
            input {{ name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] }}
            output {{ name: "OUTPUT" {pixels} }} output {{ name: "PIXELS" {pixels} }}
            ensemble_scheduling {{ {steps} }}"#
        );
        let models = [
            self.prepare("prepare_wide", "TYPE_FP64"),
            Model::new("handed_on", handed_on),
            Model::new("wide", ensemble),
        ];
        net.into_iter().chain(models).collect()
    }

    /// The image model.
    pub(crate) fn prepare(&self, name: &str, data_type: &str) -> Model {
        let ((height, width), decoder) = (self.canvas, self.decoder);
        let config = format!(
            r#"backend: "image" max_batch_size: 4 instance_group {{ kind: KIND_GPU }}
            output {{ name: "PIXELS" data_type: {data_type} dims: [ 3, {height}, {width} ] }}
            parameters {{ key: "decoder" value {{ string_value: "{decoder}" }} }}
            parameters {{ key: "width" value {{ string_value: "{width}" }} }}
            parameters {{ key: "height" value {{ string_value: "{height}" }} }}
            parameters {{ key: "scale" value {{ string_value: "0.00392156863" }} }}"#
        );
        Model::new(name, config)
    }

    /// Those whose outputs are joined.
    fn joined(&self) -> impl Iterator<Item = &Net> {
        self.parallel.iter().chain(&self.behind).chain(self.chain.last())
    }

    fn join(&self) -> Model {
        let input = |net: &Net| {
            let (name, size) = (net.name, net.outputs());
            format!(r#"input {{ name: "{name}" data_type: TYPE_FP32 dims: [ {size} ] }} "#)
        };
        let config = format!(
            r#"backend: "postprocess" max_batch_size: 4 instance_group {{ kind: KIND_GPU }}
            parameters {{ key: "operation" value {{ string_value: "concatenate" }} }} {}"#,
            self.joined().map(input).collect::<String>()
        );
        Model::new("join", config)
    }

    fn ensemble(&self) -> Model {
        let (height, width) = self.canvas;
        let size: usize = self.joined().map(Net::outputs).sum();
        let mut steps = step("prepare", &[("IMAGE", "IMAGE")], ("PIXELS", "PIXELS"));
        let mut run = |net: &Net, x: &str| {
            let y = format!("y_{}", net.name);
            steps += &step(net.name, &[("x", x)], ("y", &y));
            y
        };
        let mut made: Vec<_> = self.parallel.iter().map(|net| run(net, "PIXELS")).collect();
        let first = run(&self.chain[0], "PIXELS");
        made.extend(self.behind.iter().map(|net| run(net, &first)));
        made.push(self.chain[1..].iter().fold(first, |x, net| run(net, &x)));
        let made = made.iter().map(String::as_str);
        let inputs: Vec<_> = self.joined().map(|net| net.name).zip(made).collect();
        steps += &step("join", &inputs, ("OUTPUT", "OUTPUT"));
        let config = format!(
            r#"platform: "ensemble" max_batch_size: 4
            input {{ name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] }}
            output {{ name: "OUTPUT" data_type: TYPE_FP32 dims: [ {size} ] }}
            output {{ name: "PIXELS" data_type: TYPE_FP32 dims: [ 3, {height}, {width} ] }}
            ensemble_scheduling {{ {steps} }}"#
        );
        Model::new("seed", config)
    }
}

/// A step of an ensemble: the model's inputs and output, each with the ensemble's name for it.
pub(crate) fn step(model: &str, inputs: &[(&str, &str)], output: (&str, &str)) -> String {
    let map = |side: &str, (key, value): (&str, &str)| {
        format!(r#"{side}_map {{ key: "{key}" value: "{value}" }} "#)
    };
    let inputs: String = inputs.iter().map(|pair| map("input", *pair)).collect();
    let output = map("output", output);
    format!(r#"step {{ model_name: "{model}" model_version: -1 {inputs}{output}}} "#)
}

/// Softmax of eight numbers on the CPU: who has nothing to do with devices.
pub(crate) fn on_cpu() -> Model {
    let config = r#"backend: "postprocess" max_batch_size: 4 instance_group { kind: KIND_CPU }
        input { name: "INPUT" data_type: TYPE_FP32 dims: [ 8 ] }
        parameters { key: "operation" value { string_value: "softmax" } }"#;
    Model::new("on_cpu", config.to_owned())
}
