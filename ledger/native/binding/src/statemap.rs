//! The verifiable map as a Python class.

use fengtu_core::statemap;
use pyo3::exceptions::{PyIndexError, PyOverflowError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

/// A map from byte strings to byte strings. A pair that is too large raises `OverflowError`, and nothing is set.
#[pyclass(module = "ledger._native")]
pub struct StateMap {
    map: statemap::StateMap,
}

#[pymethods]
impl StateMap {
    #[new]
    fn new() -> Self {
        Self { map: statemap::StateMap::default() }
    }

    fn __len__(&self) -> usize {
        self.map.len()
    }

    fn get<'py>(&self, py: Python<'py>, key: &[u8]) -> Option<Bound<'py, PyBytes>> {
        self.map.get(key).map(|value| PyBytes::new(py, value))
    }

    fn set_many(&mut self, py: Python<'_>, pairs: &Bound<'_, PyList>) -> PyResult<()> {
        // Copied one after the other: cheaper than holding a million objects, and read without the interpreter's lock.
        let mut data = Vec::new();
        let mut sizes = Vec::with_capacity(pairs.len());
        for pair in pairs.iter() {
            let pair = pair.cast::<PyTuple>()?;
            let (key, value) = (pair.get_borrowed_item(0)?, pair.get_borrowed_item(1)?);
            let (key, value) = (key.cast::<PyBytes>()?, value.cast::<PyBytes>()?);
            data.extend_from_slice(key.as_bytes());
            data.extend_from_slice(value.as_bytes());
            sizes.push((key.as_bytes().len(), value.as_bytes().len()));
        }
        let set = || {
            let mut rest = data.as_slice();
            let mut take = |size| {
                let (taken, left) = rest.split_at(size);
                rest = left;
                taken
            };
            let slices: Vec<statemap::Pair<'_>> = sizes.iter().map(|&(key, value)| (take(key), take(value))).collect();
            self.map.set_many(&slices)
        };
        py.detach(set).map_err(|_| PyOverflowError::new_err("a key or a value is too large"))
    }

    fn root<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.map.root()))
    }

    fn prove<'py>(&mut self, py: Python<'py>, key: &[u8]) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.map.prove(key))
    }

    fn prove_prefix<'py>(&mut self, py: Python<'py>, prefix: &[u8], bits: usize) -> PyResult<Bound<'py, PyBytes>> {
        check_bits(prefix, bits)?;
        Ok(PyBytes::new(py, &self.map.prove_prefix(prefix, bits)))
    }

    fn items_with_prefix<'py>(
        &self,
        py: Python<'py>,
        prefix: &[u8],
        bits: usize,
    ) -> PyResult<Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>> {
        check_bits(prefix, bits)?;
        let found = self.map.items_with_prefix(prefix, bits);
        Ok(found.into_iter().map(|(key, value)| (PyBytes::new(py, key), PyBytes::new(py, value))).collect())
    }

    /// How many bytes it takes.
    fn memory(&self) -> usize {
        self.map.memory()
    }
}

fn check_bits(prefix: &[u8], bits: usize) -> PyResult<()> {
    if bits > prefix.len() * 8 { Err(PyIndexError::new_err("more bits than the prefix has")) } else { Ok(()) }
}
