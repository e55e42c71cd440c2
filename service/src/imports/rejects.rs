//! Writes the rejected lines to a CSV, so that operators can correct them: file, line number, reason, and the line
//! itself.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::counts::SkipReason;

/// A file of rejected lines, shared by the imports of one run. Cloning it clones a handle.
#[derive(Clone)]
pub struct Rejects(Arc<Mutex<Writer>>);

struct Writer {
    csv: csv::Writer<File>,
    file: String,
    /// The offset in the imported file up to which its rejected lines are written. Reading may begin again, and must
    /// not write a line twice.
    written_to: u64,
}

/// One rejected line.
pub(super) struct Reject<'a> {
    pub line: u64,
    pub reason: SkipReason,
    pub raw: &'a [u8],
    /// The offset behind the line.
    pub to: u64,
}

impl Rejects {
    /// Creates the file, or empties it, and writes the header.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut csv = csv::Writer::from_path(path).map_err(io::Error::from)?;
        csv.write_record(["file", "line", "reason", "row"])?;
        Ok(Self(Arc::new(Mutex::new(Writer {
            csv,
            file: String::new(),
            written_to: 0,
        }))))
    }

    /// Writes what is buffered.
    pub fn finish(&self) -> io::Result<()> {
        self.lock().csv.flush()
    }

    pub(super) fn begin(&self, file: &str) {
        let mut writer = self.lock();
        file.clone_into(&mut writer.file);
        writer.written_to = 0;
    }

    pub(super) fn write(&self, reject: &Reject<'_>) -> io::Result<()> {
        let writer = &mut *self.lock();
        if reject.to > writer.written_to {
            writer.written_to = reject.to;
            let line = reject.line.to_string();
            let fields = [
                writer.file.as_bytes(),
                line.as_bytes(),
                reject.reason.as_bytes(),
                reject.raw,
            ];
            writer.csv.write_record(fields)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        // This lock has no poisoning: a panic while it was held left half a line at worst.
        self.0.lock()
    }
}
