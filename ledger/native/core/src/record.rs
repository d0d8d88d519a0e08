//! Records, as `ledger/record.py` has them: a `COSE_Sign1` in its one encoding.
//!
//! What is read here is exactly what the reference reads; tests hold the two against each other on whatever comes.

use crate::cbor::Reader;

const SIZE_MAX: usize = 65_535;
const NAME_SIZE_MAX: usize = 512;
const TIME_MAX_S: u64 = (1 << 53) / 1000;
const TYP: &str = "application/vnd.fengtu.record+cose";

/// A record in its parts, all within the statement.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The signing key's thumbprint.
    pub kid: &'a [u8],
    /// What its document is.
    pub kind: &'a str,
    /// The actor.
    pub issuer: &'a str,
    /// What it is about.
    pub subject: &'a str,
    /// The log that it is for.
    pub audience: &'a str,
    /// Unix seconds.
    pub issued_at_s: u64,
    /// Unix seconds from which it must not be let in.
    pub expires_at_s: Option<u64>,
    /// SHA-256 of its document.
    pub document_hash: &'a [u8],
    /// 64 bytes.
    pub signature: &'a [u8],
    /// The protected header, as it is signed.
    pub protected: &'a [u8],
}

impl Record<'_> {
    /// Return what the signature is over: `["Signature1", protected, h'', payload]` (RFC 9052 §4.4).
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.protected.len() + 64);
        bytes.extend_from_slice(b"\x84\x6aSignature1");
        crate::cbor::write_head(&mut bytes, 2, self.protected.len() as u64);
        bytes.extend_from_slice(self.protected);
        bytes.extend_from_slice(b"\x40\x58\x20");
        bytes.extend_from_slice(self.document_hash);
        bytes
    }
}

/// Return the record in a statement, None where it is none in its one encoding.
#[must_use]
pub fn decode(statement: &[u8]) -> Option<Record<'_>> {
    if statement.len() > SIZE_MAX {
        return None;
    }
    // 18([protected, {}, payload, signature]); the order of the labels is that of their encodings.
    let mut outer = Reader::new(statement.strip_prefix(b"\xd2\x84")?);
    let protected = outer.bytes()?;
    (outer.map()? == 0).then_some(())?;
    let document_hash = sized(outer.bytes()?, 32)?;
    let signature = sized(outer.bytes()?, 64)?;
    outer.end()?;

    let mut header = Reader::new(protected);
    (header.map()? == 6).then_some(())?;
    label(&mut header, 1)?;
    (header.negative()? == 7).then_some(())?; // -8, EdDSA
    label(&mut header, 4)?;
    let kid = sized(header.bytes()?, 32)?;
    label(&mut header, 15)?;
    let claims = header.map()?;
    label(&mut header, 1)?;
    let issuer = name(&mut header)?;
    label(&mut header, 2)?;
    let subject = name(&mut header)?;
    label(&mut header, 3)?;
    let audience = name(&mut header)?;
    let expires_at_s = match claims {
        4 => None,
        5 => {
            label(&mut header, 4)?;
            Some(time(&mut header)?)
        }
        _ => return None,
    };
    label(&mut header, 6)?;
    let issued_at_s = time(&mut header)?;
    label(&mut header, 16)?;
    (header.text()? == TYP).then_some(())?;
    label(&mut header, 258)?;
    (header.negative()? == 15).then_some(())?; // -16, SHA-256
    label(&mut header, 259)?;
    let kind = kind(header.text()?)?;
    header.end()?;
    Some(Record {
        kid,
        kind,
        issuer,
        subject,
        audience,
        issued_at_s,
        expires_at_s,
        document_hash,
        signature,
        protected,
    })
}

fn sized(bytes: &[u8], size: usize) -> Option<&[u8]> {
    (bytes.len() == size).then_some(bytes)
}

fn label(reader: &mut Reader<'_>, wanted: u64) -> Option<()> {
    (reader.unsigned()? == wanted).then_some(())
}

fn name<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    let text = reader.text()?;
    (!text.is_empty() && text.len() <= NAME_SIZE_MAX).then_some(text)
}

fn time(reader: &mut Reader<'_>) -> Option<u64> {
    let seconds = reader.unsigned()?;
    (seconds <= TIME_MAX_S).then_some(seconds)
}

fn kind(content_type: &str) -> Option<&str> {
    let kind = content_type.strip_prefix("application/vnd.fengtu.")?.strip_suffix("+json")?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-';
    let begins = kind.bytes().next()?.is_ascii_lowercase();
    (begins && kind.len() <= 64 && kind.bytes().all(plain)).then_some(kind)
}
