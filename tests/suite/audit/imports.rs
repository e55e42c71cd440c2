//! Imports: those of actors who upload files, those of commands, and those that are refused.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use harness::activities::{Dirt, Feed};
use harness::{TestBank, on_every_backend};
use serde_json::json;
use service::imports::{ImportError, ImportOutcome, OnKnownContent, RunOptions};
use service::values::ImportKind;

use super::{calling, is_from_client, leaves_no_line, until_imported};

on_every_backend!(
    an_upload_leaves_a_line_with_its_actor,
    a_file_of_a_command_leaves_a_line_without_an_actor,
    a_content_that_is_known_leaves_a_line_with_its_import,
    a_refused_upload_leaves_no_line,
    an_upload_whose_line_cannot_be_written_leaves_no_file,
);

fn file(bank: &TestBank, name: &str, content: &str) -> PathBuf {
    let path = bank.database.folder.path().join(name);
    fs::write(&path, content).expect("a file can be written");
    path
}

async fn an_upload_leaves_a_line_with_its_actor(bank: Arc<TestBank>) {
    let operator = calling(&bank.operator_actor().await);
    let imports = &bank.services.imports;
    let (text, _) = Feed::new(1, 10, Dirt::Clean).text();
    let slot = imports
        .admit(ImportKind::Activities, None)
        .await
        .expect("there is room");
    let taken = imports
        .receive_upload(&operator, slot, "feed.csv", text.as_bytes())
        .await;
    let import = taken.expect("it is taken in");
    let line = bank.line_of("import.created").await;
    assert_eq!(
        (line.actor, line.api_key, line.person),
        (Some(operator.user), None, None)
    );
    line.expect_subject("import", import.id.0);
    is_from_client(&line);
    let after = json!({ "kind": "activities", "file": "feed.csv", "bytes": text.len() });
    assert_eq!((line.before, line.after), (None, Some(after)));
    until_imported(&bank).await;
}

async fn a_file_of_a_command_leaves_a_line_without_an_actor(bank: Arc<TestBank>) {
    let (text, _) = Feed::new(1, 10, Dirt::Clean).text();
    let path = file(&bank, "feed.csv", &text);
    let imports = &bank.services.imports;
    let outcome = imports
        .import_file(ImportKind::Activities, &path, RunOptions::default())
        .await;
    let import = match outcome {
        Ok(ImportOutcome::Finished(import)) => import,
        other => panic!("it is not finished: {other:?}"),
    };
    let line = bank.line_of("import.created").await;
    assert_eq!((line.actor, line.api_key, line.person), (None, None, None));
    line.expect_subject("import", import.id.0);
    line.expect_client(None, None, None);
    let after = json!({ "kind": "activities", "file": "feed.csv", "bytes": text.len() });
    assert_eq!((line.before, line.after), (None, Some(after)));
    // No import is made.
    let skip = RunOptions {
        on_known_content: OnKnownContent::Skip,
        ..RunOptions::default()
    };
    leaves_no_line(&bank, async || {
        let known = imports.import_file(ImportKind::Activities, &path, skip).await;
        assert!(matches!(known, Ok(ImportOutcome::SkippedAsKnown(_))), "{known:?}");
    })
    .await;
}

/// A content of transactions counts once, but each run has a row of its own.
async fn a_content_that_is_known_leaves_a_line_with_its_import(bank: Arc<TestBank>) {
    let text = "timestamp,type,payment_method,amount\n2026-01-05T03:00:00,deposit,wire,1\n";
    let path = file(&bank, "month.csv", text);
    let imports = &bank.services.imports;
    for runs in 1..=2 {
        let outcome = imports
            .import_file(ImportKind::Transactions, &path, RunOptions::default())
            .await;
        assert!(matches!(outcome, Ok(ImportOutcome::Finished(_))), "{outcome:?}");
        assert_eq!(bank.lines_of("import.created").await.len(), runs);
        let rows = bank.number("SELECT count(*) AS n FROM imports").await;
        assert_eq!(usize::try_from(rows).ok(), Some(runs));
    }
}

async fn a_refused_upload_leaves_no_line(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let imports = &bank.services.imports;
    let largest = usize::try_from(imports.upload_max_bytes()).expect("a test's limit is small");
    let large = vec![b'x'; largest + 1];
    leaves_no_line(&bank, async || {
        let slot = imports
            .admit(ImportKind::Activities, None)
            .await
            .expect("there is room");
        let refused = imports.receive_upload(&operator, slot, "large.csv", &large[..]).await;
        assert!(matches!(refused, Err(ImportError::TooLarge { .. })), "{refused:?}");
    })
    .await;
}

async fn an_upload_whose_line_cannot_be_written_leaves_no_file(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let imports = &bank.services.imports;
    bank.execute("ALTER TABLE audit_details RENAME TO elsewhere").await;
    let slot = imports
        .admit(ImportKind::Activities, None)
        .await
        .expect("there is room");
    let taken = imports.receive_upload(&operator, slot, "a.csv", &b"a,b\n"[..]).await;
    assert!(matches!(taken, Err(ImportError::Fault(_))), "{taken:?}");
    bank.execute("ALTER TABLE elsewhere RENAME TO audit_details").await;
    let uploads = fs::read_dir(bank.config.data_dir.join("uploads")).expect("the folder is there");
    let files = uploads.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let left: Vec<String> = files.filter(|name| name != ".id").collect();
    assert_eq!(left, Vec::<String>::new(), "the file of the upload is still there");
}
