//! I-JSON (RFC 7493), read token by token. None where a text is not taken: the reference says why.

use std::borrow::Cow;

/// The largest integer that every reader holds exactly, 2^53 − 1.
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// What begins at a place in a text.
#[derive(Debug, PartialEq)]
pub enum Token<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer within ±(2^53 − 1).
    Integer(i64),
    /// A number with a fraction or an exponent.
    Number(f64),
    /// A text, its escapes resolved.
    Text(Cow<'a, str>),
    /// `[`; items follow, each asked for by [`Reader::more`].
    Array,
    /// `{`; a name and a value follow for each [`Reader::more`].
    Object,
}

/// A place in a text.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning; None where the bytes are not UTF-8.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Option<Self> {
        std::str::from_utf8(data).ok().map(|text| Self { text, at: 0 })
    }

    /// The next value's token.
    pub fn token(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        match self.peek()? {
            b'{' => Some(self.take(1, Token::Object)),
            b'[' => Some(self.take(1, Token::Array)),
            b'"' => self.string().map(Token::Text),
            b'n' => self.word("null", Token::Null),
            b't' => self.word("true", Token::Bool(true)),
            b'f' => self.word("false", Token::Bool(false)),
            _ => self.number(),
        }
    }

    /// Whether an array or object goes on; `first` before its first item. None where neither a comma nor `end` stands.
    pub fn more(&mut self, end: u8, first: bool) -> Option<bool> {
        self.skip_space();
        let next = self.peek()?;
        if next == end {
            self.at += 1;
            return Some(false);
        }
        if first {
            return Some(true);
        }
        (next == b',').then(|| {
            self.at += 1;
            true
        })
    }

    /// A member's name and the colon after it.
    pub fn name(&mut self) -> Option<Cow<'a, str>> {
        self.skip_space();
        let name = (self.peek()? == b'"').then(|| self.string())??;
        self.skip_space();
        (self.peek()? == b':').then(|| self.at += 1)?;
        Some(name)
    }

    /// That nothing but space is left.
    pub fn end(&mut self) -> Option<()> {
        self.skip_space();
        (self.at == self.text.len()).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, count: usize, token: Token<'a>) -> Token<'a> {
        self.at += count;
        token
    }

    fn word(&mut self, word: &str, token: Token<'a>) -> Option<Token<'a>> {
        self.text[self.at..].starts_with(word).then(|| self.take(word.len(), token))
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    /// A number by the grammar of RFC 8259 §6.
    fn number(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leads_with_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leads_with_zero && whole > 1) {
            return None;
        }
        let mut integral = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            integral = false;
            (self.digits() > 0).then_some(())?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            integral = false;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            (self.digits() > 0).then_some(())?;
        }
        let text = &self.text[start..self.at];
        if integral {
            let value: i64 = text.parse().ok()?;
            return (value.abs() <= INTEGER_MAX).then_some(Token::Integer(value));
        }
        let value: f64 = text.parse().ok()?;
        value.is_finite().then_some(Token::Number(value))
    }

    /// A text; most have no escapes and are handed on as they stand.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(Cow::Borrowed(&self.text[start..self.at - 1]));
                }
                b'\\' => break,
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
        let mut text = String::from(&self.text[start..self.at]);
        loop {
            let from = self.at;
            while !matches!(self.peek()?, b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            text.push_str(&self.text[from..self.at]);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(Cow::Owned(text));
                }
                b'\\' => text.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let letter = *self.text.as_bytes().get(self.at + 1)?;
        self.at += 2;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return None,
        })
    }

    /// The character of `\uXXXX`, or of two of them that are a surrogate pair; a lone surrogate is none.
    fn code_point(&mut self) -> Option<char> {
        let first = self.hex_4()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.text[self.at..].starts_with("\\u").then(|| self.at += 2)?;
        let second = self.hex_4()?;
        (0xdc00..0xe000).contains(&second).then_some(())?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    fn hex_4(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        let mut value = 0;
        for digit in digits {
            value = value * 16 + char::from(*digit).to_digit(16)?;
        }
        self.at += 4;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Option<Token<'_>> {
        let mut reader = Reader::new(text.as_bytes())?;
        let token = reader.token()?;
        reader.end().map(|()| token)
    }

    #[test]
    fn scalars() {
        assert_eq!(only(" -0 "), Some(Token::Integer(0)));
        assert_eq!(only("9007199254740991"), Some(Token::Integer(INTEGER_MAX)));
        assert_eq!(only("1.5e3"), Some(Token::Number(1500.0)));
        assert_eq!(only("\"a\\u00e9\\ud83d\\ude00\\n\""), Some(Token::Text("aé😀\n".into())));
        for refused in [
            "",
            "01",
            "1.",
            ".5",
            "1e",
            "-",
            "9007199254740992",
            "1e999",
            "nul",
            "NaN",
            "\"\\ud800\"",
            "\"\t\"",
            "\"a",
            "1 2",
        ] {
            assert_eq!(only(refused), None, "{refused}");
        }
    }

    #[test]
    fn members() {
        let mut reader = Reader::new(b"{ \"a\" : [ 1 , true ] }").unwrap();
        assert_eq!(reader.token(), Some(Token::Object));
        assert_eq!(reader.more(b'}', true), Some(true));
        assert_eq!(reader.name().as_deref(), Some("a"));
        assert_eq!(reader.token(), Some(Token::Array));
        assert_eq!(reader.more(b']', true), Some(true));
        assert_eq!(reader.token(), Some(Token::Integer(1)));
        assert_eq!(reader.more(b']', false), Some(true));
        assert_eq!(reader.token(), Some(Token::Bool(true)));
        assert_eq!(reader.more(b']', false), Some(false));
        assert_eq!(reader.more(b'}', false), Some(false));
        assert_eq!(reader.end(), Some(()));
    }
}
