//! Each engine gives what the scalar twin gives, for messages of any sizes side by side.

#![no_main]

use fengtu_core::Hash;
use fengtu_core::merkle::{leaf_hashes, root, root_of_entries};
use fengtu_core::sha256::{Contiguous, Engine, hash_many, hash_one, hash_pairs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&prefix, data)) = data.split_first() else { return };
    let Some((&seed, data)) = data.split_first() else { return };
    // Cut where the bytes themselves say: sizes from nothing to several blocks.
    let (mut offsets, mut at) = (vec![0], 0);
    while at < data.len() {
        at = (at + usize::from(data[at] ^ seed)).min(data.len()).max(at + usize::from(seed == 0));
        offsets.push(at);
        if offsets.len() > 200 {
            break;
        }
    }
    let messages = Contiguous::new(data, &offsets).expect("offsets rise");
    let wanted =
        |prefix| -> Vec<Hash> { offsets.windows(2).map(|ends| hash_one(prefix, &[&data[ends[0]..ends[1]]])).collect() };
    for engine in Engine::available() {
        let mut out = vec![[0; 32]; offsets.len() - 1];
        hash_many(engine, prefix, &messages, 0, &mut out);
        assert_eq!(out, wanted(prefix));
        let mut pairs = vec![[0; 32]; out.len() / 2];
        hash_pairs(engine, &out[..pairs.len() * 2], &mut pairs);
        for (pair, hash) in out.chunks_exact(2).zip(pairs) {
            assert_eq!(hash, hash_one(1, &[&pair[0], &pair[1]]));
        }
    }
    let leaves = leaf_hashes(&messages, false);
    assert_eq!(leaves, wanted(0));
    assert_eq!(root_of_entries(&messages, false), root(&leaves, false));
});
