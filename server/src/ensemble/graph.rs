//! An ensemble's steps and tensors, checked once when it is loaded: afterwards every tensor that a
//! step reads is made by exactly one step or by the client, in the right type, without a cycle.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, ModelSpec, TensorSpec};
use nereid_model_repository::complete::dims_text;
use nereid_model_repository::definition::Step;

use crate::registry::Target;

/// Numbers the tensors of a graph from 0.
pub type TensorId = usize;

/// The steps in an order in which each one's inputs are made before it.
pub struct Graph {
    /// The ensemble's name.
    pub name: Arc<str>,
    /// Number of tensors.
    pub tensors: usize,
    /// What clients send.
    pub inputs: Vec<(Arc<str>, TensorId)>,
    /// What clients get.
    pub outputs: Vec<(Arc<str>, TensorId)>,
    /// What is run.
    pub nodes: Vec<Node>,
}

/// Everything that is wrong with an ensemble's graph.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Whose.
    pub ensemble: Arc<str>,
    /// At least one.
    pub list: Vec<Fault>,
}

/// What is wrong, and where.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The field of the configuration, such as `ensemble_scheduling.step[0]`.
    pub path: String,
    /// What is wrong with it.
    pub text: String,
}

impl From<Faults> for LoadError {
    fn from(faults: Faults) -> Self {
        let texts: Vec<_> = faults.list.iter().map(|fault| fault.text.as_str()).collect();
        Self::new(format!("ensemble '{}': {}", faults.ensemble, texts.join("; ")))
    }
}

/// A step: a model, and which tensors it reads and makes.
pub struct Node {
    /// Who runs it.
    pub target: Target,
    /// Which step of the configuration it is, for people.
    pub label: Arc<str>,
    /// The tensor that says whether it is run.
    pub condition: Option<TensorId>,
    /// What it reads.
    pub inputs: Vec<NodeInput>,
    /// The model's output, and the tensor that it makes.
    pub outputs: Vec<(Arc<str>, TensorId)>,
}

/// What a node reads.
pub struct NodeInput {
    /// The model's input.
    pub name: Arc<str>,
    /// The tensor.
    pub tensor: TensorId,
    /// Whether the node cannot run without it.
    pub is_required: bool,
}

impl Node {
    /// All tensors that must be known before it is run, or not.
    pub fn needs(&self) -> impl Iterator<Item = TensorId> {
        self.inputs.iter().map(|input| input.tensor).chain(self.condition)
    }
}

impl Graph {
    /// Checks the `steps` of the ensemble `spec` against the models that `find` knows.
    ///
    /// # Errors
    /// Everything that is wrong with it, one line each.
    pub fn new<'a>(
        spec: &ModelSpec,
        steps: &[Step],
        find: impl Fn(&Target) -> Option<&'a ModelSpec>,
    ) -> Result<Self, Faults> {
        let mut builder = Builder { spec, tensors: BTreeMap::new(), problems: Vec::new() };
        for input in &spec.signature.inputs {
            builder.make("input", &input.name, Known::of(input, spec), "an input of the ensemble");
        }
        let mut models = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let target = Target { model: step.model.clone(), version: step.version };
            match find(&target) {
                Some(model) => {
                    builder.make_outputs(index, step, model);
                    models.push((index, step, target, model));
                }
                None => {
                    builder.problem(
                        &path_of_step(index),
                        format!("step {index}: model '{}' is not ready", step.model),
                    );
                }
            }
        }
        let mut nodes = Vec::new();
        for (index, step, target, model) in models {
            nodes.push(builder.node(index, step, target, model));
        }
        let outputs = builder.ensemble_outputs();
        let inputs = builder.ids(spec.signature.inputs.iter().map(|input| &input.name));
        let tensors = builder.tensors.len();
        let nodes = builder.sorted(nodes, &inputs);
        builder.finish()?;
        Ok(Self { name: spec.name.clone(), tensors, inputs, outputs, nodes })
    }

    /// The nodes that a request for `wanted` must run: those that make it, and what they need.
    pub fn needed(&self, wanted: &[TensorId]) -> Vec<bool> {
        let mut is_needed = vec![false; self.tensors];
        for &tensor in wanted {
            is_needed[tensor] = true;
        }
        let mut nodes = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            nodes[index] = node.outputs.iter().any(|(_, tensor)| is_needed[*tensor]);
            if nodes[index] {
                node.needs().for_each(|tensor| is_needed[tensor] = true);
            }
        }
        nodes
    }
}

/// A tensor while the graph is checked.
struct Known {
    id: TensorId,
    spec: TensorSpec,
    is_batched: bool,
}

impl Known {
    fn of(tensor: &TensorSpec, model: &ModelSpec) -> Self {
        Self { id: 0, spec: tensor.clone(), is_batched: model.is_batched }
    }
}

struct Builder<'a> {
    spec: &'a ModelSpec,
    tensors: BTreeMap<Arc<str>, Known>,
    problems: Vec<Fault>,
}

impl Builder<'_> {
    /// Notes a fault of the field at `path` of the configuration.
    fn problem(&mut self, path: &str, text: String) {
        self.problems.push(Fault { path: path.to_owned(), text });
    }

    fn make(&mut self, path: &str, name: &Arc<str>, known: Known, maker: &str) {
        let id = self.tensors.len();
        if self.tensors.contains_key(name) {
            self.problem(path, format!("{maker} makes tensor '{name}', which is made already"));
        } else {
            self.tensors.insert(name.clone(), Known { id, ..known });
        }
    }

    fn make_outputs(&mut self, index: usize, step: &Step, model: &ModelSpec) {
        let path = path_of_step(index);
        for (output, tensor) in &step.outputs {
            let maker = format!("step {index} ('{}')", step.model);
            match model.signature.output(output) {
                Some(spec) => self.make(&path, tensor, Known::of(spec, model), &maker),
                None => self.problem(&path, format!("{maker}: the model has no output '{output}'")),
            }
        }
    }

    fn node(&mut self, index: usize, step: &Step, target: Target, model: &ModelSpec) -> Node {
        let path = &path_of_step(index);
        let who = format!("step {index} ('{}')", step.model);
        for input in &model.signature.inputs {
            if !input.is_optional && !step.inputs.contains_key(&input.name) {
                self.problem(
                    path,
                    format!("{who}: the model's input '{}' is not mapped", input.name),
                );
            }
        }
        let mut inputs = Vec::new();
        for (input, tensor) in &step.inputs {
            match (model.signature.input(input), self.tensors.get(tensor)) {
                (None, _) => self.problem(path, format!("{who}: the model has no input '{input}'")),
                (_, None) => self.problem(path, format!("{who}: nothing makes tensor '{tensor}'")),
                (Some(spec), Some(known)) => {
                    let (name, is_required) = (input.clone(), !spec.is_optional);
                    inputs.push(NodeInput { name, tensor: known.id, is_required });
                    let wanted = Known::of(spec, model);
                    if let Some(misfit) = misfit(known, &wanted) {
                        let text =
                            format!("{who}: input '{input}' gets tensor '{tensor}': {misfit}");
                        self.problem(path, text);
                    }
                }
            }
        }
        let outputs = step
            .outputs
            .iter()
            .filter_map(|(output, tensor)| Some((output.clone(), self.tensors.get(tensor)?.id)));
        let outputs = outputs.collect();
        let condition =
            step.condition.as_ref().and_then(|tensor| self.condition(path, &who, tensor));
        Node { target, label: who.into(), condition, inputs, outputs }
    }

    fn condition(&mut self, path: &str, who: &str, tensor: &Arc<str>) -> Option<TensorId> {
        let Some(known) = self.tensors.get(tensor) else {
            self.problem(path, format!("{who}: nothing makes its condition '{tensor}'"));
            return None;
        };
        let (id, data_type) = (known.id, known.spec.data_type);
        if !is_yes_or_no(data_type) {
            self.problem(
                path,
                format!(
                    "{who}: its condition '{tensor}' is {}, but BOOL or whole numbers are expected",
                    data_type.name()
                ),
            );
        }
        Some(id)
    }

    fn ensemble_outputs(&mut self) -> Vec<(Arc<str>, TensorId)> {
        let mut ids = Vec::new();
        for output in &self.spec.signature.outputs {
            let name = &output.name;
            match self.tensors.get(name) {
                None => self.problem("output", format!("no step makes the output '{name}'")),
                Some(known) => {
                    ids.push((name.clone(), known.id));
                    let is_optional = known.spec.is_optional;
                    let stated = Known::of(output, self.spec);
                    if is_optional {
                        self.problem(
                            "output",
                            format!(
                                "output '{name}' is an optional input, which clients may leave out"
                            ),
                        );
                    } else if let Some(misfit) = misfit(known, &stated) {
                        self.problem("output", format!("output '{name}': {misfit}"));
                    }
                }
            }
        }
        ids
    }

    fn ids<'n>(&self, names: impl Iterator<Item = &'n Arc<str>>) -> Vec<(Arc<str>, TensorId)> {
        names.filter_map(|name| Some((name.clone(), self.tensors.get(name)?.id))).collect()
    }

    /// Each node after those that make its inputs; what remains waits for itself.
    fn sorted(&mut self, mut nodes: Vec<Node>, inputs: &[(Arc<str>, TensorId)]) -> Vec<Node> {
        let mut is_made = vec![false; self.tensors.len()];
        for (_, tensor) in inputs {
            is_made[*tensor] = true;
        }
        let mut sorted = Vec::new();
        while let Some(next) =
            nodes.iter().position(|node| node.needs().all(|tensor| is_made[tensor]))
        {
            let node = nodes.remove(next);
            node.outputs.iter().for_each(|(_, tensor)| is_made[*tensor] = true);
            sorted.push(node);
        }
        if !nodes.is_empty() {
            let names: Vec<_> =
                nodes.iter().map(|node| format!("'{}'", node.target.model)).collect();
            self.problem(
                "ensemble_scheduling",
                format!("the steps {} wait for each other", names.join(", ")),
            );
        }
        sorted
    }

    fn finish(self) -> Result<(), Faults> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(Faults { ensemble: self.spec.name.clone(), list: self.problems })
    }
}

fn path_of_step(index: usize) -> String {
    format!("ensemble_scheduling.step[{index}]")
}

/// Whether elements of the type can say whether a step is run: 0 is no.
fn is_yes_or_no(data_type: DataType) -> bool {
    use DataType::{Bf16, Bytes, Fp16, Fp32, Fp64};
    !matches!(data_type, Bytes | Fp16 | Fp32 | Fp64 | Bf16)
}

/// Why a tensor can never be what is wanted, if it can't. Sizes that are open are checked with
/// each request.
fn misfit(made: &Known, wanted: &Known) -> Option<String> {
    if made.spec.data_type != wanted.spec.data_type {
        let (made, wanted) = (made.spec.data_type.name(), wanted.spec.data_type.name());
        return Some(format!("it is {made}, but {wanted} is expected"));
    }
    let full = |known: &Known| {
        let batch = known.is_batched.then_some(Dim::Any);
        batch.into_iter().chain(known.spec.dims.iter().copied()).collect::<Vec<_>>()
    };
    let (made, wanted) = (full(made), full(wanted));
    let admits = |(one, two): (&Dim, &Dim)| *one == Dim::Any || *two == Dim::Any || one == two;
    let fits = made.len() == wanted.len() && made.iter().zip(&wanted).all(admits);
    (!fits).then(|| {
        format!("its shape is {}, but {} is expected", dims_text(&made), dims_text(&wanted))
    })
}

#[cfg(test)]
mod tests;
