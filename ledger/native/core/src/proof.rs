//! Proofs of the RFC 9162 tree (§2.1.3, §2.1.4): made over leaf hashes, and the roots that they lead to.

use crate::Hash;
use crate::merkle::root;
use crate::sha256::hash_one;

/// Trees have fewer leaves than this.
pub const SIZE_MAX: u64 = (1 << 63) - 1;

/// Return the inclusion proof of a leaf (§2.1.3.1); None where there is no such leaf.
#[must_use]
pub fn prove_inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    let (mut part, mut at) = (leaves, index);
    (index < leaves.len()).then(|| {
        let mut proof = Vec::new();
        while part.len() > 1 {
            let (left, right) = part.split_at(split(part.len()));
            let other;
            (part, other) = if at < left.len() { (left, right) } else { (right, left) };
            at -= if at < left.len() { 0 } else { left.len() };
            proof.push(root(other, false));
        }
        proof.reverse();
        proof
    })
}

/// Return the proof that the tree of the first `size` leaves is a beginning of this one (§2.1.4.1); None where not
/// `0 < size <= leaves.len()`.
#[must_use]
pub fn prove_consistency(leaves: &[Hash], size: usize) -> Option<Vec<Hash>> {
    let (mut part, mut old) = (leaves, size);
    (0 < size && size <= leaves.len()).then(|| {
        let mut proof = Vec::new();
        // Where the shared subtree begins the tree it is the whole first tree: its root is known.
        let mut is_first = true;
        while old != part.len() {
            let (left, right) = part.split_at(split(part.len()));
            if old <= left.len() {
                proof.push(root(right, false));
                part = left;
            } else {
                proof.push(root(left, false));
                (part, old, is_first) = (right, old - left.len(), false);
            }
        }
        if !is_first {
            proof.push(root(part, false));
        }
        proof.reverse();
        proof
    })
}

/// Return the root that an inclusion proof leads to (§2.1.3.2); None where its length is not that of index and size.
#[must_use]
pub fn root_from_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size || size > SIZE_MAX {
        return None;
    }
    let (mut path, mut result) = (Path { first: index, last: size - 1 }, *leaf);
    for sibling in proof {
        result = if path.is_right()? { hash_pair(sibling, &result) } else { hash_pair(&result, sibling) };
        path.rise();
    }
    (path.last == 0).then_some(result)
}

/// Return both roots that a consistency proof leads to (§2.1.4.2); None where not `0 < size1 < size2`, or where the
/// proof's length is not that of both sizes.
#[must_use]
pub fn roots_from_consistency(size1: u64, root1: &Hash, size2: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    if size1 == 0 || size1 >= size2 || size2 > SIZE_MAX {
        return None;
    }
    // Where the first tree is perfect its root begins the path (step 2).
    let (start, rest) = if size1.is_power_of_two() { (root1, proof) } else { proof.split_first()? };
    let shared = (size1 - 1).trailing_ones();
    let mut path = Path { first: (size1 - 1) >> shared, last: (size2 - 1) >> shared };
    let (mut old, mut new) = (*start, *start);
    for sibling in rest {
        if path.is_right()? {
            (old, new) = (hash_pair(sibling, &old), hash_pair(sibling, &new));
        } else {
            new = hash_pair(&new, sibling);
        }
        path.rise();
    }
    (path.last == 0).then_some((old, new))
}

fn hash_pair(left: &Hash, right: &Hash) -> Hash {
    hash_one(1, &[left, right])
}

/// Where a node stands on its level, and where the level's last node does.
struct Path {
    first: u64,
    last: u64,
}

impl Path {
    /// Say whether the node's neighbour is to its left; None above the root. A last node without one goes up as it is.
    fn is_right(&mut self) -> Option<bool> {
        if self.last == 0 {
            return None;
        }
        let right = self.first % 2 == 1 || self.first == self.last;
        if right {
            let carried = if self.first == 0 { 0 } else { self.first.trailing_zeros() };
            self.first >>= carried;
            self.last >>= carried;
        }
        Some(right)
    }

    fn rise(&mut self) {
        self.first >>= 1;
        self.last >>= 1;
    }
}

/// The largest power of two below a size (§2.1.1); `size >= 2`.
fn split(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each proof of each tree up to a size leads to its roots; with a hash less or more, or one changed, to none or others.
    #[test]
    fn proofs_lead_to_their_roots() {
        let leaves: Vec<Hash> = (0..70_u32).map(|i| hash_one(0, &[&i.to_be_bytes()])).collect();
        for size in 1..=leaves.len() {
            let (tree, top) = (&leaves[..size], root(&leaves[..size], false));
            for index in 0..size {
                let mut proof = prove_inclusion(tree, index).unwrap();
                let check = |proof: &[Hash]| root_from_inclusion(&tree[index], index as u64, size as u64, proof);
                assert_eq!(check(&proof), Some(top), "{index} of {size}");
                for hash in 0..proof.len() {
                    proof[hash][7] ^= 1;
                    assert_ne!(check(&proof), Some(top));
                    proof[hash][7] ^= 1;
                }
                proof.push([0; 32]);
                assert_eq!(check(&proof), None);
                assert!(proof.len() < 2 || check(&proof[..proof.len() - 2]).is_none());
            }
            assert_eq!(prove_inclusion(tree, size), None);
            for old in 1..size {
                let mut proof = prove_consistency(tree, old).unwrap();
                let first = root(&tree[..old], false);
                let check = |proof: &[Hash]| roots_from_consistency(old as u64, &first, size as u64, proof);
                assert_eq!(check(&proof), Some((first, top)), "{old} and {size}");
                proof.push([0; 32]);
                assert_eq!(check(&proof), None);
                assert!(proof.len() < 2 || check(&proof[..proof.len() - 2]).is_none());
            }
            assert_eq!(prove_consistency(tree, size), Some(Vec::new()));
            assert_eq!(prove_consistency(tree, 0), None);
        }
    }

    /// Sizes up to the largest do not overflow.
    #[test]
    fn the_largest_trees() {
        assert_eq!(root_from_inclusion(&[0; 32], SIZE_MAX, SIZE_MAX, &[]), None);
        assert_eq!(root_from_inclusion(&[0; 32], 0, SIZE_MAX + 1, &[]), None);
        assert!(root_from_inclusion(&[0; 32], 0, SIZE_MAX, &[[1; 32]; 63]).is_some());
        assert!(roots_from_consistency(1, &[0; 32], SIZE_MAX, &[[1; 32]; 63]).is_some());
    }
}
