//! Receipts, heads and keys as files: what the commands read that check them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use service::receipts::{DOCUMENT_BYTES_MAX, KEY_SET_BYTES_MAX, TrustedKeys};
use service::values::Timestamp;

use super::table::visible;
use super::wrong_use::WrongUse;
use crate::wire::time_text;

/// The text of a receipt or a head.
pub fn read_document(path: &Path) -> Result<String, WrongUse> {
    read_text(path, DOCUMENT_BYTES_MAX)
}

/// The text of a file, or of standard input if the path is `-`. No more of it is read than shows that it is too large.
/// Bytes that are not UTF-8 become a character that no document has.
fn read_text(path: &Path, bytes_max: usize) -> Result<String, WrongUse> {
    let (mut bytes, limit) = (Vec::new(), bytes_max as u64 + 1);
    let read = if path == Path::new("-") {
        io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(WrongUse(format!("cannot read {}: {error}", shown(path)))),
    }
}

/// The keys in a file: what a bank answers at `/.well-known/florin-keys.json`.
pub fn read_keys(path: &Path) -> Result<TrustedKeys, WrongUse> {
    let parsed = TrustedKeys::parse(&read_text(path, KEY_SET_BYTES_MAX)?);
    parsed.map_err(|fault| {
        let why = visible(&fault.to_string());
        WrongUse(format!("cannot use the keys in {}: {why}", shown(path)))
    })
}

/// What a reader must know of a head that is signed with a retired key.
pub fn retired_key_note(retired_at: Timestamp) -> String {
    let at = time_text(retired_at);
    format!(
        "This key was retired at {at}. If it was stolen, the thief can sign with it too: compare this row of the journal \
         with a head that was published before the theft.\n"
    )
}

/// A path on one line.
pub fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}
