//! Connected regions of a mask, row by row: a region is what hangs together across sides and
//! corners of pixels (8-connectivity).

/// Column and row of a pixel.
pub(super) type Point = [i64; 2];

/// Pixels that are set, side by side in a row.
struct Run {
    y: usize,
    first: usize,
    last: usize,
    /// A run of the same region that came before, or itself.
    parent: usize,
}

/// The regions of a mask of `height` rows of `width` pixels; `read` writes row `y` of it. They come
/// in the order of their first pixels, at most `regions_max` of them. Each is told by the ends of
/// its runs, row by row from the left, which is enough for its outline.
pub(super) fn regions(
    (width, height): (usize, usize),
    regions_max: usize,
    mut read: impl FnMut(usize, &mut [bool]),
) -> Vec<Vec<Point>> {
    let mut runs: Vec<Run> = Vec::new();
    let mut row = vec![false; width];
    let mut above = 0; // Where the runs of the row above start.
    for y in 0..height {
        read(y, &mut row);
        let start = runs.len();
        find_runs(&row, y, &mut runs);
        join(&mut runs, above, start);
        above = start;
    }
    collect(&mut runs, regions_max)
}

fn find_runs(row: &[bool], y: usize, runs: &mut Vec<Run>) {
    let mut x = 0;
    while let Some(first) = row[x..].iter().position(|&is_set| is_set).map(|at| x + at) {
        let length = row[first..].iter().position(|&is_set| !is_set);
        let end = length.map_or(row.len(), |length| first + length);
        runs.push(Run { y, first, last: end - 1, parent: runs.len() });
        x = end;
    }
}

/// Joins the runs from `start` on with those of the row above, which begin at `above`.
fn join(runs: &mut [Run], mut above: usize, start: usize) {
    let row_above = above..start;
    for run in start..runs.len() {
        let (first, last) = (runs[run].first, runs[run].last);
        // A run above may touch several below, so only those that end before this one are passed.
        while above < row_above.end && runs[above].last + 1 < first {
            above += 1;
        }
        let mut other = above;
        while other < row_above.end && runs[other].first <= last + 1 {
            let (one, two) = (root(runs, run), root(runs, other));
            // The first run of a region is its root.
            runs[one.max(two)].parent = one.min(two);
            other += 1;
        }
    }
}

fn root(runs: &mut [Run], mut run: usize) -> usize {
    while runs[run].parent != run {
        runs[run].parent = runs[runs[run].parent].parent;
        run = runs[run].parent;
    }
    run
}

fn collect(runs: &mut [Run], regions_max: usize) -> Vec<Vec<Point>> {
    let mut regions: Vec<Vec<Point>> = Vec::new();
    let mut region_of = vec![usize::MAX; runs.len()];
    for index in 0..runs.len() {
        let root = root(runs, index);
        if root == index {
            region_of[index] = regions.len();
            if regions.len() < regions_max {
                regions.push(Vec::new());
            } else {
                region_of[index] = usize::MAX;
            }
        }
        let Some(region) = regions.get_mut(region_of[root]) else { continue };
        let Run { y, first, last, .. } = runs[index];
        let place = |x: usize| [x, y].map(|at| i64::try_from(at).unwrap_or(i64::MAX));
        region.push(place(first));
        if last > first {
            region.push(place(last));
        }
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of_mask(mask: &[bool], width: usize, regions_max: usize) -> Vec<Vec<Point>> {
        regions((width, mask.len() / width), regions_max, |y, row| {
            row.copy_from_slice(&mask[y * width..(y + 1) * width]);
        })
    }

    fn of_text(text: &str) -> Vec<Vec<Point>> {
        let lines: Vec<_> = text.split_whitespace().collect();
        let mask: Vec<_> = lines.concat().chars().map(|letter| letter == '#').collect();
        of_mask(&mask, lines[0].len(), 100)
    }

    #[test]
    fn regions_by_hand() {
        assert_eq!(of_text("... ..."), [] as [Vec<Point>; 0]);
        assert_eq!(of_text("#.# .#."), [[[0, 0], [2, 0], [1, 1]]]);
        assert_eq!(of_text("#.. ..#"), [[[0, 0]], [[2, 1]]]);
        // Two that join only in the last row, and one inside.
        let cup = of_text("#...# #.#.# #...# #####");
        assert_eq!(cup.len(), 2);
        assert_eq!(cup[1], [[2, 1]]);
        assert_eq!(of_mask(&[true, false, true, false, true], 5, 2), [[[0, 0]], [[2, 0]]]);
    }

    /// Fills from one pixel to the next, and gives each the number of its region.
    fn by_filling(mask: &[bool], width: usize) -> Vec<usize> {
        let mut numbers = vec![0; mask.len()];
        let mut count = 0;
        for start in 0..mask.len() {
            if !mask[start] || numbers[start] > 0 {
                continue;
            }
            count += 1;
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                if std::mem::replace(&mut numbers[at], count) > 0 {
                    continue;
                }
                let near = |one: usize, two: usize| one.abs_diff(two) <= 1;
                let is_next = |&to: &usize| {
                    mask[to] && near(at % width, to % width) && near(at / width, to / width)
                };
                open.extend((0..mask.len()).filter(is_next).filter(|&to| numbers[to] == 0));
            }
        }
        numbers
    }

    proptest! {
        #[test]
        fn equals_filling(mask in prop::collection::vec(any::<bool>(), 9 * 7)) {
            let numbers = by_filling(&mask, 9);
            let found = of_mask(&mask, 9, 100);
            prop_assert_eq!(found.len(), numbers.iter().copied().max().unwrap_or(0));
            for (index, region) in found.iter().enumerate() {
                for &[x, y] in region {
                    let at = usize::try_from(y * 9 + x).unwrap();
                    prop_assert_eq!(numbers[at], index + 1);
                }
                prop_assert!(region.is_sorted_by_key(|&[x, y]| [y, x]));
            }
        }
    }
}
