//! The rows of a batch's changes and of their places (`ledger.changes`), for which nothing has to be looked at twice.

use fengtu_core::cbor::write_head;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyList, PyTuple};

const KEY_SIZE: usize = 41;

/// Key, value and holder.
type Fact = (PyBackedBytes, PyBackedBytes, Option<PyBackedStr>);

/// Key, position, value, whether it is private, holder.
type Change<'py> = (PyBackedBytes, Bound<'py, PyBytes>, PyBackedBytes, Bound<'py, PyAny>, Option<PyBackedStr>);

type Rows<'py> = (Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>, Vec<(i64, i64, Bound<'py, PyBytes>)>);

/// The rows of `changes` and of `places`; None where a change is not of its form.
#[pyfunction]
pub fn changes_rows<'py>(py: Python<'py>, changes: &Bound<'py, PyList>) -> Option<Rows<'py>> {
    let mut rows = Vec::new();
    let mut places = Vec::with_capacity(changes.len());
    let mut of_record: Vec<Fact> = Vec::new();
    let mut position: Option<Bound<'py, PyBytes>> = None;
    for change in changes.iter() {
        let Ok(change) = change.cast_into::<PyTuple>() else { return None };
        let Ok((key, at, value, _, holder)) = change.extract::<Change<'py>>() else {
            return None;
        };
        if key.len() != KEY_SIZE {
            return None;
        }
        match &position {
            Some(last) if last.as_bytes() == at.as_bytes() => {}
            _ => {
                if let Some(last) = position.replace(at) {
                    rows.push((last.clone(), row(py, &mut of_record)));
                }
            }
        }
        let (prefix, sequence) = place(&key);
        if let Some(position) = &position {
            places.push((prefix, sequence, position.clone()));
        }
        of_record.push((key, value, holder));
    }
    if let Some(last) = position {
        rows.push((last, row(py, &mut of_record)));
    }
    places.sort_by(|one, other| (one.0, one.1, one.2.as_bytes()).cmp(&(other.0, other.1, other.2.as_bytes())));
    places.dedup_by(|one, other| (one.0, one.1, one.2.as_bytes()) == (other.0, other.1, other.2.as_bytes()));
    Some((rows, places))
}

fn place(key: &[u8]) -> (i64, i64) {
    let number = |at: usize| key[at..at + 8].iter().fold(0, |number, &byte| number << 8 | i64::from(byte));
    (number(0), number(KEY_SIZE - 8))
}

/// The row of one record; what it was made of is gone from the list then.
fn row<'py>(py: Python<'py>, facts: &mut Vec<Fact>) -> Bound<'py, PyBytes> {
    facts.sort_by(|one, other| one.0[..].cmp(&other.0[..]));
    let mut out = Vec::with_capacity(facts.iter().map(|fact| fact.0.len() + fact.1.len() + 64).sum());
    write_head(&mut out, 4, facts.len() as u64);
    for (key, value, holder) in facts.drain(..) {
        write_head(&mut out, 4, if holder.is_some() { 3 } else { 2 });
        for bytes in [&key[..], &value[..]] {
            write_head(&mut out, 2, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
        if let Some(holder) = holder {
            write_head(&mut out, 3, holder.len() as u64);
            out.extend_from_slice(holder.as_bytes());
        }
    }
    PyBytes::new(py, &out)
}
