//! Files of keys that sign: made once, readable by their owner only, shared by replicas, read again while a bank runs. This
//! module does not know what the keys sign.

mod error;
mod file;
mod schedule;
mod set;
mod text;
mod watch;

pub use error::{KeyChangeError, KeyFileError, KeyNames};
pub(crate) use file::LockedKeyFile;
pub use schedule::KEY_WAIT_SECONDS;
pub(crate) use schedule::{TimedKey, seconds_after, signer, signs_at};
pub(crate) use set::{FileKey, check_set, key_to_retire, keys_of, read_keys};
pub(crate) use text::{KEY_BYTES, check_kid, key_bytes, key_bytes_to_text};
pub(crate) use watch::{LoadedKeys, UsableKeys, WatchedKeys};
