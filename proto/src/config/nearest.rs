//! Finds the name that the author probably meant.

/// Longer words are not compared: the comparison takes time in proportion to their lengths.
const WORD_BYTES_MAX: usize = 64;

/// The candidate closest to `word`, if one is close enough to be a slip of the pen: a third of
/// its letters at most, or only a prefix such as `TYPE_` is missing.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let score = |candidate: &str| {
        let candidate = candidate.to_ascii_lowercase();
        let is_tail = candidate.strip_suffix(&word).is_some_and(|head| head.ends_with('_'));
        if is_tail { 1 } else { distance(word.as_bytes(), candidate.as_bytes()) }
    };
    let best = candidates.into_iter().map(|candidate| (score(candidate), candidate)).min()?;
    (best.0 <= word.len().div_ceil(3)).then_some(best.1)
}

/// Levenshtein's edit distance: insertions, deletions and substitutions of one byte.
fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to) {
            let best = (diagonal + usize::from(a != b)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(from.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let check = |a: &str, b: &str, expected| {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
            assert_eq!(distance(b.as_bytes(), a.as_bytes()), expected, "{b} {a}");
        };
        check("", "", 0);
        check("", "abc", 3);
        check("dims", "dims", 0);
        check("dim", "dims", 1);
        check("kitten", "sitting", 3);
        check("max_batchsize", "max_batch_size", 1);
    }

    #[test]
    fn names() {
        let names = ["name", "max_batch_size", "TYPE_FP32", "TYPE_FP16", "KIND_CPU"];
        let check = |word: &str, expected| assert_eq!(nearest(word, names), expected, "{word}");
        check("max_batchsize", Some("max_batch_size"));
        check("Name", Some("name"));
        check("FP32", Some("TYPE_FP32"));
        check("cpu", Some("KIND_CPU"));
        check("zzzz", None);
        check(&"n".repeat(1000), None);
    }
}
