//! The only unsafe code: SHA-256 by the instructions of `x86_64`. Each function has a scalar twin that answers where the
//! processor lacks them, and that the tests of `sha256` hold it against.

use crate::{Hash, sha256::hash_one};

#[cfg(target_arch = "x86_64")]
use x86::{avx512, shani};

/// Say whether this machine hashes 16 messages side by side.
pub fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Say whether this machine has the SHA extensions of `x86_64`.
pub fn has_shani() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("ssse3")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Hash 16 messages behind a prefix; all have as many blocks.
pub fn hash_16(prefix: u8, lanes: &[&[u8]; 16], out: &mut [Hash; 16]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        // SAFETY: the processor has what the function is compiled for.
        unsafe { avx512::hash_16(prefix, lanes, out) };
        return;
    }
    scalar(prefix, lanes, out);
}

/// Hash 16 pairs of hashes behind 01.
pub fn hash_16_pairs(pairs: &[Hash; 32], out: &mut [Hash; 16]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        // SAFETY: the processor has what the function is compiled for.
        unsafe { avx512::hash_16_pairs(pairs, out) };
        return;
    }
    let lanes: [&[u8]; 16] = std::array::from_fn(|lane| pairs[2 * lane..2 * lane + 2].as_flattened());
    scalar(1, &lanes, out);
}

/// Compress one constant block in 16 lanes `count` times: what the machine's block time is measured by.
pub fn compress_16(count: usize) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { avx512::compress_16(count) };
    }
    (0..count * 16).fold(0, |sum, _| sum ^ u32::from(hash_one(0, &[&[0; 54]])[0]))
}

/// Ask for the first bytes of what is read soon: a group's rounds are longer than the processor looks ahead.
pub fn prefetch<T>(what: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(what)).step_by(64).take(4) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing, and this address is within what is lent.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(what.as_ptr().cast::<i8>().wrapping_add(line)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = what;
}

/// Hash 4 messages behind a prefix; all have as many blocks.
pub fn hash_4(prefix: u8, lanes: &[&[u8]; 4], out: &mut [Hash; 4]) {
    #[cfg(target_arch = "x86_64")]
    if has_shani() {
        // SAFETY: the processor has what the function is compiled for.
        unsafe { shani::hash_4(prefix, lanes, out) };
        return;
    }
    scalar(prefix, lanes, out);
}

fn scalar<const N: usize>(prefix: u8, lanes: &[&[u8]; N], out: &mut [Hash; N]) {
    for (message, hash) in lanes.iter().zip(out) {
        *hash = hash_one(prefix, &[message]);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    const K: [u32; 64] = [
        0x428a_2f98,
        0x7137_4491,
        0xb5c0_fbcf,
        0xe9b5_dba5,
        0x3956_c25b,
        0x59f1_11f1,
        0x923f_82a4,
        0xab1c_5ed5,
        0xd807_aa98,
        0x1283_5b01,
        0x2431_85be,
        0x550c_7dc3,
        0x72be_5d74,
        0x80de_b1fe,
        0x9bdc_06a7,
        0xc19b_f174,
        0xe49b_69c1,
        0xefbe_4786,
        0x0fc1_9dc6,
        0x240c_a1cc,
        0x2de9_2c6f,
        0x4a74_84aa,
        0x5cb0_a9dc,
        0x76f9_88da,
        0x983e_5152,
        0xa831_c66d,
        0xb003_27c8,
        0xbf59_7fc7,
        0xc6e0_0bf3,
        0xd5a7_9147,
        0x06ca_6351,
        0x1429_2967,
        0x27b7_0a85,
        0x2e1b_2138,
        0x4d2c_6dfc,
        0x5338_0d13,
        0x650a_7354,
        0x766a_0abb,
        0x81c2_c92e,
        0x9272_2c85,
        0xa2bf_e8a1,
        0xa81a_664b,
        0xc24b_8b70,
        0xc76c_51a3,
        0xd192_e819,
        0xd699_0624,
        0xf40e_3585,
        0x106a_a070,
        0x19a4_c116,
        0x1e37_6c08,
        0x2748_774c,
        0x34b0_bcb5,
        0x391c_0cb3,
        0x4ed8_aa4a,
        0x5b9c_ca4f,
        0x682e_6ff3,
        0x748f_82ee,
        0x78a5_636f,
        0x84c8_7814,
        0x8cc7_0208,
        0x90be_fffa,
        0xa450_6ceb,
        0xbef9_a3f7,
        0xc671_78f2,
    ];
    const START: [u32; 8] =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

    /// What a block holds beside the message: the prefix, the end mark, the length in bits (FIPS 180-4 §5.1.1).
    fn padding(prefix: u8, size: usize, block: usize) -> [u8; 64] {
        let mut bytes = [0; 64];
        let (total, start) = (size + 1, block * 64);
        if block == 0 {
            bytes[0] = prefix;
        }
        if (start..start + 64).contains(&total) {
            bytes[total - start] = 0x80;
        }
        if block + 1 == blocks(size) {
            bytes[56..].copy_from_slice(&(total as u64 * 8).to_be_bytes());
        }
        bytes
    }

    fn blocks(size: usize) -> usize {
        (size + 1 + 8) / 64 + 1
    }

    pub mod avx512 {
        use std::arch::asm;
        use std::arch::x86_64::{
            __m512i, _mm256_storeu_si256, _mm512_add_epi32, _mm512_castsi512_si256, _mm512_loadu_si512,
            _mm512_maskz_loadu_epi8, _mm512_or_si512, _mm512_ror_epi32, _mm512_set1_epi32, _mm512_set4_epi32,
            _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_slli_epi32, _mm512_srli_epi32,
            _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
            _mm512_unpacklo_epi64,
        };

        use super::{K, START, blocks, padding};
        use crate::Hash;

        type Words = [__m512i; 16];

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        fn splat(word: u32) -> __m512i {
            _mm512_set1_epi32(word.cast_signed())
        }

        /// Return a sum as it is. The compiler reorders additions and puts a round's constant last, where all wait for
        /// it; it does not look through this.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        fn held(mut sum: __m512i) -> __m512i {
            // SAFETY: no instruction at all.
            unsafe { asm!("/* {0} */", inout(zmm_reg) sum, options(pure, nomem, nostack, preserves_flags)) };
            sum
        }

        /// Reverse the bytes of each word: SHA-256 is big-endian.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        fn swap(words: __m512i) -> __m512i {
            _mm512_shuffle_epi8(words, _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203))
        }

        /// Turn 16 rows of 16 words: row `i` of the answer has word `i` of each lane.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        fn transpose(rows: Words) -> Words {
            let mut a = [_mm512_setzero_si512(); 16];
            for i in 0..8 {
                a[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
                a[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
            }
            let mut b = a;
            for i in 0..4 {
                b[4 * i] = _mm512_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
                b[4 * i + 1] = _mm512_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
                b[4 * i + 2] = _mm512_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
                b[4 * i + 3] = _mm512_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
            }
            // b[4 r + c]: word c + 4 q of lanes 4 r to 4 r + 3 in quarter q. Now the quarters change places.
            let mut out = b;
            for c in 0..4 {
                let low = _mm512_shuffle_i32x4::<0x88>(b[c], b[4 + c]);
                let high = _mm512_shuffle_i32x4::<0x88>(b[8 + c], b[12 + c]);
                out[c] = _mm512_shuffle_i32x4::<0x88>(low, high);
                out[8 + c] = _mm512_shuffle_i32x4::<0xdd>(low, high);
                let low = _mm512_shuffle_i32x4::<0xdd>(b[c], b[4 + c]);
                let high = _mm512_shuffle_i32x4::<0xdd>(b[8 + c], b[12 + c]);
                out[4 + c] = _mm512_shuffle_i32x4::<0x88>(low, high);
                out[12 + c] = _mm512_shuffle_i32x4::<0xdd>(low, high);
            }
            out
        }

        macro_rules! round {
            ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident $w:expr, $k:expr) => {
                // What a round waits for is its e and its a, so all else is added before them.
                let ready = held(_mm512_add_epi32($h, _mm512_add_epi32($w, splat($k))));
                let choice = _mm512_ternarylogic_epi32::<0xca>($e, $f, $g);
                let chosen = held(_mm512_add_epi32(ready, choice));
                let sum1 = _mm512_ternarylogic_epi32::<0x96>(
                    _mm512_ror_epi32::<6>($e),
                    _mm512_ror_epi32::<11>($e),
                    _mm512_ror_epi32::<25>($e),
                );
                let majority = _mm512_ternarylogic_epi32::<0xe8>($a, $b, $c);
                let sum0 = _mm512_ternarylogic_epi32::<0x96>(
                    _mm512_ror_epi32::<2>($a),
                    _mm512_ror_epi32::<13>($a),
                    _mm512_ror_epi32::<22>($a),
                );
                let chosen_d = held(_mm512_add_epi32($d, chosen));
                let most = held(_mm512_add_epi32(chosen, majority));
                $d = _mm512_add_epi32(chosen_d, sum1);
                $h = _mm512_add_epi32(held(_mm512_add_epi32(most, sum1)), sum0);
            };
        }

        macro_rules! schedule {
            ($w:ident $i:literal $i1:literal $i9:literal $i14:literal) => {
                let s0 = _mm512_ternarylogic_epi32::<0x96>(
                    _mm512_ror_epi32::<7>($w[$i1]),
                    _mm512_ror_epi32::<18>($w[$i1]),
                    _mm512_srli_epi32::<3>($w[$i1]),
                );
                let s1 = _mm512_ternarylogic_epi32::<0x96>(
                    _mm512_ror_epi32::<17>($w[$i14]),
                    _mm512_ror_epi32::<19>($w[$i14]),
                    _mm512_srli_epi32::<10>($w[$i14]),
                );
                $w[$i] = _mm512_add_epi32(_mm512_add_epi32($w[$i], s0), _mm512_add_epi32($w[$i9], s1));
            };
        }

        macro_rules! sixteen {
            ($w:ident $at:literal $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
                round!($a $b $c $d $e $f $g $h $w[0], K[$at + 0]);
                round!($h $a $b $c $d $e $f $g $w[1], K[$at + 1]);
                round!($g $h $a $b $c $d $e $f $w[2], K[$at + 2]);
                round!($f $g $h $a $b $c $d $e $w[3], K[$at + 3]);
                round!($e $f $g $h $a $b $c $d $w[4], K[$at + 4]);
                round!($d $e $f $g $h $a $b $c $w[5], K[$at + 5]);
                round!($c $d $e $f $g $h $a $b $w[6], K[$at + 6]);
                round!($b $c $d $e $f $g $h $a $w[7], K[$at + 7]);
                round!($a $b $c $d $e $f $g $h $w[8], K[$at + 8]);
                round!($h $a $b $c $d $e $f $g $w[9], K[$at + 9]);
                round!($g $h $a $b $c $d $e $f $w[10], K[$at + 10]);
                round!($f $g $h $a $b $c $d $e $w[11], K[$at + 11]);
                round!($e $f $g $h $a $b $c $d $w[12], K[$at + 12]);
                round!($d $e $f $g $h $a $b $c $w[13], K[$at + 13]);
                round!($c $d $e $f $g $h $a $b $w[14], K[$at + 14]);
                round!($b $c $d $e $f $g $h $a $w[15], K[$at + 15]);
            };
        }

        macro_rules! next {
            ($w:ident) => {
                schedule!($w 0 1 9 14);
                schedule!($w 1 2 10 15);
                schedule!($w 2 3 11 0);
                schedule!($w 3 4 12 1);
                schedule!($w 4 5 13 2);
                schedule!($w 5 6 14 3);
                schedule!($w 6 7 15 4);
                schedule!($w 7 8 0 5);
                schedule!($w 8 9 1 6);
                schedule!($w 9 10 2 7);
                schedule!($w 10 11 3 8);
                schedule!($w 11 12 4 9);
                schedule!($w 12 13 5 10);
                schedule!($w 13 14 6 11);
                schedule!($w 14 15 7 12);
                schedule!($w 15 0 8 13);
            };
        }

        macro_rules! compress {
            ($state:ident, $w:ident) => {
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *$state;
                sixteen!($w 0 a b c d e f g h);
                next!($w);
                sixteen!($w 16 a b c d e f g h);
                next!($w);
                sixteen!($w 32 a b c d e f g h);
                next!($w);
                sixteen!($w 48 a b c d e f g h);
                for (word, add) in $state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                    *word = _mm512_add_epi32(*word, add);
                }
            };
        }

        /// One block in each lane (FIPS 180-4 §6.2.2).
        #[target_feature(enable = "avx512f,avx512bw")]
        fn compress(state: &mut [__m512i; 8], mut w: Words) {
            compress!(state, w);
        }

        /// The second block of a node: the last byte of the pair, the end mark, 65 bytes in bits. Written out once more,
        /// so that the compiler sees through the words that are zero.
        #[target_feature(enable = "avx512f,avx512bw")]
        fn compress_last(state: &mut [__m512i; 8], last: __m512i) {
            let mut w = [_mm512_setzero_si512(); 16];
            w[0] = _mm512_or_si512(last, splat(0x0080_0000));
            w[15] = splat(65 * 8);
            compress!(state, w);
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        fn start() -> [__m512i; 8] {
            let mut state = [_mm512_setzero_si512(); 8];
            for (word, &value) in state.iter_mut().zip(&START) {
                *word = splat(value);
            }
            state
        }
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        fn store(state: &[__m512i; 8], out: &mut [Hash; 16]) {
            let mut rows = [_mm512_setzero_si512(); 16];
            for (row, &word) in rows.iter_mut().zip(state) {
                *row = swap(word);
            }
            for (hash, row) in out.iter_mut().zip(transpose(rows)) {
                // SAFETY: a hash has the 32 bytes that are stored; the store needs no alignment.
                unsafe { _mm256_storeu_si256(hash.as_mut_ptr().cast(), _mm512_castsi512_si256(row)) };
            }
        }

        /// Which bytes of a block a message has that stands behind one byte: byte i of the block is byte
        /// 64 block + i − 1 of the message.
        fn mask(size: usize, block: usize) -> u64 {
            let count = (size + 1).saturating_sub(block * 64).min(64);
            let all = if count == 64 { u64::MAX } else { (1 << count) - 1 };
            if block == 0 { all & !1 } else { all }
        }

        /// The bytes of one block of a message that stands behind one byte, zero where the message has none.
        ///
        /// # Safety
        ///
        /// `mask` is that of the message's size and the block.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        unsafe fn load(message: &[u8], block: usize, mask: u64) -> __m512i {
            let from = message.as_ptr().wrapping_add(block * 64).wrapping_sub(1);
            // SAFETY: the mask lets through bytes of the message only, and those that it holds back are not read.
            unsafe { _mm512_maskz_loadu_epi8(mask, from.cast()) }
        }

        #[target_feature(enable = "avx512f,avx512bw")]
        pub fn hash_16(prefix: u8, lanes: &[&[u8]; 16], out: &mut [Hash; 16]) {
            let mut state = start();
            let size = lanes[0].len();
            let same = lanes.iter().all(|lane| lane.len() == size);
            for block in 0..blocks(size) {
                let (common, all) = (pad(prefix, size, block), mask(size, block));
                let mut rows = [_mm512_setzero_si512(); 16];
                for (row, lane) in rows.iter_mut().zip(lanes) {
                    let (beside, all) =
                        if same { (common, all) } else { (pad(prefix, lane.len(), block), mask(lane.len(), block)) };
                    // SAFETY: the mask is of this lane's size, which is the common one where all are the same.
                    *row = swap(_mm512_or_si512(unsafe { load(lane, block, all) }, beside));
                }
                compress(&mut state, transpose(rows));
            }
            store(&state, out);
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        fn pad(prefix: u8, size: usize, block: usize) -> __m512i {
            let bytes = padding(prefix, size, block);
            // SAFETY: the array has the 64 bytes that are loaded; the load needs no alignment.
            unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
        }

        #[target_feature(enable = "avx512f,avx512bw")]
        pub fn hash_16_pairs(pairs: &[Hash; 32], out: &mut [Hash; 16]) {
            let mut rows = [_mm512_setzero_si512(); 16];
            for (row, pair) in rows.iter_mut().zip(pairs.as_chunks::<2>().0) {
                // SAFETY: two hashes have the 64 bytes that are loaded; the load needs no alignment.
                *row = swap(unsafe { _mm512_loadu_si512(pair.as_ptr().cast()) });
            }
            let words = transpose(rows);
            // The byte before the pair moves each word on by eight bits.
            let mut first = [_mm512_setzero_si512(); 16];
            let mut carried = splat(0x0100_0000);
            for (shifted, word) in first.iter_mut().zip(words) {
                *shifted = _mm512_or_si512(carried, _mm512_srli_epi32::<8>(word));
                carried = _mm512_slli_epi32::<24>(word);
            }
            let mut state = start();
            compress(&mut state, first);
            compress_last(&mut state, carried);
            store(&state, out);
        }

        #[target_feature(enable = "avx512f,avx512bw")]
        pub fn compress_16(count: usize) -> u32 {
            let mut state = start();
            let mut words = [splat(0); 16];
            for _ in 0..count {
                compress(&mut state, words);
                words[0] = state[0];
            }
            let mut out = [[0; 32]; 16];
            store(&state, &mut out);
            u32::from_be_bytes([out[0][0], out[0][1], out[0][2], out[0][3]])
        }
    }

    pub mod shani {
        use std::arch::x86_64::{
            __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_loadu_si128, _mm_set_epi64x,
            _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
            _mm_shuffle_epi32, _mm_storeu_si128,
        };

        use super::{K, START, blocks, padding};
        use crate::Hash;

        #[inline]
        #[target_feature(enable = "sha,sse4.1,ssse3")]
        fn load(bytes: &[u8; 16]) -> __m128i {
            // SAFETY: the array has the 16 bytes that are loaded; the load needs no alignment.
            unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
        }

        #[inline]
        #[target_feature(enable = "sha,sse4.1,ssse3")]
        fn swap(words: __m128i) -> __m128i {
            _mm_shuffle_epi8(words, _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203))
        }

        #[inline]
        #[target_feature(enable = "sha,sse4.1,ssse3")]
        fn words(four: &[u32; 4]) -> __m128i {
            // SAFETY: four words have the 16 bytes that are loaded; the load needs no alignment.
            unsafe { _mm_loadu_si128(four.as_ptr().cast()) }
        }

        /// One block in each of four streams; the state as the instructions have it, (ABEF, CDGH).
        #[inline]
        #[target_feature(enable = "sha,sse4.1,ssse3")]
        fn compress(state: &mut [[__m128i; 2]; 4], block: &[[u8; 64]; 4]) {
            let before = *state;
            let mut w = [[_mm_setzero_si128(); 4]; 4];
            for (words, bytes) in w.iter_mut().zip(block) {
                for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<16>().0) {
                    *word = swap(load(chunk));
                }
            }
            for group in 0..16 {
                let k = words(K[4 * group..].first_chunk().unwrap_or(&[0; 4]));
                for stream in 0..4 {
                    let [abef, cdgh] = state[stream];
                    let x = &mut w[stream];
                    let message = _mm_add_epi32(x[group % 4], k);
                    let cdgh = _mm_sha256rnds2_epu32(cdgh, abef, message);
                    let abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32::<0x0e>(message));
                    state[stream] = [abef, cdgh];
                    let last = x[(group + 3) % 4];
                    let mixed = _mm_add_epi32(
                        _mm_sha256msg1_epu32(x[group % 4], x[(group + 1) % 4]),
                        _mm_alignr_epi8::<4>(last, x[(group + 2) % 4]),
                    );
                    x[group % 4] = _mm_sha256msg2_epu32(mixed, last);
                }
            }
            for (now, before) in state.iter_mut().zip(before) {
                now[0] = _mm_add_epi32(now[0], before[0]);
                now[1] = _mm_add_epi32(now[1], before[1]);
            }
        }

        #[target_feature(enable = "sha,sse4.1,ssse3")]
        pub fn hash_4(prefix: u8, lanes: &[&[u8]; 4], out: &mut [Hash; 4]) {
            let [a, b, c, d, e, f, g, h] = START;
            let mut state = [[words(&[f, e, b, a]), words(&[h, g, d, c])]; 4];
            for number in 0..blocks(lanes[0].len()) {
                let mut block = [[0; 64]; 4];
                for (bytes, lane) in block.iter_mut().zip(lanes) {
                    *bytes = padding(prefix, lane.len(), number);
                    let (first, start) = (usize::from(number == 0), (number * 64).saturating_sub(1));
                    let count = lane.len().saturating_sub(start).min(64 - first);
                    bytes[first..first + count].copy_from_slice(&lane[start.min(lane.len())..][..count]);
                }
                compress(&mut state, &block);
            }
            for (hash, [abef, cdgh]) in out.iter_mut().zip(state) {
                let feba = _mm_shuffle_epi32::<0x1b>(abef);
                let dchg = _mm_shuffle_epi32::<0xb1>(cdgh);
                let halves = [_mm_blend_epi16::<0xf0>(feba, dchg), _mm_alignr_epi8::<8>(dchg, feba)];
                for (half, bytes) in halves.into_iter().zip(hash.as_chunks_mut::<16>().0) {
                    // SAFETY: the array has the 16 bytes that are stored; the store needs no alignment.
                    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), swap(half)) };
                }
            }
        }
    }
}
