//! A proof leads to what the specification's recursion says, whatever proof it is; and what is proved is right.

#![no_main]

use fengtu_core::merkle::root;
use fengtu_core::proof::{SIZE_MAX, prove_consistency, prove_inclusion, root_from_inclusion, roots_from_consistency};
use fengtu_core::sha256::hash_one;
use fengtu_core::{Hash, edge};
use libfuzzer_sys::fuzz_target;

fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// RFC 9162 §2.1.3.1, read backwards.
fn slow_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if size == 1 {
        return proof.is_empty().then_some(leaf);
    }
    let (last, rest) = proof.split_last()?;
    let left = split(size);
    Some(if index < left {
        hash_one(1, &[&slow_inclusion(leaf, index, left, rest)?, last])
    } else {
        hash_one(1, &[last, &slow_inclusion(leaf, index - left, size - left, rest)?])
    })
}

/// RFC 9162 §2.1.4.1, read backwards.
fn slow_consistency(root1: Hash, size1: u64, size2: u64, proof: &[Hash], whole: bool) -> Option<(Hash, Hash)> {
    if size1 == size2 {
        return match proof {
            [] if whole => Some((root1, root1)),
            [one] if !whole => Some((*one, *one)),
            _ => None,
        };
    }
    let (last, rest) = proof.split_last()?;
    let left = split(size2);
    if size1 <= left {
        let (old, new) = slow_consistency(root1, size1, left, rest, whole)?;
        Some((old, hash_one(1, &[&new, last])))
    } else {
        let (old, new) = slow_consistency(root1, size1 - left, size2 - left, rest, false)?;
        Some((hash_one(1, &[last, &old]), hash_one(1, &[last, &new])))
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((numbers, data)) = data.split_first_chunk::<16>() else { return };
    let [one, other] = [&numbers[..8], &numbers[8..]].map(|bytes| bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b)));
    let (hashes, _) = data.as_chunks::<4>();
    let hashes: Vec<Hash> = hashes.iter().map(|bytes| hash_one(0, &[bytes])).collect();
    let leaf = [7; 32];

    for shift in [0, 8, 40, 56] {
        let (index, size) = (one >> shift, other >> shift);
        let slow = if index < size && size <= SIZE_MAX { slow_inclusion(leaf, index, size, &hashes) } else { None };
        assert_eq!(root_from_inclusion(&leaf, index, size, &hashes), slow);
        let valid = 0 < index && index < size && size <= SIZE_MAX;
        let slow = if valid { slow_consistency(leaf, index, size, &hashes, true) } else { None };
        assert_eq!(roots_from_consistency(index, &leaf, size, &hashes), slow);
    }

    let size = hashes.len();
    if size > 0 {
        let (index, old) = (one as usize % size, other as usize % size + 1);
        let top = root(&hashes, false);
        let proof = prove_inclusion(&hashes, index).expect("there is such a leaf");
        assert_eq!(root_from_inclusion(&hashes[index], index as u64, size as u64, &proof), Some(top));
        let proof = prove_consistency(&hashes, old).expect("there is such a tree");
        if old < size {
            let roots = roots_from_consistency(old as u64, &root(&hashes[..old], false), size as u64, &proof);
            assert_eq!(roots, Some((root(&hashes[..old], false), top)));
        }
        let (before, _) = edge::append(0, &[], &hashes[..old]).expect("an empty tree has an edge");
        let (after, _) = edge::append(old as u64, &before, &hashes[old..]).expect("it is that tree's edge");
        assert_eq!(edge::root(size as u64, &after), Some(top));
    }
});
