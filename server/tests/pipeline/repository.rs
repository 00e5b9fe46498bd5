//! A repository on disk, and the pipeline that is tested.

use std::fs;

use tempfile::TempDir;

use crate::net::{Net, tensorrt};

/// One model of a repository: its configuration, and the file of its version.
pub(crate) struct Model {
    pub(crate) name: String,
    config: String,
    file: Option<(&'static str, String)>,
}

impl Model {
    pub(crate) fn new(name: &str, config: String) -> Self {
        Self { name: name.to_owned(), config, file: None }
    }

    pub(crate) fn with_file(mut self, name: &'static str, content: String) -> Self {
        self.file = Some((name, content));
        self
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
        Self { canvas, decoder: "nvjpeg", parallel, chain }
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
        self.parallel.iter().chain(&self.chain)
    }

    /// What the ensemble makes of the picture's tensor.
    pub(crate) fn of(&self, pixels: &[f32]) -> Vec<f32> {
        let mut output: Vec<f32> = self.parallel.iter().flat_map(|net| net.of(pixels)).collect();
        output.extend(self.chain.iter().fold(pixels.to_vec(), |x, net| net.of(&x)));
        output
    }

    /// The ensemble comes last.
    pub(crate) fn models(&self) -> Vec<Model> {
        let mut models: Vec<_> = self.nets().map(|net| (net.engine)(net)).collect();
        models.extend([self.prepare("prepare", "TYPE_FP32"), self.join(), self.ensemble()]);
        models
    }

    /// The same in FP64, which TensorRT does not know: from `IMAGE` to `OUTPUT`, which is `PIXELS` after a
    /// postprocessing that leaves it as it is.
    pub(crate) fn wide(&self) -> Vec<Model> {
        let (height, width) = self.canvas;
        let pixels = format!("data_type: TYPE_FP64 dims: [ 3, {height}, {width} ]");
        let handed_on = format!(
            r#"backend: "postprocess" max_batch_size: 4 instance_group {{ kind: KIND_GPU }}
            input {{ name: "x" {pixels} }}
            parameters {{ key: "operation" value {{ string_value: "concatenate" }} }}"#
        );
        let steps = step("prepare_wide", &[("IMAGE", "IMAGE")], ("PIXELS", "PIXELS"))
            + &step("handed_on", &[("x", "PIXELS")], ("OUTPUT", "OUTPUT"));
        let ensemble = format!(
            r#"platform: "ensemble" max_batch_size: 4
            input {{ name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] }}
            output {{ name: "OUTPUT" {pixels} }} output {{ name: "PIXELS" {pixels} }}
            ensemble_scheduling {{ {steps} }}"#
        );
        vec![
            self.prepare("prepare_wide", "TYPE_FP64"),
            Model::new("handed_on", handed_on),
            Model::new("wide", ensemble),
        ]
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
        self.parallel.iter().chain(self.chain.last())
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
        let made = self.parallel.iter().map(|net| run(net, "PIXELS")).collect::<Vec<_>>();
        let last = self.chain.iter().fold("PIXELS".to_owned(), |x, net| run(net, &x));
        let made = made.iter().chain([&last]).map(String::as_str);
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
