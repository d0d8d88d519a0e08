//! `ledger._native`: what the core does, handed to Python. `ledger/_native.pyi` is its contract.

// PyO3 hands over what it took out of Python's objects; `'py` is written out where it ties an answer to the interpreter.
#![allow(clippy::needless_pass_by_value, clippy::elidable_lifetime_names)]

mod cbor;
mod json;
mod statemap;

use std::sync::OnceLock;

use fengtu_core::ed25519::{Keys, Signed};
use fengtu_core::sha256::{Contiguous, Engine};
use fengtu_core::{Hash, merkle, record};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyString};

/// `ledger._native`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{
        check_signatures, compress_16, decode_record, decode_records, engine, fact_prefix, hash_levels, leaf_hashes,
        perfect_roots, root, root_of_contiguous, root_of_entries, sources, threads,
    };
    #[pymodule_export]
    use crate::cbor::{cbor_decode, cbor_encode};
    #[pymodule_export]
    use crate::json::json_decode;
    #[pymodule_export]
    use crate::statemap::StateMap;
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

fn hashes_of(list: &[PyBackedBytes]) -> Option<Vec<Hash>> {
    list.iter().map(|bytes| Hash::try_from(&**bytes).ok()).collect()
}

fn bytes_of<'py>(py: Python<'py>, hashes: &[Hash]) -> Vec<Bound<'py, PyBytes>> {
    hashes.iter().map(|hash| PyBytes::new(py, hash)).collect()
}

/// The root over leaf hashes; None where one does not have 32 bytes.
#[pyfunction]
#[pyo3(signature = (leaf_hashes, *, parallel = true))]
fn root<'py>(py: Python<'py>, leaf_hashes: Vec<PyBackedBytes>, parallel: bool) -> Option<Bound<'py, PyBytes>> {
    let hashes = hashes_of(&leaf_hashes)?;
    Some(PyBytes::new(py, &py.detach(|| merkle::root(&hashes, parallel))))
}

#[pyfunction]
#[pyo3(signature = (entries, *, parallel = true))]
fn root_of_entries<'py>(py: Python<'py>, entries: Vec<PyBackedBytes>, parallel: bool) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &py.detach(|| merkle::root_of_entries(entries.as_slice(), parallel)))
}

/// The root over entries that lie one after the other.
#[pyfunction]
#[pyo3(signature = (data, offsets, *, parallel = true))]
fn root_of_contiguous<'py>(
    py: Python<'py>,
    data: PyBackedBytes,
    offsets: PyBuffer<u64>,
    parallel: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let offsets: Vec<usize> = offsets.to_vec(py)?.into_iter().map(|offset| offset as usize).collect();
    let root = py.detach(|| Some(merkle::root_of_entries(&Contiguous::new(&data, &offsets)?, parallel)));
    let root = root.ok_or_else(|| PyValueError::new_err("offsets rise and end within the data"))?;
    Ok(PyBytes::new(py, &root))
}

#[pyfunction]
#[pyo3(signature = (entries, *, parallel = true))]
fn leaf_hashes<'py>(py: Python<'py>, entries: Vec<PyBackedBytes>, parallel: bool) -> Vec<Bound<'py, PyBytes>> {
    let hashes = py.detach(|| merkle::leaf_hashes(entries.as_slice(), parallel));
    bytes_of(py, &hashes)
}

/// The root of each run of `width` hashes, a power of two; None where one does not have 32 bytes.
#[pyfunction]
fn perfect_roots<'py>(
    py: Python<'py>,
    hashes: Vec<PyBackedBytes>,
    width: usize,
) -> PyResult<Option<Vec<Bound<'py, PyBytes>>>> {
    if !width.is_power_of_two() || !hashes.len().is_multiple_of(width) {
        return Err(PyValueError::new_err("the width is a power of two that divides the number of hashes"));
    }
    let Some(hashes) = hashes_of(&hashes) else { return Ok(None) };
    let roots = py.detach(|| merkle::perfect_roots(&hashes, width));
    Ok(Some(bytes_of(py, &roots)))
}

/// The levels of a tree above its leaf hashes, each without a last hash that has no neighbour; None where a hash does not
/// have 32 bytes.
#[pyfunction]
fn hash_levels<'py>(py: Python<'py>, leaf_hashes: Vec<PyBackedBytes>) -> Option<Vec<Vec<Bound<'py, PyBytes>>>> {
    let mut row = hashes_of(&leaf_hashes)?;
    let mut levels = Vec::new();
    while row.len() > 1 {
        row = py.detach(|| merkle::above(&row));
        levels.push(bytes_of(py, &row));
    }
    Some(levels)
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
