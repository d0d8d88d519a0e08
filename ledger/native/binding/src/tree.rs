//! The tree: roots, proofs and edges over Python's lists and bytes. A hash that does not have 32 bytes gives None.

use fengtu_core::sha256::Contiguous;
use fengtu_core::{Hash, edge, merkle, proof};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

fn hashes_of(list: &[PyBackedBytes]) -> Option<Vec<Hash>> {
    list.iter().map(|bytes| Hash::try_from(&**bytes).ok()).collect()
}

fn bytes_of<'py>(py: Python<'py>, hashes: &[Hash]) -> Vec<Bound<'py, PyBytes>> {
    hashes.iter().map(|hash| PyBytes::new(py, hash)).collect()
}

/// The root over leaf hashes; None where one does not have 32 bytes.
#[pyfunction]
#[pyo3(signature = (leaf_hashes, *, parallel = true))]
pub fn root<'py>(py: Python<'py>, leaf_hashes: Vec<PyBackedBytes>, parallel: bool) -> Option<Bound<'py, PyBytes>> {
    let hashes = hashes_of(&leaf_hashes)?;
    Some(PyBytes::new(py, &py.detach(|| merkle::root(&hashes, parallel))))
}

/// The root over entries in a list.
#[pyfunction]
#[pyo3(signature = (entries, *, parallel = true))]
pub fn root_of_entries<'py>(py: Python<'py>, entries: Vec<PyBackedBytes>, parallel: bool) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &py.detach(|| merkle::root_of_entries(entries.as_slice(), parallel)))
}

/// The root over entries that lie one after the other.
#[pyfunction]
#[pyo3(signature = (data, offsets, *, parallel = true))]
pub fn root_of_contiguous<'py>(
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

/// The leaf hashes of entries in a list.
#[pyfunction]
#[pyo3(signature = (entries, *, parallel = true))]
pub fn leaf_hashes<'py>(py: Python<'py>, entries: Vec<PyBackedBytes>, parallel: bool) -> Vec<Bound<'py, PyBytes>> {
    let hashes = py.detach(|| merkle::leaf_hashes(entries.as_slice(), parallel));
    bytes_of(py, &hashes)
}

/// The root of each run of `width` hashes, a power of two; None where one does not have 32 bytes.
#[pyfunction]
pub fn perfect_roots<'py>(
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
pub fn hash_levels<'py>(py: Python<'py>, leaf_hashes: Vec<PyBackedBytes>) -> Option<Vec<Vec<Bound<'py, PyBytes>>>> {
    let mut row = hashes_of(&leaf_hashes)?;
    let mut levels = Vec::new();
    while row.len() > 1 {
        row = py.detach(|| merkle::above(&row));
        levels.push(bytes_of(py, &row));
    }
    Some(levels)
}

/// The root of a perfect tree over hashes that lie one after the other; None where they are not a power of two of them.
#[pyfunction]
pub fn perfect_root<'py>(py: Python<'py>, hashes: &[u8]) -> Option<Bound<'py, PyBytes>> {
    let hashes = contiguous(hashes)?;
    hashes.len().is_power_of_two().then(|| PyBytes::new(py, &merkle::root(hashes, false)))
}

/// The inclusion proof of a leaf over leaf hashes; None where there is no such leaf.
#[pyfunction]
pub fn prove_inclusion<'py>(
    py: Python<'py>,
    leaf_hashes: Vec<PyBackedBytes>,
    index: usize,
) -> Option<Vec<Bound<'py, PyBytes>>> {
    let hashes = hashes_of(&leaf_hashes)?;
    py.detach(|| proof::prove_inclusion(&hashes, index)).map(|proof| bytes_of(py, &proof))
}

/// The proof that the tree of the first `size` leaf hashes is a beginning of that of all; None where there are none such.
#[pyfunction]
pub fn prove_consistency<'py>(
    py: Python<'py>,
    leaf_hashes: Vec<PyBackedBytes>,
    size: usize,
) -> Option<Vec<Bound<'py, PyBytes>>> {
    let hashes = hashes_of(&leaf_hashes)?;
    py.detach(|| proof::prove_consistency(&hashes, size)).map(|proof| bytes_of(py, &proof))
}

/// The root that an inclusion proof leads to; None where it leads to none.
#[pyfunction]
pub fn root_from_inclusion<'py>(
    py: Python<'py>,
    leaf_hash: &[u8],
    index: u64,
    size: u64,
    proof: Vec<PyBackedBytes>,
) -> Option<Bound<'py, PyBytes>> {
    let (leaf, proof) = (Hash::try_from(leaf_hash).ok()?, hashes_of(&proof)?);
    proof::root_from_inclusion(&leaf, index, size, &proof).map(|root| PyBytes::new(py, &root))
}

type Roots<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// Both roots that a consistency proof leads to; None where it leads to none.
#[pyfunction]
pub fn roots_from_consistency<'py>(
    py: Python<'py>,
    size1: u64,
    root1: &[u8],
    size2: u64,
    proof: Vec<PyBackedBytes>,
) -> Option<Roots<'py>> {
    let (root1, proof) = (Hash::try_from(root1).ok()?, hashes_of(&proof)?);
    let (old, new) = proof::roots_from_consistency(size1, &root1, size2, &proof)?;
    Some((PyBytes::new(py, &old), PyBytes::new(py, &new)))
}

type Tiles<'py> = Vec<(u32, u64, Bound<'py, PyBytes>)>;

/// The edge after these leaves, and the tiles that they filled as (level, n, hashes); None where the edge is not one of
/// that size.
#[pyfunction]
pub fn append_to_edge<'py>(
    py: Python<'py>,
    size: u64,
    edge: &[u8],
    leaf_hashes: Vec<PyBackedBytes>,
) -> Option<(Bound<'py, PyBytes>, Tiles<'py>)> {
    let (edge, leaves) = (contiguous(edge)?, hashes_of(&leaf_hashes)?);
    let (after, tiles) = edge::append(size, edge, &leaves)?;
    let tiles = tiles.iter().map(|tile| (tile.level, tile.n, PyBytes::new(py, tile.hashes.as_flattened()))).collect();
    Some((PyBytes::new(py, after.as_flattened()), tiles))
}

/// The root of the tree with this edge; None where it is not one of that size.
#[pyfunction]
pub fn root_of_edge<'py>(py: Python<'py>, size: u64, edge: &[u8]) -> Option<Bound<'py, PyBytes>> {
    edge::root(size, contiguous(edge)?).map(|root| PyBytes::new(py, &root))
}

fn contiguous(data: &[u8]) -> Option<&[Hash]> {
    let (hashes, rest) = data.as_chunks::<32>();
    rest.is_empty().then_some(hashes)
}
