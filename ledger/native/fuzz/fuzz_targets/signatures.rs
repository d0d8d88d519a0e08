//! One verdict with ed25519-dalek's strict check, alone and among others, whatever key, message and signature come.

#![no_main]

use std::sync::OnceLock;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use fengtu_core::ed25519::{Keys, Signed};
use libfuzzer_sys::fuzz_target;

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(Keys::default)
}

fn is_canonical(point: &[u8; 32]) -> bool {
    let mut y = *point;
    y[31] &= 0x7f;
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    y.iter().rev().lt(p.iter().rev())
}

fuzz_target!(|data: &[u8]| {
    let Some((changes, message)) = data.split_first_chunk::<8>() else { return };
    let signer = SigningKey::from_bytes(&[changes[0]; 32]);
    let (mut key, mut signature) = (signer.verifying_key().to_bytes(), signer.sign(message).to_bytes());
    // Up to three bytes of key and signature are changed; the rest of the message stands for both where it is long.
    for change in changes[1..7].chunks_exact(2) {
        match usize::from(change[0]) {
            at @ 0..32 => key[at] ^= change[1],
            at @ 32..96 => signature[at - 32] ^= change[1],
            _ => {}
        }
    }
    if changes[7] & 1 == 1
        && let (Some(first), Some(last)) = (message.first_chunk::<32>(), message.last_chunk::<64>())
    {
        (key, signature) = (*first, *last);
    }
    let dalek = VerifyingKey::from_bytes(&key)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(&signature)).is_ok());
    let wanted = dalek && is_canonical(&key);
    let one = Signed { public_key: &key, message, signature: &signature };
    assert_eq!(keys().verifies(one), wanted);
    let (good_key, good_signature) = (signer.verifying_key().to_bytes(), signer.sign(b"good").to_bytes());
    let good = Signed { public_key: &good_key, message: b"good", signature: &good_signature };
    let mut all = [good; 20];
    all[usize::from(changes[0]) % 20] = one;
    assert_eq!(keys().first_bad(&all, false), (!wanted).then_some(usize::from(changes[0]) % 20));
});
