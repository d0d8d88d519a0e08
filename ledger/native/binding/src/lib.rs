//! `ledger._native`: what the core does, handed to Python. `ledger/_native.pyi` is its contract.

// PyO3 hands over what it took out of Python's objects; `'py` is written out where it ties an answer to the interpreter.
#![allow(clippy::needless_pass_by_value, clippy::elidable_lifetime_names)]

mod cbor;
mod changes;
mod json;
mod statemap;
mod tree;

use std::sync::OnceLock;

use fengtu_core::ed25519::{Keys, Signed};
use fengtu_core::record;
use fengtu_core::sha256::Engine;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyString};

/// `ledger._native`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{check_signatures, compress_16, decode_record, decode_records, engine, fact_prefix, sources, threads};
    #[pymodule_export]
    use crate::cbor::{cbor_decode, cbor_encode};
    #[pymodule_export]
    use crate::changes::changes_rows;
    #[pymodule_export]
    use crate::json::json_decode;
    #[pymodule_export]
    use crate::statemap::StateMap;
    #[pymodule_export]
    use crate::tree::{
        append_to_edge, hash_levels, leaf_hashes, perfect_root, perfect_roots, prove_consistency, prove_inclusion,
        root, root_from_inclusion, root_of_contiguous, root_of_edge, root_of_entries, roots_from_consistency,
    };
}

/// How SHA-256 is computed.
#[pyfunction]
fn engine() -> &'static str {
    Engine::chosen().name()
}

/// How many threads work in parallel.
#[pyfunction]
fn threads() -> usize {
    fengtu_core::threads()
}

/// The SHA-256 of the Rust sources this was built from, in hex.
#[pyfunction]
fn sources() -> &'static str {
    env!("FENGTU_SOURCES")
}

#[pyfunction]
fn compress_16(py: Python<'_>, count: usize) -> u32 {
    py.detach(|| fengtu_core::sha256::compress_16(count))
}

/// The 33 bytes of `ledger.facts.fact_prefix`; None where a part is neither text nor bytes, or longer than 65,535 bytes.
#[pyfunction]
fn fact_prefix<'py>(py: Python<'py>, kind: u8, parts: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let mut data = Vec::with_capacity(96);
    for part in parts.try_iter()? {
        let part = part?;
        let size_at = data.len();
        data.extend_from_slice(&[0, 0]);
        if let Ok(bytes) = part.cast_exact::<PyBytes>() {
            data.extend_from_slice(bytes.as_bytes());
        } else if let Ok(text) = part.cast_exact::<PyString>() {
            let Ok(text) = text.to_cow() else { return Ok(None) };
            data.extend_from_slice(text.as_bytes());
        } else {
            return Ok(None);
        }
        let Ok(size) = u16::try_from(data.len() - size_at - 2) else { return Ok(None) };
        data[size_at..size_at + 2].copy_from_slice(&size.to_be_bytes());
    }
    let mut prefix = [0; 33];
    prefix[0] = kind;
    prefix[1..].copy_from_slice(&fengtu_core::sha256::digest(&data));
    Ok(Some(PyBytes::new(py, &prefix)))
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(Keys::default)
}

/// The number of the first of (public key, message, signature) that does not verify, None where all do.
#[pyfunction]
#[pyo3(signature = (signatures, *, parallel = true))]
fn check_signatures(
    py: Python<'_>,
    signatures: Vec<(PyBackedBytes, PyBackedBytes, PyBackedBytes)>,
    parallel: bool,
) -> Option<usize> {
    let all: Vec<Signed<'_>> =
        signatures.iter().map(|(public_key, message, signature)| Signed { public_key, message, signature }).collect();
    py.detach(|| keys().first_bad(&all, parallel))
}

type Fields<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyString>,
    Bound<'py, PyString>,
    Bound<'py, PyString>,
    Bound<'py, PyString>,
    u64,
    Option<u64>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
);

fn fields<'py>(py: Python<'py>, statement: &[u8]) -> Option<Fields<'py>> {
    let found = record::decode(statement)?;
    Some((
        PyBytes::new(py, found.kid),
        PyString::intern(py, found.kind),
        PyString::new(py, found.issuer),
        PyString::new(py, found.subject),
        PyString::new(py, found.audience),
        found.issued_at_s,
        found.expires_at_s,
        PyBytes::new(py, found.document_hash),
        PyBytes::new(py, found.signature),
        PyBytes::new(py, &found.signed()),
    ))
}

/// A record's fields in the order of `ledger.record.Record` after its statement; None where it is none.
#[pyfunction]
fn decode_record<'py>(py: Python<'py>, statement: &[u8]) -> Option<Fields<'py>> {
    fields(py, statement)
}

/// The same of many.
#[pyfunction]
fn decode_records(py: Python<'_>, statements: Vec<PyBackedBytes>) -> Vec<Option<Fields<'_>>> {
    statements.iter().map(|statement| fields(py, statement)).collect()
}
