//! A misspelt or wrong setting stops the start, and the message names the right one.

use harness::program::{Ended, command};
use tempfile::TempDir;

use super::names_in;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

async fn with_variables(folder: &TempDir, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let mut command = command(folder.path()).await;
    command.envs(variables.iter().copied()).args(arguments);
    let output = command.output().await.expect("florin can be run");
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[tokio::test]
async fn a_misspelt_variable_stops_the_start_and_the_nearest_is_named() {
    for (wrong, sentence) in [
        ("FLORIN_LISTENN", "did you mean FLORIN_LISTEN?"),
        ("FLORIN_DATABSE_URL", "did you mean FLORIN_DATABASE_URL?"),
        ("FLORIN_DATABASE", "did you mean FLORIN_DATABASE_URL?"),
        ("FLORIN_DATA_FOLDER", "did you mean FLORIN_DATA_DIR?"),
        ("FLORIN_XYZ", "`florin --help` lists them"),
    ] {
        let folder = folder();
        let ended = with_variables(&folder, &[(wrong, "1")], &["migrate", "up"]).await;
        let expected = format!("florin: there is no setting {wrong}; {sentence}\n");
        assert_eq!((ended.status, ended.stderr), (Some(2), expected));
        assert_eq!(names_in(folder.path()), Vec::<String>::new(), "it makes no files");
    }
    let folder = folder();
    let two = [("FLORIN_LISTENN", "1"), ("FLORIN_CURENCY", "1")];
    let ended = with_variables(&folder, &two, &["openapi"]).await;
    assert_eq!((ended.status, ended.stderr.lines().count()), (Some(2), 2), "{ended:?}");
}

#[tokio::test]
async fn variables_that_kubernetes_sets_beside_a_service_are_let_be() {
    let folder = folder();
    let variables = [
        ("FLORIN_SERVICE_HOST", "10.0.0.1"),
        ("FLORIN_SERVICE_PORT", "8080"),
        ("FLORIN_SERVICE_PORT_HTTP", "8080"),
        ("FLORIN_PORT", "tcp://10.0.0.1:8080"),
        ("FLORIN_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("FLORINE", "a name"),
        ("FLORIN_LOG_FORMAT", "json"),
    ];
    let ended = with_variables(&folder, &variables, &["migrate", "up"]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[tokio::test]
async fn bad_values_stop_the_start_and_the_nearest_is_named() {
    for (name, value, right) in [
        ("FLORIN_LOG", "inof", "did you mean `info`?"),
        ("FLORIN_LOG", "info,florin::acces=off", "did you mean `florin::access`?"),
        (
            "FLORIN_LOG",
            "info,hyper=verbose",
            "error, warn, info, debug, trace, off",
        ),
        ("FLORIN_LOG_FORMAT", "jsn", "json"),
        (
            "FLORIN_CORS_ORIGINS",
            "app.example",
            "did you mean https://app.example?",
        ),
        (
            "FLORIN_CORS_ORIGINS",
            "https://good.example,https://app.example/page",
            "did you mean https://app.example?",
        ),
        ("FLORIN_LISTEN", "8080", "did you mean 127.0.0.1:8080?"),
        ("FLORIN_REPORTS", "publc", "public"),
    ] {
        let folder = folder();
        let ended = with_variables(&folder, &[(name, value)], &["migrate", "up"]).await;
        assert_eq!(ended.status, Some(2), "{name}={value}: {ended:?}");
        assert!(ended.stderr.contains(right), "{name}={value}: {}", ended.stderr);
        assert_eq!(names_in(folder.path()), Vec::<String>::new(), "it makes no files");
    }
}

/// Other programs use RUST_LOG as well, so a value that Florin cannot parse does not stop it.
#[tokio::test]
async fn a_strange_rust_log_is_no_reason_to_stop() {
    let folder = folder();
    let ended = with_variables(&folder, &[("RUST_LOG", "a=b=c")], &["migrate", "up"]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("RUST_LOG cannot be read"), "{ended:?}");
}
