//! The keys that sign heads of the journal and receipts: how a file is made and kept, and how keys follow each other.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::thread;

use chrono::TimeDelta;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;
use service::keys::{KeyChangeError, KeyFileError};
use service::receipts::{
    JournalKeyReport, JournalKeyState, JournalKeys, JournalPublicKey, list_journal_keys, retire_journal_key,
    rotate_journal_keys,
};
use service::values::Timestamp;
use tempfile::TempDir;

/// A key file in a folder of its own.
struct KeyRoom {
    folder: TempDir,
    file: PathBuf,
}

impl KeyRoom {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("journal.key");
        Self { folder, file }
    }

    /// What a process has that starts at a time.
    fn open(&self, second: i64) -> JournalKeys {
        JournalKeys::open_or_create(&self.file, at(second)).expect("keys can be made")
    }

    fn rotate(&self, second: i64) -> Vec<JournalKeyReport> {
        rotate_journal_keys(&self.file, at(second)).expect("a key can be made")
    }

    fn retire(&self, kid: &str, second: i64) -> Vec<JournalKeyReport> {
        retire_journal_key(&self.file, kid, at(second)).expect("the key can be stopped")
    }

    fn list(&self, second: i64) -> Vec<JournalKeyReport> {
        list_journal_keys(&self.file, at(second)).expect("the key file can be read")
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).expect("the key file can be read")
    }

    /// Writes the file as another program might.
    fn write(&self, text: &str) {
        fs::write(&self.file, text).expect("a file can be written");
        self.set_mode(0o600);
    }

    fn set_mode(&self, mode: u32) {
        fs::set_permissions(&self.file, Permissions::from_mode(mode)).expect("the file is ours");
    }

    fn mode(&self) -> u32 {
        let metadata = fs::metadata(&self.file).expect("the key file is there");
        metadata.permissions().mode() & 0o777
    }

    /// The kids of the keys whose secrets the file has, the oldest first.
    fn with_secrets(&self) -> Vec<String> {
        let set: Value = serde_json::from_str(&self.text()).expect("the key file is JSON");
        let keys = set["keys"].as_array().expect("the file has keys");
        let secret = keys.iter().filter(|key| key["secret"].is_string());
        secret
            .map(|key| key["kid"].as_str().expect("a key has a kid").to_owned())
            .collect()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn kids(public: &[JournalPublicKey]) -> Vec<&str> {
    public.iter().map(|key| key.kid.as_str()).collect()
}

/// The kid of the key that signs at a time. The published half of that key verifies the signature, and no other does.
fn signer(keys: &JournalKeys, second: i64) -> String {
    let signed = keys.sign(b"a head", at(second));
    let signature = Signature::from_bytes(&signed.signature);
    let verifies = |key: &&JournalPublicKey| {
        let public = VerifyingKey::from_bytes(&key.public).expect("it is a key");
        public.verify_strict(b"a head", &signature).is_ok()
    };
    let public = keys.public();
    let verifying: Vec<&str> = public.iter().filter(verifies).map(|key| key.kid.as_str()).collect();
    assert_eq!(verifying, [signed.key_id.as_str()]);
    signed.key_id
}

#[test]
fn the_file_is_the_owners_only_and_is_kept() {
    let room = KeyRoom::new();
    let first = room.open(0);
    assert_eq!(room.mode(), 0o600);
    let before = room.text();
    let again = room.open(1_000);
    assert_eq!(room.text(), before);
    assert_eq!(again.public(), first.public());
    assert_eq!(signer(&again, 1_000), signer(&first, 0));
    // Replaced, it keeps its mode, here that of a secret which may only be read.
    room.set_mode(0o400);
    room.rotate(1_000);
    assert_eq!(room.mode(), 0o400);
    let names = fs::read_dir(room.folder.path()).expect("the folder can be read");
    assert_eq!(names.count(), 1, "no draft is left behind");
}

#[test]
fn a_link_stays_a_link() {
    let room = KeyRoom::new();
    room.open(0);
    let link = room.folder.path().join("link.key");
    symlink(&room.file, &link).expect("a link can be made");
    let keys = rotate_journal_keys(&link, at(0)).expect("a key can be made");
    assert!(link.is_symlink());
    assert_eq!(room.list(0), keys);
}

#[test]
fn processes_that_start_or_change_at_one_time_agree() {
    let room = KeyRoom::new();
    let started = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| room.open(0).public())).collect();
        let mut started: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().expect("no thread panics"))
            .collect();
        started.dedup();
        started
    });
    assert_eq!(started.len(), 1, "all who start at one time have the same key");
    let rotated = |_| match rotate_journal_keys(&room.file, at(0)) {
        Ok(_) => true,
        Err(KeyChangeError::Busy { .. }) => false,
        Err(other) => panic!("{other:?}"),
    };
    let made: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..10).filter(|number| rotated(*number)).count()))
            .collect();
        let made = threads
            .into_iter()
            .map(|thread| thread.join().expect("no thread panics"));
        made.sum()
    });
    assert!(made > 0);
    assert_eq!(room.list(0).len(), made + 1, "no key is lost");
}

#[test]
fn a_new_key_is_published_for_a_minute_before_it_signs() {
    let room = KeyRoom::new();
    let (here, there) = (room.open(0), room.open(0));
    let old = signer(&here, 1_000);
    let keys = room.rotate(1_000);
    let new = keys[0].key.kid.clone();
    assert_eq!(keys[0].state, JournalKeyState::Waiting { signs_at: at(1_060) });
    assert_eq!(keys[1].state, JournalKeyState::Signing);
    assert_eq!(kids(&here.public()), [old.as_str()], "the file was not read yet");
    assert!(here.reload().expect("it can be read") && there.reload().expect("it can be read"));
    assert!(!here.reload().expect("it can be read"), "it is read once");
    for process in [&here, &there, &room.open(1_030)] {
        assert_eq!(kids(&process.public()), [old.as_str(), new.as_str()]);
        for (second, expected) in [(1_000, &old), (1_059, &old), (1_060, &new), (1_000_000, &new)] {
            assert_eq!(signer(process, second), *expected, "at {second}");
        }
    }
    let states: Vec<JournalKeyState> = room.list(1_060).iter().map(|key| key.state).collect();
    assert_eq!(states, [JournalKeyState::Signing, JournalKeyState::Superseded]);
}

#[test]
fn a_retired_key_stays_published_and_never_signs() {
    let room = KeyRoom::new();
    let (here, there) = (room.open(0), room.open(0));
    let old = signer(&here, 0);
    let new = room.rotate(1_000)[0].key.kid.clone();
    let retired = room.retire(&old, 1_010);
    assert_eq!(retired[0].state, JournalKeyState::Signing, "it is the only one");
    assert_eq!(retired[1].state, JournalKeyState::Retired { at: at(1_010) });
    assert_eq!(room.with_secrets(), [new.as_str()]);
    assert_eq!(signer(&here, 1_010), old, "the file was not read yet");
    here.reload().expect("it can be read");
    there.reload().expect("it can be read");
    for process in [here, there, room.open(2_000)] {
        let public = process.public();
        assert_eq!(kids(&public), [old.as_str(), new.as_str()]);
        assert_eq!([public[0].retired_at, public[1].retired_at], [Some(at(1_010)), None]);
        for second in [-1_000, 0, 1_000, 1_010, 1_000_000] {
            assert_eq!(signer(&process, second), new, "at {second}");
        }
    }
    assert_eq!(room.retire(&old, 3_000), room.list(3_000), "it is stopped already");
    assert_eq!(room.list(3_000)[1].key.retired_at, Some(at(1_010)));
}

#[test]
fn a_superseded_key_stays_published_and_loses_its_secret() {
    let room = KeyRoom::new();
    let first = signer(&room.open(0), 0);
    let second = room.rotate(1_000)[0].key.kid.clone();
    let third = room.rotate(1_119)[0].key.kid.clone();
    assert_eq!(
        room.with_secrets().len(),
        3,
        "another replica may still sign with the first"
    );
    let fourth = room.rotate(1_120)[0].key.kid.clone();
    assert_eq!(room.with_secrets(), [second.as_str(), third.as_str(), fourth.as_str()]);
    room.retire(&third, 2_000);
    assert_eq!(room.with_secrets(), [fourth.as_str()]);
    let keys = room.open(2_000);
    let all = [&first, &second, &third, &fourth].map(String::as_str);
    assert_eq!(kids(&keys.public()), all);
    for second in [0, 1_000, 2_000] {
        assert_eq!(signer(&keys, second), fourth);
    }
    // What is known too late is said all the same.
    room.retire(&first, 3_000);
    assert_eq!(room.open(3_000).public()[0].retired_at, Some(at(3_000)));
}

#[test]
fn a_key_that_must_stay_is_not_retired() {
    let room = KeyRoom::new();
    let only = signer(&room.open(0), 0);
    let refused = |kid: &str| retire_journal_key(&room.file, kid, at(0)).expect_err("it must stay");
    assert!(matches!(refused(&only), KeyChangeError::Newest { .. }));
    assert!(matches!(refused("nothing"), KeyChangeError::Unknown { .. }));
    let newest = room.rotate(0)[0].key.kid.clone();
    assert!(matches!(refused(&newest), KeyChangeError::Newest { .. }));
    room.retire(&only, 0);
    assert!(matches!(refused(&newest), KeyChangeError::Newest { .. }));
}

#[test]
fn a_full_file_takes_no_more_keys() {
    let room = KeyRoom::new();
    room.open(0);
    let mut set: Value = serde_json::from_str(&room.text()).expect("the key file is JSON");
    let mut old = set["keys"][0].clone();
    old.as_object_mut().expect("a key is an object").remove("secret");
    let keys = set["keys"].as_array_mut().expect("the file has keys");
    for number in 0..1_022 {
        old["kid"] = Value::from(format!("old-{number}"));
        keys.insert(0, old.clone());
    }
    room.write(&set.to_string());
    assert_eq!(room.rotate(0).len(), 1_024);
    let before = room.text();
    let refused = rotate_journal_keys(&room.file, at(0)).expect_err("it is full");
    assert!(matches!(refused, KeyChangeError::Full { most: 1_024 }), "{refused:?}");
    assert_eq!(room.text(), before);
    assert_eq!(room.open(0).public().len(), 1_024);
}

#[test]
fn a_file_that_cannot_be_used_changes_nothing() {
    let room = KeyRoom::new();
    let keys = room.open(0);
    let (kid, text) = (signer(&keys, 0), room.text());
    let refused = || keys.reload().expect_err("it cannot be used");
    let too_large = format!("{text}{}", " ".repeat(512 * 1024));
    for damaged in ["", "short", "{\"keys\":[]}", &text[..text.len() / 2], &too_large] {
        room.write(damaged);
        assert!(matches!(refused(), KeyFileError::Malformed { .. }));
        let opened = JournalKeys::open_or_create(&room.file, at(0)).expect_err("it cannot be used");
        assert!(matches!(opened, KeyFileError::Malformed { .. }), "{opened:?}");
        assert_eq!(room.text(), damaged, "it is not made anew");
    }
    room.write(&text);
    for exposed in [0o644, 0o604, 0o602, 0o620] {
        room.set_mode(exposed);
        assert!(matches!(refused(), KeyFileError::Exposed { mode, .. } if mode == exposed));
        let opened = JournalKeys::open_or_create(&room.file, at(0)).expect_err("others may use it");
        assert!(matches!(opened, KeyFileError::Exposed { .. }), "{opened:?}");
        let rotated = rotate_journal_keys(&room.file, at(0)).expect_err("others may use it");
        assert!(matches!(rotated, KeyChangeError::File(KeyFileError::Exposed { .. })));
    }
    fs::remove_file(&room.file).expect("a file can be removed");
    assert!(matches!(refused(), KeyFileError::Missing { .. }));
    assert!(list_journal_keys(&room.file, at(0)).is_err() && !room.file.exists());
    let opened = JournalKeys::open(&room.file).expect_err("it is not there");
    assert!(matches!(opened, KeyFileError::Missing { .. }) && !room.file.exists());
    assert_eq!(signer(&keys, 0), kid, "the process goes on with the keys that it has");
    room.write(&text);
    assert!(
        !keys.reload().expect("it can be read"),
        "these are the keys that it has"
    );
}

/// One file in the place of the other must not become keys with two uses.
#[test]
fn keys_of_access_tokens_are_no_keys_of_the_journal() {
    use service::config::TokenAlgorithm;
    use service::identity::KeySet;

    let room = KeyRoom::new();
    KeySet::open_or_create(&room.file, TokenAlgorithm::EdDsa, at(0)).expect("keys can be made");
    let refused = JournalKeys::open_or_create(&room.file, at(0)).expect_err("they are of tokens");
    assert!(matches!(refused, KeyFileError::Malformed { .. }), "{refused:?}");
    let other = KeyRoom::new();
    other.open(0);
    let refused = KeySet::open_or_create(&other.file, TokenAlgorithm::EdDsa, at(0)).err();
    assert!(matches!(refused, Some(KeyFileError::Malformed { .. })), "{refused:?}");
}

#[test]
fn secrets_are_not_shown() {
    let room = KeyRoom::new();
    let keys = room.open(0);
    let set: Value = serde_json::from_str(&room.text()).expect("the key file is JSON");
    let secret = set["keys"][0]["secret"].as_str().expect("the key has its secret");
    let shown = format!("{keys:?} {:?} {:?}", keys.public(), room.list(0));
    assert!(shown.contains("journal.key"), "{shown}");
    assert!(!shown.contains(secret) && !shown.contains("secret"), "{shown}");
    room.write(&room.text().replace("created_at", "made_at"));
    let refused = keys.reload().expect_err("it cannot be used");
    assert!(!format!("{refused:?} {refused}").contains(secret), "{refused:?}");
}
