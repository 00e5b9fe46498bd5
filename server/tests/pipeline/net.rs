//! Models that are small enough for a test, whatever engine runs them.

use crate::repository::Model;

/// Takes one number of `stride`, times `factor` and plus `bias`: each net has others, so that tensors
/// that are mixed up are told.
pub(crate) struct Net {
    pub(crate) name: &'static str,
    /// Sizes of a row that goes in.
    pub(crate) shape: Vec<usize>,
    pub(crate) stride: usize,
    pub(crate) factor: f32,
    pub(crate) bias: f32,
    pub(crate) engine: Engine,
}

/// Makes a model of a net.
pub(crate) type Engine = fn(&Net) -> Model;

impl Net {
    /// What it makes of a row.
    pub(crate) fn of(&self, x: &[f32]) -> Vec<f32> {
        assert_eq!(x.len(), self.shape.iter().product::<usize>(), "{}", self.name);
        x.iter().step_by(self.stride).map(|x| x * self.factor + self.bias).collect()
    }

    /// Numbers of a row that come out.
    pub(crate) fn outputs(&self) -> usize {
        self.shape.iter().product::<usize>() / self.stride
    }
}

/// A plan of TensorRT's double: `x` of FP32 becomes `y`, up to four rows at a time.
pub(crate) fn tensorrt(net: &Net) -> Model {
    let sizes: Vec<_> = net.shape.iter().map(usize::to_string).collect();
    let (sizes, outputs) = (sizes.join(","), net.outputs());
    let number = |value: f32| format!("0f{:08X}", value.to_bits());
    let ptx = include_str!("sample.ptx")
        .replace("STRIDE", &net.stride.to_string())
        .replace("FACTOR", &number(net.factor))
        .replace("BIAS", &number(net.bias));
    let plan = format!(
        "softnvinfer plan\ninput x FP32 -1,{sizes}\noutput y FP32 -1,{outputs}\n\
         profile\nrange x 1,{sizes} 1,{sizes} 4,{sizes}\nptx\n{ptx}"
    );
    let config = "backend: \"tensorrt\" max_batch_size: 4 instance_group { kind: KIND_GPU }";
    Model::new(net.name, config.to_owned()).with_file("model.plan", plan)
}
