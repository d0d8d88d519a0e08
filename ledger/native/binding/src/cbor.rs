//! Deterministic CBOR to Python's values and back. What is not taken gives None: the reference says why.

use fengtu_core::cbor::{Head, Reader, write_head};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};

/// The value of an encoding in a tuple of one; None where it is not deterministic or nests deeper.
#[pyfunction]
pub fn cbor_decode<'py>(py: Python<'py>, data: &[u8], depth_max: usize) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
    let mut reader = Reader::new(data);
    let found = read(py, &mut reader, depth_max)?;
    Ok(found.filter(|_| reader.end().is_some()).map(|value| (value,)))
}

fn read<'py>(py: Python<'py>, reader: &mut Reader<'_>, depth: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(head) = reader.head() else { return Ok(None) };
    Ok(match head {
        Head::Unsigned(value) => Some(value.into_pyobject(py)?.into_any()),
        Head::Negative(value) => Some((-1 - i128::from(value)).into_pyobject(py)?.into_any()),
        Head::Bytes(count) => reader.take(count).map(|bytes| PyBytes::new(py, bytes).into_any()),
        Head::Text(count) => reader.take_text(count).map(|text| PyString::new(py, text).into_any()),
        Head::Bool(value) => Some(PyBool::new(py, value).to_owned().into_any()),
        Head::Null => Some(py.None().into_bound(py)),
        Head::Array(_) | Head::Map(_) if depth == 0 => None,
        Head::Array(count) => {
            let mut items = Vec::with_capacity(count.min(1024));
            for _ in 0..count {
                let Some(item) = read(py, reader, depth - 1)? else { return Ok(None) };
                items.push(item);
            }
            Some(PyList::new(py, items)?.into_any())
        }
        Head::Map(count) => read_map(py, reader, depth, count)?,
    })
}

fn read_map<'py>(
    py: Python<'py>,
    reader: &mut Reader<'_>,
    depth: usize,
    count: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let map = PyDict::new(py);
    let mut last: &[u8] = &[];
    for _ in 0..count {
        let start = reader.position();
        // Keys are integers, texts or byte strings; their encodings rise, so none comes twice.
        if let None | Some(Head::Array(_) | Head::Map(_) | Head::Bool(_) | Head::Null) = peek(reader) {
            return Ok(None);
        }
        let Some(key) = read(py, reader, depth - 1)? else { return Ok(None) };
        let encoded = reader.between(start, reader.position());
        if encoded <= last {
            return Ok(None);
        }
        last = encoded;
        let Some(value) = read(py, reader, depth - 1)? else { return Ok(None) };
        map.set_item(key, value)?;
    }
    Ok(Some(map.into_any()))
}

fn peek(reader: &Reader<'_>) -> Option<Head> {
    reader.rest().head()
}

/// The deterministic encoding of a value; None where it has none.
#[pyfunction]
pub fn cbor_encode<'py>(
    py: Python<'py>,
    value: &Bound<'py, PyAny>,
    depth_max: usize,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let mut out = Vec::with_capacity(128);
    Ok(write(&mut out, value, depth_max)?.map(|()| PyBytes::new(py, &out)))
}

fn write(out: &mut Vec<u8>, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<Option<()>> {
    if value.is_none() {
        out.push(0xf6);
    } else if let Ok(flag) = value.cast_exact::<PyBool>() {
        out.push(if flag.is_true() { 0xf5 } else { 0xf4 });
    } else if let Ok(text) = value.cast_exact::<PyString>() {
        let Ok(text) = text.to_cow() else { return Ok(None) };
        write_head(out, 3, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    } else if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        let bytes = bytes.as_bytes();
        write_head(out, 2, bytes.len() as u64);
        out.extend_from_slice(bytes);
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        let Ok(number) = number.extract::<i128>() else { return Ok(None) };
        let (major, argument) = if number < 0 { (1, -1 - number) } else { (0, number) };
        let Ok(argument) = u64::try_from(argument) else { return Ok(None) };
        write_head(out, major, argument);
    } else if depth == 0 {
        return Ok(None);
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        write_head(out, 4, list.len() as u64);
        for item in list.iter() {
            if write(out, &item, depth - 1)?.is_none() {
                return Ok(None);
            }
        }
    } else if let Ok(list) = value.cast_exact::<PyTuple>() {
        write_head(out, 4, list.len() as u64);
        for item in list.iter() {
            if write(out, &item, depth - 1)?.is_none() {
                return Ok(None);
            }
        }
    } else if let Ok(map) = value.cast_exact::<PyDict>() {
        return write_map(out, map, depth);
    } else {
        return Ok(None);
    }
    Ok(Some(()))
}

/// Maps go out in the order of their encoded keys (§4.2.1).
fn write_map(out: &mut Vec<u8>, map: &Bound<'_, PyDict>, depth: usize) -> PyResult<Option<()>> {
    write_head(out, 5, map.len() as u64);
    let mut pairs = Vec::with_capacity(map.len());
    for (key, value) in map.iter() {
        if !(key.is_exact_instance_of::<PyString>()
            || key.is_exact_instance_of::<PyInt>()
            || key.is_exact_instance_of::<PyBytes>())
        {
            return Ok(None);
        }
        let mut encoded = Vec::with_capacity(32);
        if write(&mut encoded, &key, depth - 1)?.is_none() {
            return Ok(None);
        }
        pairs.push((encoded, value));
    }
    pairs.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    for (key, value) in pairs {
        out.extend_from_slice(&key);
        if write(out, &value, depth - 1)?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(()))
}
