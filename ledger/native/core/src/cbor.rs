//! Deterministic CBOR (RFC 8949 §4.2.1), as `ledger/cbor.py` has it: one encoding for each value, and no other is read.

/// The head of an item: what it is, and its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// An integer from 0.
    Unsigned(u64),
    /// An integer below 0: −1 − n.
    Negative(u64),
    /// That many bytes follow.
    Bytes(usize),
    /// That many bytes of UTF-8 follow.
    Text(usize),
    /// That many items follow.
    Array(usize),
    /// That many pairs follow.
    Map(usize),
    /// A boolean.
    Bool(bool),
    /// Nothing.
    Null,
}

/// Reads items one after the other. Each method gives None where the next item is another one, or not in its one
/// encoding.
pub struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Read from the beginning of some bytes.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// Return a reader of what is left.
    #[must_use]
    pub fn rest(&self) -> Self {
        Self { data: self.data, at: self.at }
    }

    /// Return how far it has come, in bytes.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Return the bytes between two places.
    #[must_use]
    pub fn between(&self, start: usize, end: usize) -> &'a [u8] {
        &self.data[start..end]
    }

    /// Return the next item's head. No tags, floats, indefinite lengths or other simple values; the shortest argument.
    pub fn head(&mut self) -> Option<Head> {
        let first = *self.data.get(self.at)?;
        self.at += 1;
        let (major, short) = (first >> 5, first & 31);
        let argument = match short {
            0..24 => u64::from(short),
            24..=27 => {
                let width = 1 << (short - 24);
                let bytes = self.take(width)?;
                let value = bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
                let least = if width == 1 { 24 } else { 1 << (width * 4) };
                (major != 7 && value >= least).then_some(value)?
            }
            _ => return None,
        };
        let count = || usize::try_from(argument).ok().filter(|&count| count <= self.data.len() - self.at);
        Some(match major {
            0 => Head::Unsigned(argument),
            1 => Head::Negative(argument),
            2 => Head::Bytes(count()?),
            3 => Head::Text(count()?),
            4 => Head::Array(count()?),
            5 => Head::Map(count()?),
            7 => match argument {
                20 => Head::Bool(false),
                21 => Head::Bool(true),
                22 => Head::Null,
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Return that many bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.data.len())?;
        let bytes = &self.data[self.at..end];
        self.at = end;
        Some(bytes)
    }

    /// Return that many bytes as text.
    pub fn take_text(&mut self, count: usize) -> Option<&'a str> {
        std::str::from_utf8(self.take(count)?).ok()
    }

    /// Return the integer from 0 that comes next.
    pub fn unsigned(&mut self) -> Option<u64> {
        if let Head::Unsigned(value) = self.head()? { Some(value) } else { None }
    }

    /// Return n of the integer −1 − n that comes next.
    pub fn negative(&mut self) -> Option<u64> {
        if let Head::Negative(value) = self.head()? { Some(value) } else { None }
    }

    /// Return the byte string that comes next.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        if let Head::Bytes(count) = self.head()? { self.take(count) } else { None }
    }

    /// Return the text that comes next.
    pub fn text(&mut self) -> Option<&'a str> {
        if let Head::Text(count) = self.head()? { self.take_text(count) } else { None }
    }

    /// Return the number of pairs of the map that comes next.
    pub fn map(&mut self) -> Option<usize> {
        if let Head::Map(count) = self.head()? { Some(count) } else { None }
    }

    /// Say that nothing follows.
    #[must_use]
    pub fn end(&self) -> Option<()> {
        (self.at == self.data.len()).then_some(())
    }
}

/// Write the head of an item of a major type.
pub fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..24 => out.push(major | bytes[7]),
        24..0x100 => out.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend_from_slice(&bytes[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written is read as the same head, and a longer spelling of it is not.
    #[test]
    fn heads() {
        for argument in [0, 23, 24, 255, 256, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, u64::MAX] {
            let mut bytes = Vec::new();
            write_head(&mut bytes, 0, argument);
            assert_eq!(Reader::new(&bytes).head(), Some(Head::Unsigned(argument)));
        }
        for longer in [&b"\x18\x17"[..], b"\x19\x00\xff", b"\x1a\x00\x00\xff\xff", b"\x1b\0\0\0\0\xff\xff\xff\xff"] {
            assert_eq!(Reader::new(longer).head(), None);
        }
        for refused in [&b"\xc0"[..], b"\xf9\x00\x00", b"\x5f", b"\xf7", b"\xf8\x20", b"\x41", b""] {
            assert_eq!(Reader::new(refused).head(), None, "{refused:02x?}");
        }
    }
}
