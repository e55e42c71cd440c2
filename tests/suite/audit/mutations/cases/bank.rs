//! Imports, and the start of a server.

use std::fs;
use std::path::PathBuf;

use harness::activities::{Dirt, Feed};
use serde_json::json;
use service::imports::{ImportOutcome, OnKnownContent, RunOptions};
use service::values::ImportKind;

use crate::audit::mutations::Act;
use crate::audit::mutations::scene::Scene;

/// A feed with another content each time.
fn feed(scene: &Scene) -> String {
    Feed::new(1_000 + scene.number(), 10, Dirt::Clean).text().0
}

fn file(scene: &Scene) -> PathBuf {
    let name = format!("feed{}.csv", scene.number());
    let path = scene.bank.database.folder.path().join(name);
    fs::write(&path, feed(scene)).expect("a file can be written");
    path
}

fn import(scene: &Scene, path: PathBuf, options: RunOptions) -> Act {
    scene.act(|services| async move {
        let imports = &services.imports;
        imports.import_file(ImportKind::Activities, &path, options).await
    })
}

pub async fn imported(scene: &Scene) -> Act {
    import(scene, file(scene), RunOptions::default())
}

/// A content that was imported is left out.
pub async fn a_known_content_imported(scene: &Scene) -> Act {
    let path = file(scene);
    let imports = &scene.bank.services.imports;
    let known = imports
        .import_file(ImportKind::Activities, &path, RunOptions::default())
        .await;
    assert!(matches!(known, Ok(ImportOutcome::Finished(_))), "{known:?}");
    let skip = RunOptions {
        on_known_content: OnKnownContent::Skip,
        ..RunOptions::default()
    };
    import(scene, path, skip)
}

fn upload(scene: &Scene, content: String) -> Act {
    let by = scene.operator.clone();
    scene.act(|services| async move {
        let imports = &services.imports;
        let slot = imports.admit(ImportKind::Activities, None).await?;
        imports.receive_upload(&by, slot, "feed.csv", content.as_bytes()).await
    })
}

pub async fn uploaded(scene: &Scene) -> Act {
    upload(scene, feed(scene))
}

pub async fn uploaded_beyond_the_limit(scene: &Scene) -> Act {
    let largest = scene.services.imports.upload_max_bytes();
    let largest = usize::try_from(largest).expect("a test's limit is small");
    upload(scene, "x".repeat(largest + 1))
}

pub async fn started(scene: &Scene) -> Act {
    scene.act(|services| async move {
        let settings = json!({ "queue_max": 8192, "redis_url": null });
        services.ops.record_start(&settings).await
    })
}
