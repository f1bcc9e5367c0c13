//! Encodings: recognized by byte order mark or NUL pattern or declared, made UTF-8 block by block, and back for evidence.

use anyhow::{Result, bail};

/// Bytes looked at for the NUL pattern of UTF-16 without a byte order mark.
const PATTERN_BYTES: usize = 4 * 1024;

/// Marks a byte that is half of a UTF-16 unit at the end of a file. Never valid in UTF-8, so the record is rejected.
const HALF_UNIT: u8 = 0xff;

/// How text is encoded in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// RFC 3629.
    Utf8,
    /// Sixteen-bit units, low byte first.
    Utf16Le,
    /// Sixteen-bit units, high byte first.
    Utf16Be,
    /// One byte per character; 0x80 to 0x9f as in Windows-1252, since control characters there are always Windows text.
    Latin1,
}

impl Encoding {
    /// Gives the name in configuration and reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Latin1 => "latin-1",
        }
    }

    /// Understands a declared name.
    fn parse(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "utf-8" | "utf8" | "ascii" | "us-ascii" => Ok(Self::Utf8),
            "utf-16le" | "utf-16-le" | "utf16le" => Ok(Self::Utf16Le),
            "utf-16be" | "utf-16-be" | "utf16be" => Ok(Self::Utf16Be),
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "windows-1252" | "cp1252" => Ok(Self::Latin1),
            _ => bail!("encoding \"{name}\" is not known; use utf-8, utf-16le, utf-16be or latin-1"),
        }
    }

    /// Finds the encoding of a file from its first bytes and what was declared; gives the length of the byte order mark too.
    ///
    /// # Errors
    /// When the declared name is unknown or contradicts the byte order mark, or the file is UTF-32.
    pub(super) fn detect(head: &[u8], declared: Option<&str>) -> Result<(Self, usize)> {
        let declared = declared.map(Self::parse).transpose()?;
        let marked = match head {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => bail!("the file is utf-32, which is not read; save it as utf-8"),
            [0xef, 0xbb, 0xbf, ..] => Some((Self::Utf8, 3)),
            [0xff, 0xfe, ..] => Some((Self::Utf16Le, 2)),
            [0xfe, 0xff, ..] => Some((Self::Utf16Be, 2)),
            _ => None,
        };
        match (marked, declared) {
            (Some((found, _)), Some(said)) if found != said => {
                bail!("encoding \"{}\" is declared, but the byte order mark says {}; leave the encoding out", said.name(), found.name())
            }
            (Some(found), _) => Ok(found),
            (None, Some(said)) => Ok((said, 0)),
            (None, None) => Ok((Self::by_pattern(head), 0)),
        }
    }

    /// Recognizes UTF-16 by NUL bytes: most of one half of the units is NUL, and next to none of the other.
    fn by_pattern(head: &[u8]) -> Self {
        let (units, _) = head[..head.len().min(PATTERN_BYTES)].as_chunks::<2>();
        let even = units.iter().filter(|unit| unit[0] == 0).count();
        let odd = units.iter().filter(|unit| unit[1] == 0).count();
        let most = |count: usize| count * 10 >= units.len() * 7;
        let few = |count: usize| count * 100 <= units.len();
        match units.len() {
            0 => Self::Utf8,
            _ if most(odd) && few(even) => Self::Utf16Le,
            _ if most(even) && few(odd) => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }

    /// Gives how many bytes of the file the (transcoded) text took.
    pub(super) fn original_bytes(self, text: &[u8]) -> u64 {
        let characters = || text.iter().filter(|byte| **byte & 0xc0 != 0x80);
        match self {
            Self::Utf8 => text.len() as u64,
            Self::Latin1 => characters().count() as u64,
            Self::Utf16Le | Self::Utf16Be => characters()
                .map(|byte| match *byte {
                    HALF_UNIT => 1,
                    0xf0.. => 4,
                    _ => 2,
                })
                .sum(),
        }
    }

    /// Gives the bytes of the file that became the (transcoded) text.
    pub(super) fn restore(self, text: &[u8]) -> Vec<u8> {
        if self == Self::Utf8 {
            return text.to_vec();
        }
        let mut out = Vec::with_capacity(text.len() * 2);
        for character in text.chunk_by(|_, next| next & 0xc0 == 0x80) {
            if let [HALF_UNIT, low, high] = character {
                out.push((low & 0x3f) | (high << 6));
                continue;
            }
            let code = code_point(character);
            if self == Self::Latin1 {
                out.push(latin1_byte(code));
                continue;
            }
            let units = match code.checked_sub(0x1_0000) {
                None => [Some(code as u16), None],
                Some(rest) => [Some(0xd800 | (rest >> 10) as u16), Some(0xdc00 | (rest & 0x3ff) as u16)],
            };
            for unit in units.into_iter().flatten() {
                out.extend(if self == Self::Utf16Le { unit.to_le_bytes() } else { unit.to_be_bytes() });
            }
        }
        out
    }
}

/// Decodes one sequence of one to four bytes, surrogates included.
fn code_point(character: &[u8]) -> u32 {
    let first = character.first().copied().unwrap_or_default();
    let lead = match character.len() {
        0 | 1 => u32::from(first),
        2 => u32::from(first & 0x1f),
        3 => u32::from(first & 0x0f),
        _ => u32::from(first & 0x07),
    };
    character.iter().skip(1).fold(lead, |code, byte| code << 6 | u32::from(byte & 0x3f))
}

/// Encodes a code point below 0x110000, surrogates included (which makes the text invalid UTF-8, as it must).
fn push_code_point(code: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
    match code {
        0..0x80 => out.push(code as u8),
        0x80..0x800 => out.extend([0xc0 | (code >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend([0xe0 | (code >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend([0xf0 | (code >> 18) as u8, tail(12), tail(6), tail(0)]),
    }
}

/// Gives the character of a byte in Windows-1252 as the Encoding Standard defines it.
fn latin1_character(byte: u8) -> u32 {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)].into(),
        _ => byte.into(),
    }
}

/// Gives the byte of a character that came from [`latin1_character`].
fn latin1_byte(code: u32) -> u8 {
    match WINDOWS_1252.iter().position(|known| u32::from(*known) == code) {
        Some(place) => 0x80 + place as u8,
        None => code as u8,
    }
}

/// Characters of the bytes 0x80 to 0x9f: the index of windows-1252 in the Encoding Standard.
const WINDOWS_1252: [u16; 32] = [
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090,
    0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
];

/// Makes UTF-8 of the blocks of a file; what has no character becomes bytes that are no UTF-8, and never another character.
pub(super) struct Transcoder {
    encoding: Encoding,
    half: Option<u8>,
    high: Option<u16>,
}

impl Transcoder {
    /// Starts at the first byte after the byte order mark.
    pub(super) fn new(encoding: Encoding) -> Self {
        Self { encoding, half: None, high: None }
    }

    /// Appends the text of a block to `out`; `last` says that no block follows.
    pub(super) fn push(&mut self, block: &[u8], last: bool, out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::Utf8 => out.extend_from_slice(block),
            Encoding::Latin1 => {
                for byte in block {
                    push_code_point(latin1_character(*byte), out);
                }
            }
            Encoding::Utf16Le => self.push_units(block, last, u16::from_le_bytes, out),
            Encoding::Utf16Be => self.push_units(block, last, u16::from_be_bytes, out),
        }
    }

    fn push_units(&mut self, block: &[u8], last: bool, unit: fn([u8; 2]) -> u16, out: &mut Vec<u8>) {
        let mut rest = block;
        if let (Some(half), [first, ..]) = (self.half, rest) {
            self.half = None;
            self.push_unit(unit([half, *first]), out);
            rest = &rest[1..];
        }
        let (pairs, odd) = rest.as_chunks::<2>();
        for pair in pairs {
            self.push_unit(unit(*pair), out);
        }
        self.half = self.half.or(odd.first().copied());
        if last {
            self.flush_high(out);
            if let Some(byte) = self.half.take() {
                out.extend([HALF_UNIT, 0x80 | (byte & 0x3f), 0x80 | (byte >> 6)]);
            }
        }
    }

    #[inline]
    fn push_unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        if unit < 0x80 && self.high.is_none() {
            out.push(unit as u8);
            return;
        }
        match (self.high, unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                self.high = None;
                push_code_point(0x1_0000 + ((u32::from(high) & 0x3ff) << 10 | (u32::from(unit) & 0x3ff)), out);
            }
            (_, 0xd800..=0xdbff) => {
                self.flush_high(out);
                self.high = Some(unit);
            }
            _ => {
                self.flush_high(out);
                push_code_point(unit.into(), out);
            }
        }
    }

    fn flush_high(&mut self, out: &mut Vec<u8>) {
        if let Some(high) = self.high.take() {
            push_code_point(high.into(), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_round_trip(encoding: Encoding, bytes: &[u8], text: Option<&str>) {
        for block in 1..=bytes.len().max(1) {
            let mut transcoder = Transcoder::new(encoding);
            let mut out = Vec::new();
            for part in bytes.chunks(block) {
                transcoder.push(part, false, &mut out);
            }
            transcoder.push(&[], true, &mut out);
            assert_eq!(std::str::from_utf8(&out).ok(), text);
            assert_eq!(encoding.restore(&out), bytes);
            assert_eq!(encoding.original_bytes(&out), bytes.len() as u64);
        }
    }

    #[test]
    fn text_comes_through_and_back() {
        let text = "a\u{e9}\u{4e2d}\u{1f600}\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        check_round_trip(Encoding::Utf16Le, &little, Some(text));
        check_round_trip(Encoding::Utf16Be, &big, Some(text));
        check_round_trip(Encoding::Utf8, text.as_bytes(), Some(text));
        let every: Vec<u8> = (0..=255).collect();
        let expected = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&every).0;
        check_round_trip(Encoding::Latin1, &every, Some(&expected));
    }

    #[test]
    fn broken_units_are_invalid_and_kept() {
        check_round_trip(Encoding::Utf16Le, &[0x00, 0xd8, b'a', 0], None);
        check_round_trip(Encoding::Utf16Le, &[0x00, 0xdc, b'a', 0], None);
        check_round_trip(Encoding::Utf16Be, &[0xd8, 0x01, 0xd8, 0x02], None);
        check_round_trip(Encoding::Utf16Le, &[b'a', 0, 0xe9], None);
    }

    #[track_caller]
    fn check_detect(head: &[u8], declared: Option<&str>, expected: Result<(Encoding, usize), &str>) {
        assert_eq!(Encoding::detect(head, declared).map_err(|error| error.to_string()), expected.map_err(str::to_string));
    }

    #[test]
    fn detects_marks_patterns_and_declarations() {
        check_detect(b"a,b\n", None, Ok((Encoding::Utf8, 0)));
        check_detect(b"", None, Ok((Encoding::Utf8, 0)));
        check_detect(b"\xef\xbb\xbfa", None, Ok((Encoding::Utf8, 3)));
        check_detect(b"\xff\xfea\0", None, Ok((Encoding::Utf16Le, 2)));
        check_detect(b"\xfe\xff\0a", Some("UTF-16BE"), Ok((Encoding::Utf16Be, 2)));
        check_detect(b"a\0,\0b\0\n\0", None, Ok((Encoding::Utf16Le, 0)));
        check_detect(b"\0a\0,\0b\0\n", None, Ok((Encoding::Utf16Be, 0)));
        check_detect(b"caf\xe9", Some("cp1252"), Ok((Encoding::Latin1, 0)));
        check_detect(b"a", Some("ebcdic"), Err("encoding \"ebcdic\" is not known; use utf-8, utf-16le, utf-16be or latin-1"));
        check_detect(
            b"\xff\xfea\0",
            Some("utf-8"),
            Err("encoding \"utf-8\" is declared, but the byte order mark says utf-16le; leave the encoding out"),
        );
        check_detect(b"\xff\xfe\0\0", None, Err("the file is utf-32, which is not read; save it as utf-8"));
    }
}
