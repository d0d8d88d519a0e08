//! The map against a slow twin: a sorted list of pairs whose root is computed by the format's own recursion.

#![no_main]

use std::collections::BTreeMap;

use fengtu_core::Hash;
use fengtu_core::sha256::{digest, hash_one};
use fengtu_core::statemap::StateMap;
use libfuzzer_sys::fuzz_target;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A bit of a key, read as if followed by one 00 byte and then FF bytes without end.
fn bit(key: &[u8], number: usize) -> bool {
    let byte = key.get(number / 8).copied().unwrap_or(if number / 8 == key.len() { 0 } else { 0xff });
    byte >> (7 - number % 8) & 1 == 1
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

/// The root below a bit that all of these keys agree before.
fn slow_root(pairs: &[(&[u8], &[u8])], mut at: usize) -> Hash {
    if let [(key, value)] = pairs {
        return hash_one(0, &[&varint(key.len()), key, &varint(value.len()), value]);
    }
    loop {
        let (left, right): (Vec<_>, Vec<_>) = pairs.iter().copied().partition(|(key, _)| !bit(key, at));
        if !left.is_empty() && !right.is_empty() {
            return hash_one(1, &[&varint(at), &slow_root(&left, at + 1), &slow_root(&right, at + 1)]);
        }
        at += 1;
    }
}

/// Follow a proof from what it begins with to the root.
fn root_from(mut hash: Hash, key: &[u8], mut steps: &[u8]) -> Hash {
    while !steps.is_empty() {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = steps[0];
            steps = &steps[1..];
            number |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (other, rest) = steps.split_at(32);
        steps = rest;
        let (left, right): (&[u8], &[u8]) = if bit(key, number) { (other, &hash) } else { (&hash, other) };
        hash = hash_one(1, &[&varint(number), left, right]);
    }
    hash
}

/// Read changes: batches of pairs with short keys, so that keys meet and end inside one another.
fn changes(mut data: &[u8]) -> Vec<Pairs> {
    let mut batches = vec![Pairs::new()];
    while let Some((&[what, size], rest)) = data.split_first_chunk::<2>() {
        let key_size = usize::from(what % 5).min(rest.len());
        let (key, rest) = rest.split_at(key_size);
        let value = vec![size; usize::from(size) % 90];
        batches.last_mut().expect("there is one").push((key.to_vec(), value));
        if what & 0x80 != 0 {
            batches.push(Pairs::new());
        }
        data = rest;
    }
    batches
}

fuzz_target!(|data: &[u8]| {
    let (mut map, mut twin) = (StateMap::default(), BTreeMap::new());
    for batch in changes(data) {
        let pairs: Vec<(&[u8], &[u8])> = batch.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        map.set_many(&pairs).expect("keys and values are small");
        twin.extend(batch);
        let all: Vec<(&[u8], &[u8])> = twin.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        let root = if all.is_empty() { digest(b"") } else { slow_root(&all, 0) };
        assert_eq!(map.root(), root);
        assert_eq!(map.len(), all.len());
        for (key, value) in all.iter().take(8) {
            assert_eq!(map.get(key), Some(*value));
            let leaf = hash_one(0, &[&varint(key.len()), key, &varint(value.len()), value]);
            assert_eq!(root_from(leaf, key, &map.prove(key)), root);
            for bits in 0..=key.len() * 8 {
                let has = |other: &[u8]| (0..bits).all(|number| bit(other, number) == bit(key, number));
                let mut found: Vec<_> = map.items_with_prefix(key, bits);
                found.sort_unstable();
                let wanted: Vec<_> = all.iter().copied().filter(|(other, _)| has(other)).collect();
                assert_eq!(found, wanted);
                map.prove_prefix(key, bits);
            }
        }
    }
});
