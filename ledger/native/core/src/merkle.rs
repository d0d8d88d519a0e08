//! The RFC 9162 tree (§2.1): roots over leaf hashes, over entries, and of many perfect subtrees.

use rayon::prelude::*;

use crate::sha256::{Engine, Messages, hash_many, hash_pairs};
use crate::{Hash, pool};

/// Leaves of a part that stays within a core's cache while it is hashed to one node.
const PART: usize = 1 << 12;
/// Below this many hashes handing work to other threads costs more than it saves.
const PARALLEL_MIN: usize = 1 << 12;
const EMPTY: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Return the root over leaf hashes (§2.1.1).
#[must_use]
pub fn root(hashes: &[Hash], parallel: bool) -> Hash {
    let parallel = parallel && hashes.len() >= PARALLEL_MIN;
    let tops = pool::run(parallel, || parts(hashes.len(), parallel, |start, end| fold(hashes[start..end].to_vec())));
    fold(tops)
}

/// Return the root over entries: leaf hashes and root in one go.
#[must_use]
pub fn root_of_entries<M: Messages + ?Sized>(entries: &M, parallel: bool) -> Hash {
    let count = entries.count();
    let parallel = parallel && count >= PARALLEL_MIN;
    let tops = pool::run(parallel, || {
        parts(count, parallel, |start, end| {
            let mut hashes = vec![[0; 32]; end - start];
            hash_many(Engine::chosen(), 0, entries, start, &mut hashes);
            fold(hashes)
        })
    });
    fold(tops)
}

/// Return the leaf hashes of entries.
#[must_use]
pub fn leaf_hashes<M: Messages + ?Sized>(entries: &M, parallel: bool) -> Vec<Hash> {
    let mut out = vec![[0; 32]; entries.count()];
    let hash = |(number, out): (usize, &mut [Hash])| hash_many(Engine::chosen(), 0, entries, number * PART, out);
    if parallel && entries.count() >= PARALLEL_MIN {
        pool::run(true, || out.par_chunks_mut(PART).enumerate().for_each(hash));
    } else {
        out.chunks_mut(PART).enumerate().for_each(hash);
    }
    out
}

/// Return the root of each run of `width` hashes; `width` is a power of two that divides their number.
#[must_use]
pub fn perfect_roots(hashes: &[Hash], width: usize) -> Vec<Hash> {
    let mut row = hashes.to_vec();
    let mut rest = width;
    while rest > 1 {
        row = above(&row);
        rest /= 2;
    }
    row
}

/// Return the level above a level: its pairs' hashes, without a last hash that has no neighbour.
#[must_use]
pub fn above(row: &[Hash]) -> Vec<Hash> {
    let mut out = vec![[0; 32]; row.len() / 2];
    hash_pairs(Engine::chosen(), &row[..out.len() * 2], &mut out);
    out
}

/// Apply `work` to each part of the leaves; all parts but the last are perfect subtrees of one size.
fn parts(count: usize, parallel: bool, work: impl Fn(usize, usize) -> Hash + Sync + Send) -> Vec<Hash> {
    let number = count.div_ceil(PART);
    let one = |part: usize| work(part * PART, ((part + 1) * PART).min(count));
    if parallel { (0..number).into_par_iter().map(one).collect() } else { (0..number).map(one).collect() }
}

/// Return the root over a row of hashes. The last one of an odd row goes up as it is: the same tree that §2.1.1 splits at
/// the largest power of two.
pub(crate) fn fold(mut row: Vec<Hash>) -> Hash {
    while row.len() > 1 {
        let carried = (row.len() % 2 == 1).then(|| row[row.len() - 1]);
        row = above(&row);
        row.extend(carried);
    }
    row.first().copied().unwrap_or(EMPTY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256::{Contiguous, hash_one};

    fn slow(hashes: &[Hash]) -> Hash {
        match hashes {
            [] => EMPTY,
            [one] => *one,
            _ => {
                let split = 1 << (hashes.len() - 1).ilog2();
                hash_one(1, &[&slow(&hashes[..split]), &slow(&hashes[split..])])
            }
        }
    }

    /// The root is that of the specification's recursion, in parts and in parallel too.
    #[test]
    fn roots_agree() {
        let data: Vec<u8> = (0..20_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for count in (0..300).chain([4095, 4096, 4097, 8192, 9000]) {
            let offsets: Vec<usize> = (0..=count).map(|i| i * 2).collect();
            let leaves: Vec<Hash> = (0..count).map(|i| hash_one(0, &[&data[2 * i..2 * i + 2]])).collect();
            let wanted = slow(&leaves);
            for parallel in [false, true] {
                assert_eq!(root(&leaves, parallel), wanted, "{count}");
                let entries = Contiguous::new(&data, &offsets).unwrap();
                assert_eq!(root_of_entries(&entries, parallel), wanted, "{count}");
                assert_eq!(leaf_hashes(&entries, parallel), leaves, "{count}");
            }
        }
    }
}
