//! Whatever is read is the one encoding of what was read, and nothing that comes makes a reader run out of its bytes.

#![no_main]

use fengtu_core::cbor::{Head, Reader, write_head};
use fengtu_core::{json, record};
use libfuzzer_sys::fuzz_target;

const DEPTH_MAX: usize = 16;

/// Copy an item by what its head says; None where it is not in its one encoding.
fn copy(reader: &mut Reader<'_>, out: &mut Vec<u8>, depth: usize) -> Option<()> {
    let head = reader.head()?;
    match head {
        Head::Unsigned(value) => write_head(out, 0, value),
        Head::Negative(value) => write_head(out, 1, value),
        Head::Bytes(count) => {
            write_head(out, 2, count as u64);
            out.extend_from_slice(reader.take(count)?);
        }
        Head::Text(count) => {
            write_head(out, 3, count as u64);
            out.extend_from_slice(reader.take_text(count)?.as_bytes());
        }
        Head::Bool(value) => out.push(0xf4 + u8::from(value)),
        Head::Null => out.push(0xf6),
        Head::Array(count) | Head::Map(count) => {
            if depth == 0 {
                return None;
            }
            let (major, items) = if matches!(head, Head::Array(_)) { (4, count) } else { (5, 2 * count) };
            write_head(out, major, count as u64);
            for _ in 0..items {
                copy(reader, out, depth - 1)?;
            }
        }
    }
    Some(())
}

fn read_json(reader: &mut json::Reader<'_>, depth: usize) -> Option<()> {
    let (end, has_names) = match reader.token()? {
        json::Token::Array if depth > 0 => (b']', false),
        json::Token::Object if depth > 0 => (b'}', true),
        json::Token::Array | json::Token::Object => return None,
        json::Token::Number(value) => return value.is_finite().then_some(()),
        json::Token::Integer(value) => {
            assert!(value.unsigned_abs() < 1 << 53);
            return Some(());
        }
        _ => return Some(()),
    };
    let mut first = true;
    while reader.more(end, first)? {
        first = false;
        if has_names {
            reader.name()?;
        }
        read_json(reader, depth - 1)?;
    }
    Some(())
}

fuzz_target!(|data: &[u8]| {
    let (mut reader, mut out) = (Reader::new(data), Vec::new());
    if copy(&mut reader, &mut out, DEPTH_MAX).is_some() {
        assert_eq!(out, data[..reader.position()]);
    }
    if let Some(found) = record::decode(data) {
        let (mut reader, mut out) = (Reader::new(&data[1..]), Vec::new());
        assert_eq!(data[0], 0xd2, "a COSE_Sign1 is tagged");
        assert_eq!(copy(&mut reader, &mut out, DEPTH_MAX), Some(()));
        assert_eq!(out, data[1..], "a record is one item");
        assert_eq!((found.document_hash.len(), found.kid.len(), found.signature.len()), (32, 32, 64));
        let signed = found.signed();
        let mut reader = Reader::new(&signed);
        assert_eq!(reader.head(), Some(Head::Array(4)));
        assert_eq!(reader.text(), Some("Signature1"));
        assert_eq!(reader.bytes(), Some(found.protected));
        assert_eq!(reader.bytes(), Some(&b""[..]));
        assert_eq!(reader.bytes(), Some(found.document_hash));
        assert_eq!(reader.end(), Some(()));
    }
    if let Some(mut reader) = json::Reader::new(data) {
        let _ = read_json(&mut reader, DEPTH_MAX);
    }
});
