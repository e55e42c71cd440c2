//! Environment variables that begin with `FLORIN_`. An unknown one stops the program: otherwise a misspelt setting
//! would be ignored silently, and the bank would run with another setting than the intended one.

use std::env;

use clap::Command;

use super::nearest::nearest;

const PREFIX: &str = "FLORIN_";

/// Kubernetes sets variables with these prefixes in the containers beside a service that is called `florin`.
const SET_BY_OTHERS: [&str; 2] = ["FLORIN_PORT", "FLORIN_SERVICE_"];

/// A sentence for each such variable that is not a setting of this command line.
pub fn complaints(command: &Command) -> Vec<String> {
    let known: Vec<&str> = command
        .get_arguments()
        .filter_map(|argument| argument.get_env()?.to_str())
        .collect();
    let mut unknown: Vec<String> = env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with(PREFIX) && !known.contains(&name.as_str()))
        .filter(|name| !SET_BY_OTHERS.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    unknown.sort();
    unknown.iter().map(|name| complaint(name, &known)).collect()
}

fn complaint(name: &str, known: &[&str]) -> String {
    // Without the prefix: it is the same in all names, and would make any two of them similar.
    let rest = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let names: Vec<String> = known.iter().map(|name| rest(name)).collect();
    match nearest(&rest(name), names.iter().map(String::as_str)) {
        Some(right) => format!("there is no setting {name}; did you mean {PREFIX}{right}?"),
        None => format!("there is no setting {name}; `florin --help` lists them"),
    }
}
