//! The cost of validation does not multiply with each level of nesting.

use std::time::Duration;

use enact::prelude::*;
use serde_json::{Value, json};

use crate::{RUNTIME, TOKIO};

/// A node with a flattened part, and alternatives of each kind to nest in.
#[value]
struct Node {
    label: String,
    #[serde(flatten)]
    kind: Kind,
}

#[value]
#[serde(tag = "kind")]
enum Kind {
    Leaf { number: i64 },
    Flat { node: Box<Node> },
    Tagged(Content),
    Untagged { node: Either },
}

#[value]
struct Content {
    nodes: Vec<Node>,
    note: Option<String>,
}

#[value]
#[serde(untagged)]
enum Either {
    One { node: Box<Node> },
    Other(Box<Node>),
}

/// Take a deep value.
#[command]
struct Dive {
    node: Node,
}

#[command]
async fn dive(_: Dive) {}

fn nested(levels: u32, leaf: &Value) -> Value {
    (0..levels).fold(leaf.clone(), |node, level| match level % 3 {
        0 => json!({ "label": "l", "kind": "Flat", "node": node }),
        1 => json!({ "label": "l", "kind": "Tagged", "nodes": [node] }),
        _ => json!({ "label": "l", "kind": "Untagged", "node": node }),
    })
}

#[test]
fn r11_a_deep_value_is_validated_in_time() {
    let (tokio, runtime) = (TOKIO.handle(), &*RUNTIME);
    tokio.block_on(async {
        for (leaf, is_valid) in [
            (json!({ "label": "l", "kind": "Leaf", "number": 1 }), true),
            (json!({ "label": "l", "kind": "Leaf", "number": "one" }), false),
            (json!({ "label": "l", "kind": "Leaf", "number": 1, "zzz": 1 }), false),
        ] {
            let run = runtime.execute_json("Dive", json!({ "node": nested(90, &leaf) }));
            let run = tokio::time::timeout(Duration::from_secs(20), run.into_future()).await;
            assert_eq!(run.expect("it is validated in time").is_ok(), is_valid, "{leaf}");
        }
    });
}
