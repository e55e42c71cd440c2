//! The Merkle root of leaves that are added one by one. A commit of any size takes the memory of at most 64 digests.
//! Pure.

use super::digests::{merkle_root, node};
use crate::values::Sha256Digest;

/// The tree of the leaves so far, as RFC 6962 divides them.
#[derive(Debug, Default)]
pub struct MerkleTree {
    /// Roots of full subtrees, the largest first: one for each bit that is set in the number of leaves.
    roots: Vec<Sha256Digest>,
    leaves: u64,
}

impl MerkleTree {
    /// Adds the next leaf.
    pub fn push(&mut self, leaf: Sha256Digest) {
        let mut root = leaf;
        // Like the carries of a binary counter: two subtrees of one size become one of twice the size.
        let mut carry = self.leaves;
        while carry % 2 == 1
            && let Some(left) = self.roots.pop()
        {
            root = node(left, root);
            carry /= 2;
        }
        self.roots.push(root);
        self.leaves += 1;
    }

    /// The root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Sha256Digest {
        let mut roots = self.roots.iter().rev().copied();
        match roots.next() {
            None => merkle_root(&[]),
            Some(smallest) => roots.fold(smallest, |right, left| node(left, right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_one_by_one_make_the_root_of_all_at_once() {
        let mut tree = MerkleTree::default();
        let mut leaves = Vec::new();
        assert_eq!(tree.root(), merkle_root(&leaves));
        for number in 0..=200_u8 {
            let leaf = Sha256Digest([number; 32]);
            leaves.push(leaf);
            tree.push(leaf);
            assert_eq!(tree.root(), merkle_root(&leaves), "{} leaves", leaves.len());
        }
    }
}
