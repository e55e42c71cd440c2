//! The leaves of recently requested commits. A commit's leaves never change, since its rows are written once.

use std::future::Future;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::feed::Mark;
use crate::values::Sha256Digest;

/// The most bytes of leaves that are kept; beyond it the least used are evicted.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How many commits that may be: of a busy bank each has hundreds of leaves.
const COMMITS_EXPECTED: usize = 1_024;
/// What a commit takes beside its leaves.
const COMMIT_BYTES: u64 = 128;

/// The leaves of a commit, in the order of their ids.
pub(super) type CommitLeaves = Arc<[Sha256Digest]>;

/// A row of the journal, by its number and its digest: a database that went back to an earlier state may get another row
/// with the same number.
type RowKey = (i64, Sha256Digest);

/// Leaves by the row of the journal that they make up.
pub(super) struct LeafCache(Cache<RowKey, CommitLeaves, LeafBytes>);

/// About how many bytes a commit takes.
#[derive(Clone)]
struct LeafBytes;

impl Weighter<RowKey, CommitLeaves> for LeafBytes {
    fn weight(&self, _: &RowKey, leaves: &CommitLeaves) -> u64 {
        COMMIT_BYTES + size_of_val::<[Sha256Digest]>(leaves) as u64
    }
}

impl LeafCache {
    pub fn new() -> Self {
        Self(Cache::with_weighter(COMMITS_EXPECTED, BYTES_MAX, LeafBytes))
    }

    /// The leaves of a row, from memory or as `read` gives them. Requests that ask for one row at the same time wait for
    /// the first one. What cannot be read is not kept.
    pub async fn get_or_read<E>(
        &self,
        row: Mark,
        read: impl Future<Output = Result<Vec<Sha256Digest>, E>>,
    ) -> Result<CommitLeaves, E> {
        let key = (row.number, row.digest);
        self.0
            .get_or_insert_async(&key, async { read.await.map(CommitLeaves::from) })
            .await
    }
}
