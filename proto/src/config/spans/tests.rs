//! Where fields stand, by their paths.

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

fn shown(position: Option<Position>) -> String {
    position.map(|position| position.to_string()).unwrap_or_default()
}

#[test]
fn positions_of_fields() {
    let spans = parse(TEXT.as_bytes()).unwrap().spans;
    let check = |path: &str, expected| assert_eq!(shown(spans.get(path)), expected, "{path}");
    check("name", "2:1");
    check("input", "3:1");
    check("input[0]", "4:3");
    check("input[0].name", "4:5");
    check("input[0].dims", "4:15");
    check("input[0].dims[1]", "");
    check("input[1].dims", "6:5");
    check("input[2]", "8:1");
    check("input[2].reshape.shape", "8:29");
    check("input[3]", "");
    check("parameters[\"a.b[0]\"]", "9:1");
    check("parameters[\"a.b[0]\"].string_value", "11:12");
    check("parameters[\"é\"].string_value", "13:24");
    check("dynamic_batching.priority_queue_policy[7].max_queue_size", "14:59");
    check("metric_tags[\"k\"]", "15:1");
    check("parameters[0]", "");
    check("platform", "");
}

#[test]
fn the_nearest_that_is_named() {
    let spans = parse(TEXT.as_bytes()).unwrap().spans;
    let check = |path: &str, expected| assert_eq!(shown(spans.nearest(path)), expected, "{path}");
    check("name", "2:1");
    check("input[1].data_type", "5:3");
    check("input[0].dims[1]", "4:15");
    check("input[9].name", "3:1");
    check("input[2].reshape.shape[0]", "8:29");
    check("parameters[\"a.b[0]\"].nothing", "9:1");
    check("parameters[\"x.y\"].string_value", "9:1");
    check("dynamic_batching.default_queue_policy.max_queue_size", "14:1");
    check("output[0]", "");
    check("", "");
}
