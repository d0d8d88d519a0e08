//! I-JSON to Python's values. What is not taken gives None: the reference says why.

use fengtu_core::json::{Reader, Token};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyList, PyString};

/// The value of a text in a tuple of one; None where it is not I-JSON or nests deeper.
#[pyfunction]
pub fn json_decode<'py>(py: Python<'py>, data: &[u8], depth_max: usize) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
    let Some(mut reader) = Reader::new(data) else { return Ok(None) };
    let found = read(py, &mut reader, depth_max)?;
    Ok(found.filter(|_| reader.end().is_some()).map(|value| (value,)))
}

fn read<'py>(py: Python<'py>, reader: &mut Reader<'_>, depth: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(token) = reader.token() else { return Ok(None) };
    Ok(match token {
        Token::Null => Some(py.None().into_bound(py)),
        Token::Bool(value) => Some(PyBool::new(py, value).to_owned().into_any()),
        Token::Integer(value) => Some(value.into_pyobject(py)?.into_any()),
        Token::Number(value) => Some(PyFloat::new(py, value).into_any()),
        Token::Text(text) => Some(PyString::new(py, &text).into_any()),
        Token::Array | Token::Object if depth == 0 => None,
        Token::Array => read_array(py, reader, depth)?,
        Token::Object => read_object(py, reader, depth)?,
    })
}

fn read_array<'py>(py: Python<'py>, reader: &mut Reader<'_>, depth: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
    let items = PyList::empty(py);
    loop {
        match reader.more(b']', items.is_empty()) {
            None => return Ok(None),
            Some(false) => return Ok(Some(items.into_any())),
            Some(true) => {
                let Some(item) = read(py, reader, depth - 1)? else { return Ok(None) };
                items.append(item)?;
            }
        }
    }
}

fn read_object<'py>(py: Python<'py>, reader: &mut Reader<'_>, depth: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
    let members = PyDict::new(py);
    let mut count = 0;
    loop {
        match reader.more(b'}', count == 0) {
            None => return Ok(None),
            Some(false) => return Ok(Some(members.into_any())),
            Some(true) => {
                let Some(name) = reader.name() else { return Ok(None) };
                let name = PyString::new(py, &name);
                let Some(value) = read(py, reader, depth - 1)? else { return Ok(None) };
                members.set_item(name, value)?;
                count += 1;
                if members.len() != count {
                    return Ok(None);
                }
            }
        }
    }
}
