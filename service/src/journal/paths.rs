//! The path from a leaf to the root of its commit's tree: the audit path of RFC 6962. Pure.

use super::digests::{divide, merkle_root, node};
use crate::values::Sha256Digest;

/// Where a sibling stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathSide {
    /// Left of the node that the path comes from.
    Left,
    /// Right of it.
    Right,
}

/// One step from a leaf up to the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MerkleStep {
    /// Where the sibling stands.
    pub side: PathSide,
    /// The sibling's digest.
    pub digest: Sha256Digest,
}

/// The siblings on the way from the leaf with this index to the root, the lowest first. The index is below the number of
/// leaves.
#[must_use]
pub fn path_of(leaves: &[Sha256Digest], index: usize) -> Vec<MerkleStep> {
    debug_assert!(index < leaves.len(), "the leaf is one of these");
    let (mut rest, mut index, mut path) = (leaves, index, Vec::new());
    while rest.len() > 1 {
        let (left, right) = divide(rest);
        let (side, sibling) = if index < left.len() {
            rest = left;
            (PathSide::Right, right)
        } else {
            rest = right;
            index -= left.len();
            (PathSide::Left, left)
        };
        let digest = merkle_root(sibling);
        path.push(MerkleStep { side, digest });
    }
    path.reverse();
    path
}

/// The root to which a path leads from this leaf.
#[must_use]
pub fn root_along(leaf: Sha256Digest, path: &[MerkleStep]) -> Sha256Digest {
    path.iter().fold(leaf, |below, step| match step.side {
        PathSide::Left => node(step.digest, below),
        PathSide::Right => node(below, step.digest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u8) -> Vec<Sha256Digest> {
        (0..count).map(|number| Sha256Digest([number; 32])).collect()
    }

    #[test]
    fn every_path_leads_to_the_root_and_to_no_other() {
        for count in 1..=70 {
            let leaves = leaves(count);
            let root = merkle_root(&leaves);
            for (index, leaf) in leaves.iter().enumerate() {
                let path = path_of(&leaves, index);
                assert_eq!(root_along(*leaf, &path), root, "leaf {index} of {count}");
                // The next power of two of 70 is 128.
                assert!(path.len() <= 7, "leaf {index} of {count}");
                let other = Sha256Digest([255; 32]);
                assert_ne!(root_along(other, &path), root, "leaf {index} of {count}");
                for step in 0..path.len() {
                    let mut changed = path.clone();
                    changed[step].digest = other;
                    assert_ne!(
                        root_along(*leaf, &changed),
                        root,
                        "leaf {index} of {count}, step {step}"
                    );
                    let mut turned = path.clone();
                    turned[step].side = match turned[step].side {
                        PathSide::Left => PathSide::Right,
                        PathSide::Right => PathSide::Left,
                    };
                    assert_ne!(root_along(*leaf, &turned), root, "leaf {index} of {count}, step {step}");
                }
            }
        }
    }

    #[test]
    fn a_path_belongs_to_its_leaf() {
        let leaves = leaves(21);
        let root = merkle_root(&leaves);
        for (index, leaf) in leaves.iter().enumerate() {
            for other in (0..leaves.len()).filter(|other| *other != index) {
                assert_ne!(
                    root_along(*leaf, &path_of(&leaves, other)),
                    root,
                    "leaf {index}, path of {other}"
                );
            }
        }
    }

    #[test]
    fn the_only_leaf_is_the_root() {
        let leaf = Sha256Digest([7; 32]);
        assert!(path_of(&[leaf], 0).is_empty());
        assert_eq!(root_along(leaf, &[]), leaf);
    }
}
