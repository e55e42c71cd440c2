//! The diagram of modules in ARCHITECTURE.md, drawn from the table that the layering test enforces.

use std::fs;

use crate::layering::{MAY_USE, PRODUCT, depends_on, root};

/// Modules that are no domain. Any module may use them as the table says, and their arrows would hide the others.
const FOUNDATION: [&str; 12] = [
    "actor",
    "backoff",
    "characters",
    "clock",
    "config",
    "db",
    "keys",
    "page",
    "redis",
    "tls",
    "values",
    "workers",
];

fn drawn() -> String {
    let mut lines = vec!["flowchart TD".to_owned()];
    for from in PRODUCT {
        let on = PRODUCT.iter().filter(|to| depends_on(from, to));
        lines.extend(on.map(|to| format!("    {from} --> {to}")));
    }
    lines.push("    subgraph service".to_owned());
    for (module, may_use) in MAY_USE.iter().filter(|(module, _)| !FOUNDATION.contains(module)) {
        lines.push(format!("        {module}"));
        let used = may_use.iter().filter(|used| !FOUNDATION.contains(used));
        lines.extend(used.map(|used| format!("        {module} --> {used}")));
    }
    lines.push("    end".to_owned());
    lines.join("\n")
}

#[test]
fn the_picture_of_the_house_shows_its_allowed_arrows() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is an ARCHITECTURE.md");
    let picture = text
        .split("```mermaid\n")
        .nth(1)
        .and_then(|rest| rest.split("\n```").next());
    assert_eq!(picture, Some(&*drawn()), "it should be:\n\n{}\n", drawn());
}
