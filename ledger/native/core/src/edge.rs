//! The right edge of a tree, as `ledger/edge.py` has it: the hashes of the tiles that are not full, level 0 first.

use crate::Hash;
use crate::merkle::{fold, perfect_roots};

/// Hashes in a full tile (C2SP tlog-tiles).
pub const TILE_WIDTH: usize = 256;

/// A tile that an append filled.
#[derive(Debug, PartialEq, Eq)]
pub struct Tile {
    /// Its level.
    pub level: u32,
    /// Which one it is on its level, from the left.
    pub n: u64,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

/// Return the edge of a tree of `size` after these leaves, and the tiles that they filled, each before the one above it;
/// None where the edge has not as many hashes as the size asks for.
#[must_use]
pub fn append(size: u64, edge: &[Hash], leaves: &[Hash]) -> Option<(Vec<Hash>, Vec<Tile>)> {
    let mut rest = levels(size, edge)?.into_iter();
    let (mut out, mut filled) = (Vec::with_capacity(edge.len() + TILE_WIDTH), Vec::new());
    let mut arriving = leaves.to_vec();
    for level in 0.. {
        let standing = rest.next();
        if standing.is_none() && arriving.is_empty() {
            break;
        }
        let hashes = [standing.unwrap_or(&[]), &arriving].concat();
        let first = size.checked_shr(8 * level).unwrap_or(0) / TILE_WIDTH as u64;
        let (full, partial) = hashes.split_at(hashes.len() / TILE_WIDTH * TILE_WIDTH);
        for (hashes, n) in full.chunks_exact(TILE_WIDTH).zip(first..) {
            filled.push(Tile { level, n, hashes: hashes.to_vec() });
        }
        out.extend_from_slice(partial);
        arriving = perfect_roots(full, TILE_WIDTH);
    }
    Some((out, filled))
}

/// Return the root of the tree of `size` with this edge (RFC 9162 §2.1.1); None where it has not as many hashes.
#[must_use]
pub fn root(size: u64, edge: &[Hash]) -> Option<Hash> {
    // A level's perfect subtrees, and to their right the root of what is below: the last one goes up as it is.
    let mut below = None;
    for hashes in levels(size, edge)? {
        let row: Vec<Hash> = hashes.iter().copied().chain(below).collect();
        below = if row.is_empty() { None } else { Some(fold(row)) };
    }
    Some(below.unwrap_or_else(|| fold(Vec::new())))
}

fn levels(size: u64, edge: &[Hash]) -> Option<Vec<&[Hash]>> {
    let (mut rest, mut left, mut found) = (size, edge, Vec::new());
    while rest > 0 {
        let hashes;
        (hashes, left) = left.split_at_checked(rest as usize % TILE_WIDTH)?;
        found.push(hashes);
        rest /= TILE_WIDTH as u64;
    }
    left.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle;
    use crate::sha256::hash_one;

    /// However leaves come, the root is that of all of them, and the tiles are their hashes in order.
    #[test]
    fn edges_grow() {
        let leaves: Vec<Hash> = (0..70_000_u32).map(|i| hash_one(0, &[&i.to_be_bytes()])).collect();
        for steps in [[1, 1, 1, 254, 1, 300].as_slice(), &[256, 256], &[65_535, 1, 1, 4_000], &[70_000]] {
            let (mut size, mut edge, mut tiles) = (0, Vec::new(), Vec::new());
            for step in steps {
                let filled;
                (edge, filled) = append(size as u64, &edge, &leaves[size..size + step]).unwrap();
                size += step;
                tiles.extend(filled);
                assert_eq!(root(size as u64, &edge), Some(merkle::root(&leaves[..size], false)), "{size}");
            }
            let level_0: Vec<Hash> =
                tiles.iter().filter(|tile| tile.level == 0).flat_map(|tile| &tile.hashes).copied().collect();
            assert_eq!(level_0, leaves[..size / TILE_WIDTH * TILE_WIDTH]);
            assert_eq!(tiles.len(), size / 256 + size / 65_536);
        }
        assert_eq!(root(0, &[]), Some(merkle::root(&[], false)));
        assert_eq!(append(1, &[], &[]), None);
        assert_eq!(root(0, &leaves[..1]), None);
    }
}
