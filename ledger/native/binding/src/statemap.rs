//! The verifiable map as a Python class.

use fengtu_core::cbor::{Head, Reader};
use fengtu_core::statemap;
use pyo3::exceptions::{PyIndexError, PyOverflowError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList, PyTuple};

/// A map from byte strings to byte strings. A pair that is too large raises `OverflowError`, and nothing is set.
#[pyclass(module = "ledger._native")]
pub struct StateMap {
    map: statemap::StateMap,
    gathered: Vec<Pairs>,
}

/// Keys and values one after the other, and their sizes.
#[derive(Default)]
struct Pairs {
    data: Vec<u8>,
    sizes: Vec<(usize, usize)>,
}

impl Pairs {
    fn push(&mut self, key: &[u8], value: &[u8]) {
        self.data.extend_from_slice(key);
        self.data.extend_from_slice(value);
        self.sizes.push((key.len(), value.len()));
    }

    fn iter(&self) -> impl Iterator<Item = statemap::Pair<'_>> {
        let mut rest = self.data.as_slice();
        let mut take = move |size| {
            let (taken, left) = rest.split_at(size);
            rest = left;
            taken
        };
        self.sizes.iter().map(move |&(key, value)| (take(key), take(value)))
    }

    /// Take in the facts of one row of `ledger.changes`: `[[key, value], [key, value, holder]]`.
    fn push_row(&mut self, row: &[u8]) -> Option<()> {
        let mut reader = Reader::new(row);
        let Head::Array(count) = reader.head()? else { return None };
        for _ in 0..count {
            let Head::Array(parts @ (2 | 3)) = reader.head()? else { return None };
            let (key, value) = (reader.bytes()?, reader.bytes()?);
            if parts == 3 {
                reader.text()?;
            }
            self.push(key, value);
        }
        reader.end()
    }
}

#[pymethods]
impl StateMap {
    #[new]
    fn new() -> Self {
        Self { map: statemap::StateMap::default(), gathered: Vec::new() }
    }

    fn __len__(&self) -> usize {
        self.map.len()
    }

    fn get<'py>(&self, py: Python<'py>, key: &[u8]) -> Option<Bound<'py, PyBytes>> {
        self.map.get(key).map(|value| PyBytes::new(py, value))
    }

    fn set_many(&mut self, py: Python<'_>, pairs: &Bound<'_, PyList>) -> PyResult<()> {
        // Copied one after the other: cheaper than holding a million objects, and read without the interpreter's lock.
        let mut all = Pairs::default();
        for pair in pairs.iter() {
            let pair = pair.cast::<PyTuple>()?;
            let (key, value) = (pair.get_borrowed_item(0)?, pair.get_borrowed_item(1)?);
            all.push(key.cast::<PyBytes>()?.as_bytes(), value.cast::<PyBytes>()?.as_bytes());
        }
        self.gathered.push(all);
        self.settle(py)
    }

    /// Take in the facts of rows of changes, to be set by `settle`; False, and nothing is taken, where one is no such row.
    fn gather(&mut self, rows: Vec<PyBackedBytes>) -> bool {
        let mut all = Pairs::default();
        let good = rows.iter().all(|row| all.push_row(row).is_some());
        if good {
            self.gathered.push(all);
        }
        good
    }

    /// Set what was gathered, all or none: in an empty map that is building it in one go.
    fn settle(&mut self, py: Python<'_>) -> PyResult<()> {
        let gathered = std::mem::take(&mut self.gathered);
        let set = || {
            let mut slices = Vec::with_capacity(gathered.iter().map(|pairs| pairs.sizes.len()).sum());
            slices.extend(gathered.iter().flat_map(Pairs::iter));
            self.map.set_many(&slices)
        };
        py.detach(set).map_err(|_| PyOverflowError::new_err("a key or a value is too large"))
    }

    /// Another map with the same pairs, and what was hashed of them.
    fn copy(&self, py: Python<'_>) -> Self {
        Self { map: py.detach(|| self.map.clone()), gathered: Vec::new() }
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
