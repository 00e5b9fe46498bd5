//! Optimization profiles: ranges of shapes that a plan was built for. Which ones a model's instances use is stated by
//! `instance_group.profile`; the first, unless stated. Which of these runs a batch is Triton's rule: among those that
//! admit the shapes, the one whose best shapes are nearest, by the sum of the differences of all sizes
//! (`tensorrt_backend`, `GetMostOptimizedProfile`).

use nereid_backend::error::LoadError;
use nereid_backend::spec::Dim;

use crate::ports::Port;
use crate::sys::{Engine, Place};

/// One profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) index: i32,
    /// Of each input, in the engine's order.
    ranges: Vec<Range>,
}

/// The least, the best and the greatest shape of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    least: Vec<usize>,
    best: Vec<usize>,
    greatest: Vec<usize>,
}

impl Profile {
    /// All of an engine.
    ///
    /// # Errors
    /// When the library does not tell.
    pub(crate) fn all(engine: &Engine, inputs: &[Port]) -> Result<Vec<Self>, LoadError> {
        let count = engine.profile_count()?;
        (0..count).map(|index| Self::read(engine, inputs, index)).collect()
    }

    fn read(engine: &Engine, inputs: &[Port], index: i32) -> Result<Self, LoadError> {
        let shape = |port: &Port, place| {
            let dims = engine.profile_shape(&port.c_name, index, place)?;
            dims.shape().ok_or_else(|| {
                let name = &port.name;
                LoadError::new(format!("input '{name}': its shape in profile {index} is {dims:?}"))
            })
        };
        let range = |port: &Port| {
            Ok(Range {
                least: shape(port, Place::Least)?,
                best: shape(port, Place::Best)?,
                greatest: shape(port, Place::Greatest)?,
            })
        };
        let ranges = inputs.iter().map(range).collect::<Result<_, LoadError>>()?;
        Ok(Self { index, ranges })
    }

    /// Those of `all` that are stated, in that order; the first, if none is.
    ///
    /// # Errors
    /// When there is no such profile.
    pub(crate) fn chosen(all: &[Self], stated: &[usize]) -> Result<Vec<Self>, LoadError> {
        let stated = if stated.is_empty() { &[0] } else { stated };
        let choose = |&index: &usize| {
            all.get(index).cloned().ok_or_else(|| {
                let last = all.len().saturating_sub(1);
                LoadError::new(format!(
                    "instance_group.profile is {index}, but the plan has profiles 0 to {last}"
                ))
            })
        };
        stated.iter().map(choose).collect()
    }

    /// Most rows of a batch; `None` if an input has no first axis that may vary.
    pub(crate) fn rows_max(&self, inputs: &[Port]) -> Option<usize> {
        let is_batched = |port: &Port| port.dims.first() == Some(&Dim::Any);
        if !inputs.iter().all(is_batched) {
            return None;
        }
        self.ranges.iter().filter_map(|range| range.greatest.first().copied()).min()
    }

    /// How far the shapes of the inputs are from the best; `None` if they are not within the profile.
    pub(crate) fn distance(&self, shapes: &[&[usize]]) -> Option<usize> {
        let mut distance = 0_usize;
        for (range, shape) in self.ranges.iter().zip(shapes) {
            if range.least.len() != shape.len() {
                return None;
            }
            for (axis, size) in shape.iter().enumerate() {
                if !(range.least[axis]..=range.greatest[axis]).contains(size) {
                    return None;
                }
                distance = distance.saturating_add(range.best[axis].abs_diff(*size));
            }
        }
        Some(distance)
    }
}

/// As people read it: `profile 1: x [1,3] to [8,3]`.
pub(crate) fn describe(profile: &Profile, inputs: &[Port]) -> String {
    let ranges = inputs.iter().zip(&profile.ranges);
    let ranges = ranges
        .map(|(port, range)| format!("'{}' {:?} to {:?}", port.name, range.least, range.greatest));
    format!("profile {}: {}", profile.index, ranges.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(index: i32, ranges: &[[&[usize]; 3]]) -> Profile {
        let range = |[least, best, greatest]: &[&[usize]; 3]| Range {
            least: least.to_vec(),
            best: best.to_vec(),
            greatest: greatest.to_vec(),
        };
        Profile { index, ranges: ranges.iter().map(range).collect() }
    }

    #[test]
    fn distances() {
        let profile = profile(0, &[[&[1, 3], &[4, 3], &[8, 3]], [&[1], &[4], &[8]]]);
        let check = |shapes: &[&[usize]], expected| {
            assert_eq!(profile.distance(shapes), expected, "{shapes:?}");
        };
        check(&[&[4, 3], &[4]], Some(0));
        check(&[&[1, 3], &[1]], Some(6));
        check(&[&[8, 3], &[8]], Some(8));
        check(&[&[9, 3], &[8]], None);
        check(&[&[0, 3], &[1]], None);
        check(&[&[4, 4], &[4]], None);
        check(&[&[4], &[4]], None);
    }

    #[test]
    fn what_is_stated_is_chosen() {
        let all = [profile(0, &[]), profile(1, &[])];
        let chosen = |stated: &[usize]| {
            let chosen = Profile::chosen(&all, stated).map_err(|error| error.0)?;
            Ok::<_, String>(chosen.iter().map(|profile| profile.index).collect::<Vec<_>>())
        };
        assert_eq!(chosen(&[]), Ok(vec![0]));
        assert_eq!(chosen(&[1, 0]), Ok(vec![1, 0]));
        let expected = "instance_group.profile is 2, but the plan has profiles 0 to 1";
        assert_eq!(chosen(&[2]), Err(expected.into()));
    }
}
