use super::super::{Position, parse};

const TEXT: &str = "\
# A comment.
name: 'm'
input [
  { name: 'a' dims: [ 1, 2 ] },
  { name: 'b'
    dims: 3 }
]
input { name: 'c' reshape { shape: [] } }
parameters {
  key: 'a.b[0]'
  value: { string_value: 'x' }
}
parameters [ { value { string_value: 'y' } key: 'é' } ]
dynamic_batching { priority_queue_policy { key: 7 value { max_queue_size: 1 } } }
metric_tags { key: 'k' value: 'old' }
metric_tags { key: 'k' value: 'new' }
";

fn at(line: usize, column: usize) -> Option<Position> {
    Some(Position { line, column })
}

#[test]
fn positions_of_fields() {
    let spans = parse(TEXT.as_bytes()).unwrap().spans;
    let check = |path: &str, expected| assert_eq!(spans.get(path), expected, "{path}");
    check("name", at(2, 1));
    check("input", at(3, 1));
    check("input[0]", at(4, 3));
    check("input[0].name", at(4, 5));
    check("input[0].dims", at(4, 15));
    check("input[0].dims[1]", None);
    check("input[1].dims", at(6, 5));
    check("input[2]", at(8, 1));
    check("input[2].reshape.shape", at(8, 29));
    check("input[3]", None);
    check("parameters[\"a.b[0]\"]", at(9, 1));
    check("parameters[\"a.b[0]\"].string_value", at(11, 12));
    check("parameters[\"é\"].string_value", at(13, 24));
    check("dynamic_batching.priority_queue_policy[7].max_queue_size", at(14, 59));
    // Of two entries with the same key the later one counts.
    check("metric_tags[\"k\"]", at(16, 1));
    check("parameters[0]", None);
    check("platform", None);
}

#[test]
fn the_nearest_that_is_named() {
    let spans = parse(TEXT.as_bytes()).unwrap().spans;
    let check = |path: &str, expected| assert_eq!(spans.nearest(path), expected, "{path}");
    check("name", at(2, 1));
    check("input[1].data_type", at(5, 3));
    check("input[0].dims[1]", at(4, 15));
    check("input[9].name", at(3, 1));
    check("input[2].reshape.shape[0]", at(8, 29));
    check("parameters[\"a.b[0]\"].nothing", at(9, 1));
    check("parameters[\"x.y\"].string_value", at(9, 1));
    check("dynamic_batching.default_queue_policy.max_queue_size", at(14, 1));
    check("output[0]", None);
    check("", None);
}
