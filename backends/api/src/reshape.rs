//! Clients and the engine may see the same elements under other axes: `reshape` in `config.pbtxt`.
//!
//! The rules are Triton's. Both shapes have equally many axes of any size, whose sizes go over in
//! their order, and as many elements before, between and after them; so the elements stay where
//! they are, and only the shape is another. The batch axis stays in front of both.

use std::fmt;
use std::sync::Arc;

use crate::parts::Tensors;
use crate::spec::{Dim, ModelSpec, TensorSpec};
use crate::tensor::Tensor;

/// How the tensors of a model are reshaped; those that are not are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape {
    inputs: Vec<(Arc<str>, Axes)>,
    outputs: Vec<(Arc<str>, Axes)>,
    is_batched: bool,
}

impl Reshape {
    /// That of a model; `None` if none of its tensors is reshaped.
    pub fn of(spec: &ModelSpec) -> Option<Self> {
        let one = |tensor: &TensorSpec| {
            let (client, engine) = (tensor.dims.clone(), tensor.reshape.clone()?);
            Some((tensor.name.clone(), Axes { client, engine }))
        };
        let inputs: Vec<_> = spec.signature.inputs.iter().filter_map(one).collect();
        let outputs: Vec<_> = spec.signature.outputs.iter().filter_map(one).collect();
        let is_any = !inputs.is_empty() || !outputs.is_empty();
        is_any.then_some(Self { inputs, outputs, is_batched: spec.is_batched })
    }

    /// Gives inputs the engine's axes.
    pub fn inputs(&self, tensors: &mut Tensors) {
        self.each(&self.inputs, tensors, |axes| (&axes.client, &axes.engine));
    }

    /// Gives outputs the clients' axes. One that does not have the engine's stays as it is.
    pub fn outputs(&self, tensors: &mut Tensors) {
        self.each(&self.outputs, tensors, |axes| (&axes.engine, &axes.client));
    }

    fn each(
        &self,
        reshaped: &[(Arc<str>, Axes)],
        tensors: &mut Tensors,
        from_to: impl Fn(&Axes) -> (&[Dim], &[Dim]),
    ) {
        for (name, tensor) in tensors {
            if let Some((_, axes)) = reshaped.iter().find(|(key, _)| key == name) {
                let (from, to) = from_to(axes);
                if let Some(other) = self.reshaped(tensor, from, to) {
                    *tensor = other;
                }
            }
        }
    }

    fn reshaped(&self, tensor: &Tensor, from: &[Dim], to: &[Dim]) -> Option<Tensor> {
        let (batch, inner) = tensor.shape().split_at_checked(usize::from(self.is_batched))?;
        let fits = inner.len() == from.len()
            && from.iter().zip(inner).all(|(dim, size)| dim.admits(*size));
        let sizes = from.iter().zip(inner).filter(|(dim, _)| **dim == Dim::Any);
        let mut sizes = sizes.map(|(_, size)| *size);
        let mut shape = batch.to_vec();
        for dim in to {
            shape.push(match dim {
                Dim::Fixed(size) => *size,
                Dim::Any => sizes.next()?,
            });
        }
        if fits { tensor.reshaped(shape) } else { None }
    }
}

/// Both shapes of one tensor, without the batch axis.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Axes {
    client: Vec<Dim>,
    engine: Vec<Dim>,
}

/// Why two shapes are not the same elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// They have different numbers of axes of any size.
    Variable,
    /// They have different numbers of elements.
    Elements,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Variable => "they have different numbers of axes of any size (-1)",
            Self::Elements => {
                "they have different numbers of elements before, between or after the axes of any \
                 size (-1)"
            }
        })
    }
}

/// Whether tensors of one shape can have the other.
///
/// # Errors
/// Why they cannot.
pub fn check(dims: &[Dim], reshape: &[Dim]) -> Result<(), Misfit> {
    // The elements between two axes of any size; `None` if they are too many to count.
    let parts = |dims: &[Dim]| -> Vec<Option<usize>> {
        let product = |part: &[Dim]| {
            part.iter().try_fold(1usize, |product, dim| match dim {
                Dim::Fixed(size) => product.checked_mul(*size),
                Dim::Any => None,
            })
        };
        dims.split(|dim| *dim == Dim::Any).map(product).collect()
    };
    let (dims, reshape) = (parts(dims), parts(reshape));
    if dims.len() != reshape.len() {
        return Err(Misfit::Variable);
    }
    let is_same = dims.iter().zip(&reshape).all(|(one, other)| one.is_some() && one == other);
    if is_same { Ok(()) } else { Err(Misfit::Elements) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_type::DataType;
    use crate::spec::{EngineOptions, Signature};

    fn dims(wire: &[i64]) -> Vec<Dim> {
        wire.iter().map(|&dim| Dim::from_wire(dim).unwrap()).collect()
    }

    #[test]
    fn both_shapes_are_the_same_elements() {
        let same = |one: &[i64], other: &[i64], expected: Result<(), Misfit>| {
            assert_eq!(check(&dims(one), &dims(other)), expected, "{one:?} {other:?}");
            assert_eq!(check(&dims(other), &dims(one)), expected, "{other:?} {one:?}");
        };
        same(&[1], &[], Ok(()));
        same(&[4, 6], &[2, 12], Ok(()));
        same(&[-1, 4, 6], &[1, -1, 24], Ok(()));
        same(&[2, -1, 3, 2, -1], &[2, 1, -1, 6, -1, 1], Ok(()));
        same(&[2], &[], Err(Misfit::Elements));
        same(&[-1], &[-1, -1], Err(Misfit::Variable));
        same(&[-1], &[4], Err(Misfit::Variable));
        same(&[2, -1], &[-1, 2], Err(Misfit::Elements));
        same(&[i64::MAX, i64::MAX], &[i64::MAX, i64::MAX], Err(Misfit::Elements));
    }

    fn spec(is_batched: bool) -> ModelSpec {
        let tensor = |name, of: &[i64], reshape: Option<&[i64]>| TensorSpec {
            reshape: reshape.map(dims),
            ..TensorSpec::new(name, DataType::Int32, dims(of))
        };
        ModelSpec {
            name: "m".into(),
            version: 1,
            file: std::path::PathBuf::new(),
            signature: Signature {
                inputs: vec![tensor("a", &[-1, 6], Some(&[-1, 2, 3])), tensor("b", &[-1], None)],
                outputs: vec![tensor("c", &[1], Some(&[]))],
                ..Signature::default()
            },
            is_batched,
            rows_max: 4,
            parameters: std::collections::BTreeMap::new(),
            engine: EngineOptions::default(),
            instances: Vec::new(),
        }
    }

    fn tensor(shape: &[usize]) -> Tensor {
        Tensor::from_values(shape.to_vec(), vec![7; shape.iter().product()]).unwrap()
    }

    #[test]
    fn elements_stay_where_they_are() {
        for is_batched in [false, true] {
            let reshape = Reshape::of(&spec(is_batched)).unwrap();
            let with_rows = |inner: &[usize]| -> Vec<usize> {
                is_batched.then_some(3).into_iter().chain(inner.iter().copied()).collect()
            };
            let sent = [tensor(&with_rows(&[5, 6])), tensor(&with_rows(&[4]))];
            let mut inputs: Tensors =
                vec![("a".into(), sent[0].clone()), ("b".into(), sent[1].clone())];
            reshape.inputs(&mut inputs);
            assert_eq!(inputs[0].1.shape(), with_rows(&[5, 2, 3]));
            assert_eq!(inputs[1].1.shape(), with_rows(&[4]));
            assert_eq!(inputs[0].1.host().unwrap().as_ptr(), sent[0].host().unwrap().as_ptr());
            let mut outputs: Tensors = vec![("c".into(), tensor(&with_rows(&[])))];
            reshape.outputs(&mut outputs);
            assert_eq!(outputs[0].1.shape(), with_rows(&[1]));
        }
    }

    #[test]
    fn what_the_engine_did_not_promise_stays() {
        let reshape = Reshape::of(&spec(true)).unwrap();
        let mut outputs: Tensors = vec![("c".into(), tensor(&[2, 2]))];
        reshape.outputs(&mut outputs);
        assert_eq!(outputs[0].1.shape(), [2, 2]);
    }

    #[test]
    fn the_engine_has_its_own_axes() {
        let engine = spec(true).as_the_engine_has_it();
        let shapes =
            [&engine.signature.inputs[0], &engine.signature.outputs[0]].map(|it| it.dims.clone());
        assert_eq!(shapes, [dims(&[-1, 2, 3]), dims(&[])]);
        assert_eq!(Reshape::of(&engine), None);
    }
}
