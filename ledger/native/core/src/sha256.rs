//! SHA-256 of many messages at once (FIPS 180-4), by what the processor has.
//!
//! One engine is chosen when the process starts: 16 messages side by side with AVX-512, several streams with the SHA
//! extensions of `x86_64`, or the `sha2` crate, which knows `AArch64`'s. All give the same bytes; tests hold each against
//! `sha2`.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::{Hash, simd};

/// How many groups ahead messages are asked for from memory.
const AHEAD: usize = 2;

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// 16 messages side by side.
    Avx512,
    /// Four streams of the SHA extensions.
    ShaNi,
    /// The `sha2` crate.
    Portable,
}

impl Engine {
    /// Return the engines that this machine can run, the fastest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        if simd::has_avx512() {
            found.push(Self::Avx512);
        }
        if simd::has_shani() {
            found.push(Self::ShaNi);
        }
        found.push(Self::Portable);
        found
    }

    /// Return the engine in use.
    #[must_use]
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<Engine> = OnceLock::new();
        *CHOSEN.get_or_init(|| Self::available()[0])
    }

    /// Return its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "AVX-512, 16 lanes",
            Self::ShaNi => "SHA-NI, 4 streams",
            Self::Portable => "sha2",
        }
    }
}

/// Messages, by number from 0.
pub trait Messages: Sync {
    /// Return how many there are.
    fn count(&self) -> usize;
    /// Return one.
    fn get(&self, index: usize) -> &[u8];
}

/// Messages that lie one after the other.
#[derive(Clone, Copy)]
pub struct Contiguous<'a> {
    data: &'a [u8],
    offsets: &'a [usize],
}

impl<'a> Contiguous<'a> {
    /// Return the messages that begin at these offsets, the last of which says where the last message ends; None where
    /// they fall or lead out of `data`.
    #[must_use]
    pub fn new(data: &'a [u8], offsets: &'a [usize]) -> Option<Self> {
        (offsets.is_sorted() && *offsets.last()? <= data.len()).then_some(Self { data, offsets })
    }
}

impl Messages for Contiguous<'_> {
    fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    fn get(&self, index: usize) -> &[u8] {
        &self.data[self.offsets[index]..self.offsets[index + 1]]
    }
}

impl<T: AsRef<[u8]> + Sync> Messages for [T] {
    fn count(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> &[u8] {
        self[index].as_ref()
    }
}

/// The SHA-256 of some bytes.
#[must_use]
pub fn digest(data: &[u8]) -> Hash {
    Sha256::digest(data).into()
}

/// Return the hash of one message behind a prefix.
#[must_use]
pub fn hash_one(prefix: u8, parts: &[&[u8]]) -> Hash {
    let mut digest = Sha256::new();
    digest.update([prefix]);
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}

/// Hash the messages from `first` on, each behind a prefix, into `out`.
pub fn hash_many<M: Messages + ?Sized>(engine: Engine, prefix: u8, messages: &M, first: usize, out: &mut [Hash]) {
    match engine {
        Engine::Portable => {
            for (index, hash) in out.iter_mut().enumerate() {
                *hash = hash_one(prefix, &[messages.get(first + index)]);
            }
        }
        Engine::Avx512 => hash_in_lanes::<M, 16>(prefix, messages, first, out, simd::hash_16),
        Engine::ShaNi => hash_in_lanes::<M, 4>(prefix, messages, first, out, simd::hash_4),
    }
}

/// Compress `count` blocks in 16 lanes (or as many blocks one by one where there are no lanes): by this a benchmark
/// measures the machine's own block time. The answer keeps the compiler from leaving it out.
#[must_use]
pub fn compress_16(count: usize) -> u32 {
    simd::compress_16(count)
}

/// Gather lanes of messages that have as many blocks, and hash each full or last lane group.
fn hash_in_lanes<M: Messages + ?Sized, const N: usize>(
    prefix: u8,
    messages: &M,
    first: usize,
    out: &mut [Hash],
    hash: fn(u8, &[&[u8]; N], &mut [Hash; N]),
) {
    let blocks = |index: usize| (messages.get(first + index).len() + 1 + 8) / 64 + 1;
    let mut done = [[0; 32]; N];
    let mut group = [0; N];
    let mut start = 0;
    while start < out.len() {
        // A run of neighbours with as many blocks; most entries of a log do, so there is no sorting.
        let wanted = blocks(start);
        let mut end = start + 1;
        while end < out.len() && end - start < N && blocks(end) == wanted {
            end += 1;
        }
        for lane in 0..N {
            group[lane] = (start + lane).min(end - 1);
        }
        for ahead in end + AHEAD * N..(end + (AHEAD + 1) * N).min(out.len()) {
            simd::prefetch(messages.get(first + ahead));
        }
        let lanes = group.map(|index| messages.get(first + index));
        hash(prefix, &lanes, &mut done);
        out[start..end].copy_from_slice(&done[..end - start]);
        start = end;
    }
}

/// Hash pairs of hashes, `left ‖ right` behind `01`, into `out` (RFC 9162 §2.1.1).
///
/// # Panics
///
/// Where `pairs` does not have two hashes for each of `out`.
pub fn hash_pairs(engine: Engine, pairs: &[Hash], out: &mut [Hash]) {
    assert_eq!(pairs.len(), out.len() * 2, "two hashes a node");
    let whole = if engine == Engine::Avx512 { out.len() / 16 * 16 } else { 0 };
    for start in (0..whole).step_by(16) {
        if let (Some(pairs), Some(out)) =
            (pairs[2 * start..2 * start + 32].first_chunk::<32>(), out[start..start + 16].first_chunk_mut::<16>())
        {
            simd::hash_16_pairs(pairs, out);
        }
    }
    let mut start = whole;
    if engine == Engine::ShaNi {
        while start + 4 <= out.len() {
            let lanes: [&[u8]; 4] = std::array::from_fn(|lane| {
                let at = 2 * (start + lane);
                pairs[at..at + 2].as_flattened()
            });
            let mut done = [[0; 32]; 4];
            simd::hash_4(1, &lanes, &mut done);
            out[start..start + 4].copy_from_slice(&done);
            start += 4;
        }
    }
    if engine == Engine::Avx512 && out.len() - start > 3 {
        // A last group that is not full still costs less than its nodes one by one.
        let mut padded = [[0; 32]; 32];
        let rest = out.len() - start;
        padded[..2 * rest].copy_from_slice(&pairs[2 * start..]);
        let mut done = [[0; 32]; 16];
        simd::hash_16_pairs(&padded, &mut done);
        out[start..].copy_from_slice(&done[..rest]);
        return;
    }
    for index in start..out.len() {
        out[index] = hash_one(1, &[&pairs[2 * index], &pairs[2 * index + 1]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each engine gives the bytes of `sha2`, for each length around the block borders and for mixed ones.
    #[test]
    fn engines_agree() {
        let data: Vec<u8> = (0..40_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for engine in Engine::available() {
            for size in 0..300 {
                for count in [1, 2, 5, 16, 17, 33] {
                    let offsets: Vec<usize> = (0..=count).map(|i| 7 + i * size).collect();
                    check(engine, &data, &offsets);
                }
            }
            let mixed: Vec<usize> = (0..200)
                .scan(0, |at, i| {
                    *at += (i * 37) % 190;
                    Some(*at)
                })
                .collect();
            check(engine, &data, &mixed);
        }
    }

    fn check(engine: Engine, data: &[u8], offsets: &[usize]) {
        for prefix in [0, 1] {
            let messages = Contiguous::new(data, offsets).unwrap();
            let mut out = vec![[0; 32]; offsets.len() - 1];
            hash_many(engine, prefix, &messages, 0, &mut out);
            for (index, hash) in out.iter().enumerate() {
                assert_eq!(*hash, hash_one(prefix, &[messages.get(index)]), "{engine:?} {index}");
            }
        }
    }

    /// Nodes are the hashes of 01 and both children, whatever their number.
    #[test]
    fn pairs_agree() {
        let hashes: Vec<Hash> = (0..200_u8).map(|i| hash_one(i, &[])).collect();
        for engine in Engine::available() {
            for count in 0..=100 {
                let mut out = vec![[0; 32]; count];
                hash_pairs(engine, &hashes[..2 * count], &mut out);
                for (index, hash) in out.iter().enumerate() {
                    assert_eq!(*hash, hash_one(1, &[&hashes[2 * index], &hashes[2 * index + 1]]), "{engine:?} {count}");
                }
            }
        }
    }
}
