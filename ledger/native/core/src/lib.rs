//! Fengtu's throughput core: what `ledger` does in Python, with the same bytes.
//!
//! Nothing here knows of Python. What is refused here is refused without a reason: the caller asks the Python
//! reference, which says why.

pub mod cbor;
pub mod ed25519;
pub mod edge;
pub mod json;
pub mod merkle;
mod pool;
pub mod proof;
pub mod record;
pub mod sha256;
mod simd;
pub mod statemap;

pub use pool::{run, threads};

/// A SHA-256 hash.
pub type Hash = [u8; 32];
