//! The verifiable map: torchwood's Merkle Patricia Tree, as `ledger/statemap.py` has it.
//!
//! Nodes stand in two arrays and point to each other by number; keys and values lie one after the other in chunks. Hashes
//! stand apart, so that many nodes of a path fit into the processor's caches. What changed since the last root is noted
//! as it changes, and hashed by the bit that it branches at, the greatest first: bits rise along a path, so nodes of one
//! bit do not hang on each other and their hashes are made side by side.

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::sha256::{Contiguous, Engine, hash_many};
use crate::{Hash, pool, simd};

/// Keys have at most this many bytes.
pub const KEY_SIZE_MAX: usize = 64;
/// Values have at most this many bytes.
pub const VALUE_SIZE_MAX: usize = 1 << 24;
/// Bits that a look-up can branch at.
pub const BITS_MAX: usize = (KEY_SIZE_MAX + 2) * 8;

const CHUNK: usize = 1 << 20;
const PARALLEL_MIN: usize = 1 << 13;
const HASHED_AT_ONCE: usize = 1 << 10;
/// How many pairs ahead memory is asked for.
const AHEAD: usize = 16;
/// Keys that are looked up side by side, so that waiting for one's memory is waiting for all's.
const SOUGHT_AT_ONCE: usize = 32;
const LEAF: u32 = 1 << 31;
const NONE: u32 = u32::MAX;
const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// A node's number: that of a leaf with the top bit set, else that of an inner node.
type Link = u32;

#[derive(Clone)]
struct Inner {
    left: Link,
    right: Link,
    bit: u16,
    dirty: bool,
}

#[derive(Clone)]
struct Leaf {
    chunk: u32,
    start: u32,
    value_size: u32,
    key_size: u8,
    dirty: bool,
}

/// A map from byte strings to byte strings that can prove what it holds and what it does not.
#[derive(Clone, Default)]
pub struct StateMap {
    inners: Vec<Inner>,
    leaves: Vec<Leaf>,
    inner_hashes: Vec<Hash>,
    leaf_hashes: Vec<Hash>,
    /// What has to be hashed before the next root.
    dirty_inners: Vec<u32>,
    dirty_leaves: Vec<u32>,
    chunks: Vec<Vec<u8>>,
    root: Option<Link>,
    /// Bytes of values that were replaced by longer ones.
    garbage: usize,
}

/// A pair that a map does not take: the key or the value is too large.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

/// A key and its value.
pub type Pair<'a> = (&'a [u8], &'a [u8]);

impl StateMap {
    /// Return how many keys have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Say whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// Return the value of a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let (known, value) = self.pair(self.end_of(self.root?, key, usize::MAX));
        (known == key).then_some(value)
    }

    /// Set many; an empty map is built in one go. Of a key that comes twice the last value stays.
    ///
    /// # Errors
    ///
    /// A pair is too large; then nothing is set.
    pub fn set_many(&mut self, pairs: &[Pair<'_>]) -> Result<(), TooLarge> {
        if pairs.iter().any(|(key, value)| key.len() > KEY_SIZE_MAX || value.len() > VALUE_SIZE_MAX) {
            return Err(TooLarge);
        }
        let Some(root) = self.root else {
            self.build(pairs);
            return Ok(());
        };
        let mut top = root;
        for group in pairs.chunks(SOUGHT_AT_ONCE) {
            // Where a new key goes in, other ends may change; a leaf that has its key already stays the end of it.
            let ends = self.ends_of(top, group);
            for (&(key, value), end) in group.iter().zip(ends) {
                top = self.set(top, key, value, end);
            }
        }
        self.root = Some(top);
        Ok(())
    }

    /// Set a value below a node, and return what stands there then; `end` is where the key ended a moment ago.
    fn set(&mut self, top: Link, key: &[u8], value: &[u8], end: Link) -> Link {
        let end = if self.pair(end).0 == key { end } else { self.end_of(top, key, usize::MAX) };
        let (known, present) = self.pair(end);
        if known == key {
            if present != value {
                self.replace(end, value);
                self.walk(top, key, usize::MAX);
            }
            return top;
        }
        let differs = differing_bit(known, key);
        let (above, below) = self.walk(top, key, differs);
        let leaf = self.push_leaf(key, value);
        let (left, right) = if bit(key, differs) { (below, leaf) } else { (leaf, below) };
        let inner = self.push_inner(differs, left, right);
        match above {
            None => return inner,
            Some(above) if bit(key, self.inners[above].bit as usize) => self.inners[above].right = inner,
            Some(above) => self.inners[above].left = inner,
        }
        top
    }

    /// Return the root. Only what changed since the last call is hashed.
    pub fn root(&mut self) -> Hash {
        let Some(root) = self.root else { return EMPTY_ROOT };
        let mut leaves = std::mem::take(&mut self.dirty_leaves);
        // Messages of as many blocks stand together: they are hashed in lanes.
        leaves.sort_by_key(|&leaf| {
            let leaf = &self.leaves[leaf as usize];
            (leaf.key_size as usize + leaf.value_size as usize + varint_size(leaf.value_size as usize)) / 64
        });
        let hashes = self.hash_in_parts(
            &leaves,
            |map, leaf, out| {
                let (key, value) = map.pair(LEAF | leaf);
                write_pair(out, key, value);
            },
            0,
        );
        for (&leaf, hash) in leaves.iter().zip(hashes) {
            self.leaf_hashes[leaf as usize] = hash;
            self.leaves[leaf as usize].dirty = false;
        }
        for nodes in self.take_dirty_inners() {
            let hashes = self.hash_in_parts(
                &nodes,
                |map, inner, out| {
                    let inner = &map.inners[inner as usize];
                    write_varint(out, inner.bit as usize);
                    out.extend_from_slice(map.hash(inner.left));
                    out.extend_from_slice(map.hash(inner.right));
                },
                1,
            );
            for (&inner, hash) in nodes.iter().zip(hashes) {
                self.inner_hashes[inner as usize] = hash;
                self.inners[inner as usize].dirty = false;
            }
        }
        *self.hash(root)
    }

    /// Return what has to be hashed, by bit, the greatest first.
    fn take_dirty_inners(&mut self) -> impl Iterator<Item = Vec<u32>> + use<> {
        let mut by_bit: Vec<Vec<u32>> = Vec::new();
        for inner in std::mem::take(&mut self.dirty_inners) {
            let bit = self.inners[inner as usize].bit as usize;
            if by_bit.len() <= bit {
                by_bit.resize(bit + 1, Vec::new());
            }
            by_bit[bit].push(inner);
        }
        by_bit.into_iter().rev()
    }

    /// Return the proof that a key has its value, or that it has none.
    pub fn prove(&mut self, key: &[u8]) -> Vec<u8> {
        self.root();
        let Some(root) = self.root else { return Vec::new() };
        let (end, steps) = self.descend(root, key, BITS_MAX);
        let (known, value) = self.pair(end);
        let mut proof = Vec::new();
        if known != key {
            write_pair(&mut proof, known, value);
        }
        proof.extend_from_slice(&steps);
        proof
    }

    /// Return the proof that `items_with_prefix` gives all keys that have the first `bits` bits of a prefix.
    pub fn prove_prefix(&mut self, prefix: &[u8], bits: usize) -> Vec<u8> {
        self.root();
        let Some(root) = self.root else { return Vec::new() };
        let (end, steps) = self.descend(root, prefix, bits);
        if has_prefix(self.pair(self.first(end)).0, prefix, bits) {
            return steps;
        }
        let mut cut = prefix[..bits.div_ceil(8)].to_vec();
        if let Some(last) = cut.last_mut() {
            *last &= 0xff << (bits.wrapping_neg() % 8);
        }
        self.prove(&cut)
    }

    /// Return all pairs whose key has the first `bits` bits of a prefix, in the order of keys.
    #[must_use]
    pub fn items_with_prefix(&self, prefix: &[u8], bits: usize) -> Vec<Pair<'_>> {
        let Some(root) = self.root else { return Vec::new() };
        let mut found = Vec::new();
        let top = self.end_of(root, prefix, bits);
        if has_prefix(self.pair(self.first(top)).0, prefix, bits) {
            let mut stack = vec![top];
            while let Some(link) = stack.pop() {
                if link & LEAF == 0 {
                    let inner = &self.inners[link as usize];
                    stack.extend([inner.right, inner.left]);
                } else {
                    found.push(self.pair(link));
                }
            }
        }
        found
    }

    /// Return how many bytes it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.inners.capacity() * size_of::<Inner>()
            + self.leaves.capacity() * size_of::<Leaf>()
            + (self.inner_hashes.capacity() + self.leaf_hashes.capacity()) * size_of::<Hash>()
            + (self.dirty_inners.capacity() + self.dirty_leaves.capacity()) * size_of::<u32>()
            + self.chunks.iter().map(Vec::capacity).sum::<usize>()
    }

    // Building

    fn build(&mut self, pairs: &[Pair<'_>]) {
        // The first bytes of a key stand beside its number: comparing them fetches nothing.
        let mut order: Vec<(u64, u32)> = pairs.iter().zip(0..).map(|(pair, number)| (head(pair.0), number)).collect();
        let by_key = |a: &(u64, u32), b: &(u64, u32)| {
            let keys = || compare(pairs[a.1 as usize].0, pairs[b.1 as usize].0);
            a.0.cmp(&b.0).then_with(keys).then(a.1.cmp(&b.1))
        };
        if pairs.len() >= PARALLEL_MIN {
            pool::run(true, || order.par_sort_unstable_by(by_key));
        } else {
            order.sort_unstable_by(by_key);
        }
        // Of a key that comes twice the last one stays.
        order.dedup_by(|next, kept| {
            let same = next.0 == kept.0 && pairs[next.1 as usize].0 == pairs[kept.1 as usize].0;
            if same {
                kept.1 = next.1;
            }
            same
        });
        self.leaves.reserve_exact(order.len());
        self.leaf_hashes.reserve_exact(order.len());
        self.inners.reserve_exact(order.len().saturating_sub(1));
        self.inner_hashes.reserve_exact(order.len().saturating_sub(1));
        // The stack holds the right edge, its branching bits rising.
        let mut stack: Vec<u32> = Vec::new();
        let mut node = NONE;
        let mut previous: &[u8] = &[];
        for at in 0..order.len() {
            // In the order of keys the pairs lie anywhere: they are asked for before they are needed.
            if let Some(&(_, ahead)) = order.get(at + 2 * AHEAD) {
                simd::prefetch(std::slice::from_ref(&pairs[ahead as usize]));
            }
            if let Some(&(_, ahead)) = order.get(at + AHEAD) {
                simd::prefetch(pairs[ahead as usize].0);
                simd::prefetch(pairs[ahead as usize].1);
            }
            let (key, value) = pairs[order[at].1 as usize];
            let leaf = self.push_leaf(key, value);
            if node != NONE {
                let differs = differing_bit(previous, key);
                node = self.close(&mut stack, node, differs);
                stack.push(self.push_inner(differs, node, leaf));
            }
            node = leaf;
            previous = key;
        }
        if node != NONE {
            self.root = Some(self.close(&mut stack, node, 0));
        }
    }

    /// Close the nodes of the right edge that branch after a bit; return what stands below it.
    fn close(&mut self, stack: &mut Vec<u32>, mut node: Link, differs: usize) -> Link {
        while let Some(&inner) = stack.last() {
            if (self.inners[inner as usize].bit as usize) < differs {
                break;
            }
            self.inners[inner as usize].right = node;
            node = inner;
            stack.pop();
        }
        node
    }

    fn push_inner(&mut self, differs: usize, left: Link, right: Link) -> Link {
        let number = self.inners.len() as u32;
        make_room(&mut self.inners);
        make_room(&mut self.inner_hashes);
        self.inners.push(Inner { left, right, bit: differs as u16, dirty: true });
        self.inner_hashes.push([0; 32]);
        self.dirty_inners.push(number);
        number
    }

    fn push_leaf(&mut self, key: &[u8], value: &[u8]) -> Link {
        let (chunk, start) = self.keep(key, value);
        let number = self.leaves.len() as u32;
        make_room(&mut self.leaves);
        make_room(&mut self.leaf_hashes);
        self.leaves.push(Leaf { chunk, start, value_size: value.len() as u32, key_size: key.len() as u8, dirty: true });
        self.leaf_hashes.push([0; 32]);
        self.dirty_leaves.push(number);
        number | LEAF
    }

    fn keep(&mut self, key: &[u8], value: &[u8]) -> (u32, u32) {
        let size = key.len() + value.len();
        if self.chunks.last().is_none_or(|chunk| chunk.capacity() - chunk.len() < size) {
            self.chunks.push(Vec::with_capacity(size.max(CHUNK)));
        }
        let number = self.chunks.len() - 1;
        let chunk = &mut self.chunks[number];
        let start = chunk.len();
        chunk.extend_from_slice(key);
        chunk.extend_from_slice(value);
        (number as u32, start as u32)
    }

    fn replace(&mut self, link: Link, value: &[u8]) {
        let number = (link & !LEAF) as usize;
        let (chunk, start, key_size, before) = {
            let leaf = &self.leaves[number];
            (leaf.chunk as usize, leaf.start as usize, leaf.key_size as usize, leaf.value_size as usize)
        };
        if value.len() <= before {
            let at = start + key_size;
            self.chunks[chunk][at..at + value.len()].copy_from_slice(value);
            self.garbage += before - value.len();
        } else {
            let key = self.chunks[chunk][start..start + key_size].to_vec();
            let (chunk, start) = self.keep(&key, value);
            (self.leaves[number].chunk, self.leaves[number].start) = (chunk, start);
            self.garbage += key_size + before;
        }
        let leaf = &mut self.leaves[number];
        leaf.value_size = value.len() as u32;
        if !std::mem::replace(&mut leaf.dirty, true) {
            self.dirty_leaves.push(number as u32);
        }
        if self.garbage > CHUNK && self.garbage > self.chunks.iter().map(Vec::len).sum::<usize>() / 2 {
            self.compact();
        }
    }

    /// Copy what is in use into new chunks.
    fn compact(&mut self) {
        let old = std::mem::take(&mut self.chunks);
        self.garbage = 0;
        for number in 0..self.leaves.len() {
            let leaf = &self.leaves[number];
            let (start, key_size) = (leaf.start as usize, leaf.key_size as usize);
            let data = &old[leaf.chunk as usize][start..start + key_size + leaf.value_size as usize];
            let (chunk, start) = self.keep(&data[..key_size], &data[key_size..]);
            (self.leaves[number].chunk, self.leaves[number].start) = (chunk, start);
        }
    }

    // Walking

    fn pair(&self, link: Link) -> Pair<'_> {
        let leaf = &self.leaves[(link & !LEAF) as usize];
        let data = &self.chunks[leaf.chunk as usize][leaf.start as usize..];
        let (key, rest) = data.split_at(leaf.key_size as usize);
        (key, &rest[..leaf.value_size as usize])
    }

    fn hash(&self, link: Link) -> &Hash {
        if link & LEAF == 0 { &self.inner_hashes[link as usize] } else { &self.leaf_hashes[(link & !LEAF) as usize] }
    }

    /// Follow many keys, a step each in turn; return where they end.
    fn ends_of(&self, top: Link, pairs: &[Pair<'_>]) -> [Link; SOUGHT_AT_ONCE] {
        let mut ends = [top; SOUGHT_AT_ONCE];
        let mut moved = true;
        while moved {
            moved = false;
            for (link, (key, _)) in ends.iter_mut().zip(pairs) {
                if *link & LEAF == 0 {
                    let inner = &self.inners[*link as usize];
                    *link = if bit(key, inner.bit as usize) { inner.right } else { inner.left };
                    moved = true;
                }
            }
        }
        ends
    }

    /// Follow a key over the nodes that branch before `bits`; return where it ends.
    fn end_of(&self, top: Link, key: &[u8], bits: usize) -> Link {
        let mut link = top;
        while link & LEAF == 0 {
            let inner = &self.inners[link as usize];
            if inner.bit as usize >= bits {
                break;
            }
            link = if bit(key, inner.bit as usize) { inner.right } else { inner.left };
        }
        link
    }

    /// The same, marking what is passed as changed; return the last inner node passed, and where it ends.
    fn walk(&mut self, top: Link, key: &[u8], bits: usize) -> (Option<usize>, Link) {
        let (mut above, mut link) = (None, top);
        while link & LEAF == 0 {
            let inner = &mut self.inners[link as usize];
            if inner.bit as usize >= bits {
                break;
            }
            if !std::mem::replace(&mut inner.dirty, true) {
                self.dirty_inners.push(link);
            }
            above = Some(link as usize);
            link = if bit(key, inner.bit as usize) { inner.right } else { inner.left };
        }
        (above, link)
    }

    /// The same, with the steps back up: `varint(bit) ‖ hash of the other child`, from the end.
    fn descend(&self, top: Link, key: &[u8], bits: usize) -> (Link, Vec<u8>) {
        let mut passed = Vec::new();
        let mut link = top;
        while link & LEAF == 0 {
            let inner = &self.inners[link as usize];
            if inner.bit as usize >= bits {
                break;
            }
            let (other, next) =
                if bit(key, inner.bit as usize) { (inner.left, inner.right) } else { (inner.right, inner.left) };
            passed.push((inner.bit, other));
            link = next;
        }
        let mut steps = Vec::with_capacity(passed.len() * 34);
        for (bit, other) in passed.into_iter().rev() {
            write_varint(&mut steps, bit as usize);
            steps.extend_from_slice(self.hash(other));
        }
        (link, steps)
    }

    fn first(&self, mut link: Link) -> Link {
        while link & LEAF == 0 {
            link = self.inners[link as usize].left;
        }
        link
    }

    // Hashing

    fn hash_in_parts(
        &self,
        nodes: &[u32],
        write: impl Fn(&Self, u32, &mut Vec<u8>) + Sync + Send,
        prefix: u8,
    ) -> Vec<Hash> {
        let mut out = vec![[0; 32]; nodes.len()];
        let part = |(nodes, out): (&[u32], &mut [Hash])| {
            let mut data = Vec::with_capacity(nodes.len() * 72);
            let mut offsets = Vec::with_capacity(nodes.len() + 1);
            offsets.push(0);
            for &node in nodes {
                write(self, node, &mut data);
                offsets.push(data.len());
            }
            if let Some(messages) = Contiguous::new(&data, &offsets) {
                hash_many(Engine::chosen(), prefix, &messages, 0, out);
            }
        };
        if nodes.len() >= PARALLEL_MIN {
            pool::run(true, || {
                nodes.par_chunks(HASHED_AT_ONCE).zip(out.par_chunks_mut(HASHED_AT_ONCE)).for_each(part);
            });
        } else {
            nodes.chunks(HASHED_AT_ONCE).zip(out.chunks_mut(HASHED_AT_ONCE)).for_each(part);
        }
        out
    }
}

/// Make room for one more by an eighth: twice as much would be a hundred bytes a key that nothing stands in.
fn make_room<T>(all: &mut Vec<T>) {
    if all.len() == all.capacity() {
        all.reserve_exact(all.len() / 8 + 64);
    }
}

/// Return a bit of a key, which is read as if followed by one 00 byte and then FF bytes without end.
fn bit(key: &[u8], number: usize) -> bool {
    match key.get(number / 8) {
        Some(byte) => byte >> (7 - number % 8) & 1 == 1,
        None => number / 8 != key.len(),
    }
}

fn padded(key: &[u8], number: usize) -> u8 {
    match key.get(number) {
        Some(&byte) => byte,
        None if number == key.len() => 0,
        None => 0xff,
    }
}

/// The first eight bytes of a padded key as a number: keys stand in the order of their heads.
fn head(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => (0..8).fold(0, |head, number| head << 8 | u64::from(padded(key, number))),
    }
}

fn differing_bit(one: &[u8], other: &[u8]) -> usize {
    let common = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    (common..)
        .find_map(|at| {
            let difference = padded(one, at) ^ padded(other, at);
            (difference != 0).then(|| at * 8 + difference.leading_zeros() as usize)
        })
        .unwrap_or(BITS_MAX)
}

fn compare(one: &[u8], other: &[u8]) -> Ordering {
    if one.len() == other.len() || one.iter().zip(other).any(|(a, b)| a != b) {
        return one.cmp(other);
    }
    // One ends inside the other: the padding decides.
    let differs = differing_bit(one, other);
    bit(one, differs).cmp(&bit(other, differs))
}

fn has_prefix(key: &[u8], prefix: &[u8], bits: usize) -> bool {
    let whole = bits / 8;
    (0..whole).all(|at| padded(key, at) == prefix[at])
        && (bits.is_multiple_of(8) || (padded(key, whole) ^ prefix[whole]) >> (8 - bits % 8) == 0)
}

fn write_varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn varint_size(number: usize) -> usize {
    (number.max(1).ilog2() as usize) / 7 + 1
}

fn write_pair(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    write_varint(out, key.len());
    out.extend_from_slice(key);
    write_varint(out, value.len());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: usize) -> Vec<Vec<u8>> {
        (0..count as u32)
            .map(|i| {
                let mixed = i.wrapping_mul(2_654_435_761);
                let size = (mixed >> 28) as usize % 5 + 1;
                mixed.to_be_bytes().iter().cycle().take(size).map(|byte| byte & 0xc3).collect()
            })
            .collect()
    }

    /// Built in one go, set one by one in another order, or changed afterwards: the same pairs have the same root.
    #[test]
    fn order_does_not_count() {
        for count in [0, 1, 2, 3, 50, 500] {
            let keys = keys(count);
            let pairs: Vec<Pair<'_>> = keys.iter().map(|key| (key.as_slice(), key.as_slice())).collect();
            let (mut bulk, mut single) = (StateMap::default(), StateMap::default());
            bulk.set_many(&pairs).unwrap();
            for (number, &(key, value)) in pairs.iter().rev().enumerate() {
                single.set_many(&[(key, b"a value that is longer than the last one")]).unwrap();
                if number % 3 == 0 {
                    single.root();
                }
                single.set_many(&[(key, value)]).unwrap();
            }
            assert_eq!(bulk.root(), single.root(), "{count}");
            assert_eq!(bulk.len(), single.len());
            for (key, value) in pairs {
                assert_eq!(bulk.get(key), Some(value));
                assert_eq!(bulk.prove(key), single.prove(key));
            }
        }
    }

    /// What was replaced again and again is forgotten, and nothing else is.
    #[test]
    fn compaction() {
        let keys = keys(300);
        let mut map = StateMap::default();
        for round in 0..40_usize {
            for key in &keys {
                map.set_many(&[(key, &vec![7; 20 * round + key.len()])]).unwrap();
            }
        }
        let data: usize = map.chunks.iter().map(Vec::len).sum();
        assert!(data < 3 * 300 * 800 + CHUNK, "{data}");
        for key in &keys {
            assert_eq!(map.get(key).map(<[u8]>::len), Some(780 + key.len()));
        }
    }

    /// A key more takes about what the others take, after a bulk load and in a copy too.
    #[test]
    fn growth() {
        let keys: Vec<[u8; 32]> = (0..200_000_u32).map(|i| crate::sha256::digest(&i.to_be_bytes())).collect();
        let pairs: Vec<Pair<'_>> = keys.iter().map(|key| (&key[..], &key[..])).collect();
        let mut map = StateMap::default();
        map.set_many(&pairs[..150_000]).unwrap();
        map.root();
        let mut copy = map.clone();
        copy.set_many(&pairs[150_000..150_001]).unwrap();
        copy.root();
        assert!(copy.memory() / copy.len() < 180, "{}", copy.memory() / copy.len());
        map.set_many(&pairs[150_000..]).unwrap();
        map.root();
        assert!(map.memory() / map.len() < 180, "{}", map.memory() / map.len());
    }

    /// A key of 65 bytes or a value above 16 MiB is no pair of a map, and nothing of its batch goes in.
    #[test]
    fn sizes() {
        let mut map = StateMap::default();
        assert_eq!(map.set_many(&[(b"a", b"b"), (&[0; 65], b"b")]), Err(TooLarge));
        assert!(map.is_empty());
    }
}
