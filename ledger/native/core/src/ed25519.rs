//! Ed25519, strict: the verdict of `ledger/signature.py`, by curve25519-dalek.
//!
//! A and R are canonical and not of small order (looked at by their bytes), S is below the group's order, and the
//! cofactorless equation holds: `[S]B − [k]A` has the bytes of R, k being `SHA-512(R ‖ A ‖ M)` (RFC 8032 §5.1.7). So R is
//! never decompressed, and a key is, once. That is ed25519-dalek's own check, but that the points of a group are brought
//! to bytes together: an inversion a group instead of one a signature.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::VerifyingKey;
use rayon::prelude::*;
use sha2::{Digest, Sha512};

use crate::pool;

/// Keys that stay decompressed; the oldest are forgotten all at once when there are more.
const KEYS_MAX: usize = 1 << 16;
const PARALLEL_MIN: usize = 8;
/// Signatures whose points are brought to bytes together.
const GROUP: usize = 16;
const P: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed;
    bytes[31] = 0x7f;
    bytes
};

/// The y coordinates of the eight points of small order, little-endian.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    {
        let mut last = P;
        last[0] = 0xec;
        last
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// One signature to check.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// 32 bytes, else it fails.
    pub public_key: &'a [u8],
    /// What was signed.
    pub message: &'a [u8],
    /// 64 bytes, else it fails.
    pub signature: &'a [u8],
}

/// Keys that were seen, decompressed: −A of each.
#[derive(Default)]
pub struct Keys {
    known: RwLock<HashMap<[u8; 32], Arc<EdwardsPoint>>>,
}

impl Keys {
    /// Say whether a signature verifies.
    #[must_use]
    pub fn verifies(&self, one: Signed<'_>) -> bool {
        self.first_bad_of(&[one]).is_none()
    }

    /// Return the number of the first signature that does not verify.
    #[must_use]
    pub fn first_bad(&self, all: &[Signed<'_>], parallel: bool) -> Option<usize> {
        let parallel = parallel && all.len() >= PARALLEL_MIN;
        // Few are shared out evenly: a group's inversion costs less than a thread that waits.
        let size = if parallel { all.len().div_ceil(pool::threads()).min(GROUP) } else { GROUP };
        let bad = |(number, group)| self.first_bad_of(group).map(|bad| number * size + bad);
        if parallel {
            pool::run(true, || all.par_chunks(size).enumerate().find_map_first(bad))
        } else {
            all.chunks(GROUP).enumerate().find_map(bad)
        }
    }

    fn first_bad_of(&self, group: &[Signed<'_>]) -> Option<usize> {
        let points: Vec<EdwardsPoint> = group.iter().map_while(|&one| self.point_of(one)).collect();
        let differs = EdwardsPoint::compress_batch_alloc(&points)
            .iter()
            .zip(group)
            .position(|(point, one)| point.as_bytes()[..] != one.signature[..32]);
        differs.or((points.len() < group.len()).then_some(points.len()))
    }

    /// Return the point that R has to be; None where a length, R, S or the key is not as it has to be.
    fn point_of(&self, one: Signed<'_>) -> Option<EdwardsPoint> {
        let key = <&[u8; 32]>::try_from(one.public_key).ok()?;
        let signature = <&[u8; 64]>::try_from(one.signature).ok()?;
        let (r, s) = (signature.first_chunk::<32>()?, signature.last_chunk::<32>()?);
        if !is_large_and_canonical(r) {
            return None;
        }
        let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*s))?;
        let minus_a = self.open(key)?;
        let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(one.message).finalize();
        let k = Scalar::from_bytes_mod_order_wide(&hash.into());
        Some(EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &minus_a, &s))
    }

    fn open(&self, bytes: &[u8; 32]) -> Option<Arc<EdwardsPoint>> {
        if let Ok(known) = self.known.read()
            && let Some(key) = known.get(bytes)
        {
            return Some(Arc::clone(key));
        }
        if !is_large_and_canonical(bytes) {
            return None;
        }
        let key = Arc::new(-VerifyingKey::from_bytes(bytes).ok()?.to_edwards());
        if let Ok(mut known) = self.known.write() {
            if known.len() >= KEYS_MAX {
                known.clear();
            }
            known.insert(*bytes, Arc::clone(&key));
        }
        Some(key)
    }
}

fn is_large_and_canonical(point: &[u8; 32]) -> bool {
    let mut y = *point;
    y[31] &= 0x7f;
    let below_p = y.iter().rev().cmp(P.iter().rev()).is_lt();
    below_p && !SMALL_ORDER_Y.contains(&y)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    /// A good signature verifies, any flipped bit of key, message or signature does not, in order and in parallel.
    #[test]
    fn verdicts() {
        let keys = Keys::default();
        let key = SigningKey::from_bytes(&[7; 32]);
        let (public_key, message) = (key.verifying_key().to_bytes(), b"message".to_vec());
        let signature = key.sign(&message).to_bytes();
        let good = Signed { public_key: &public_key, message: &message, signature: &signature };
        assert!(keys.verifies(good));
        for bit in 0..512 {
            let mut flipped = signature;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!keys.verifies(Signed { signature: &flipped, ..good }));
        }
        for bit in 0..256 {
            let mut flipped = public_key;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!keys.verifies(Signed { public_key: &flipped, ..good }));
        }
        let bad = Signed { message: b"another", ..good };
        let short = Signed { signature: &signature[..63], ..good };
        for count in [1, 2, 15, 16, 17, 40, 100] {
            for parallel in [false, true] {
                let mut all = vec![good; count];
                assert_eq!(keys.first_bad(&all, parallel), None);
                for wrong in [bad, short] {
                    for first in [0, count / 2, count - 1] {
                        all[count - 1] = bad;
                        all[first] = wrong;
                        assert_eq!(keys.first_bad(&all, parallel), Some(first), "{count}");
                        all.fill(good);
                    }
                }
            }
        }
    }

    /// Points of small order and those that are not in their one encoding are refused by their bytes.
    #[test]
    fn points() {
        for y in SMALL_ORDER_Y {
            let mut signed = y;
            signed[31] |= 0x80;
            assert!(!is_large_and_canonical(&y));
            assert!(!is_large_and_canonical(&signed));
        }
        assert!(!is_large_and_canonical(&P));
        assert!(!is_large_and_canonical(&[0xff; 32]));
        let mut two = [0; 32];
        two[0] = 2;
        assert!(is_large_and_canonical(&two));
    }
}
