//! Compressed input: gzip of several members and zstd of several frames, recognized by their first bytes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};

/// Bytes asked of the operating system at once.
const READ_BYTES: usize = 256 * 1024;

/// How the bytes of a file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, one or more members.
    Gzip,
    /// RFC 8878, one or more frames.
    Zstd,
}

impl Compression {
    /// Gives the name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Recognizes the compression by the first bytes of the file; its name must not contradict them.
    ///
    /// # Errors
    /// When the name ends in `.gz` or `.zst` and the bytes are something else.
    pub fn detect(path: &Path, head: &[u8]) -> Result<Self> {
        let found = match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        };
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
        let named = match extension.as_str() {
            "gz" | "gzip" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            _ => found,
        };
        if named != found && !head.is_empty() {
            bail!(
                "{}: the name says {}, but the first bytes say {}; rename the file or compress it again",
                path.display(),
                named.name(),
                if found == Self::None { "uncompressed or truncated" } else { found.name() }
            );
        }
        Ok(found)
    }
}

/// Counts the bytes of the file as they are read from disk.
struct CountingReader {
    file: File,
    count: Arc<AtomicU64>,
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(buffer)?;
        self.count.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// The content of a file after decompression, with the count of bytes taken from disk.
pub struct Content {
    reader: Box<dyn Read + Send>,
    compression: Compression,
    disk_bytes: Arc<AtomicU64>,
    given: u64,
}

impl Content {
    /// Opens a file from its first byte.
    ///
    /// # Errors
    /// When it can't be opened or read, or its name contradicts its bytes.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).with_context(|| format!("{}: can't be opened", path.display()))?;
        let mut head = Vec::with_capacity(4);
        (&mut file).take(4).read_to_end(&mut head).with_context(|| format!("{}: can't be read", path.display()))?;
        let compression = Compression::detect(path, &head)?;
        // The head is put back in front, so that what can't seek can be read too.
        let disk_bytes = Arc::new(AtomicU64::new(head.len() as u64));
        let counting = CountingReader { file, count: Arc::clone(&disk_bytes) };
        let whole = io::Cursor::new(head).chain(counting);
        let reader: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(whole),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(READ_BYTES, whole))),
            Compression::Zstd => Box::new(
                zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(READ_BYTES, whole))
                    .with_context(|| format!("{}: zstd can't be started", path.display()))?,
            ),
        };
        Ok(Self { reader, compression, disk_bytes, given: 0 })
    }

    /// Gives the compression that was found.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Gives how many bytes of the file were taken from disk so far.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }

    /// Appends up to `count` bytes to `out`; fewer only at the end. Gives how many.
    ///
    /// # Errors
    /// When the file can't be read or its compression is corrupt or truncated.
    pub fn read_up_to(&mut self, path: &Path, count: usize, out: &mut Vec<u8>) -> Result<usize> {
        let before = out.len();
        let outcome = (&mut self.reader).take(count as u64).read_to_end(out);
        let got = out.len() - before;
        self.given += got as u64;
        outcome.with_context(|| match self.compression {
            Compression::None => format!("{}: can't be read on after {} bytes", path.display(), self.given),
            other => format!(
                "{}: {} data is corrupt or truncated after {} decompressed bytes; get the file again",
                path.display(),
                other.name(),
                self.given
            ),
        })?;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn check_content(name: &str, bytes: &[u8], compression: Compression, expected: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut content = Content::open(&path).unwrap();
        let mut out = Vec::new();
        while content.read_up_to(&path, 3, &mut out).unwrap() > 0 {}
        assert_eq!(content.compression(), compression);
        assert_eq!(out, expected);
        assert_eq!(content.disk_bytes(), bytes.len() as u64);
    }

    #[track_caller]
    fn check_error(name: &str, bytes: &[u8], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut out = Vec::new();
        let error = Content::open(&path).and_then(|mut content| content.read_up_to(&path, 1 << 20, &mut out)).unwrap_err();
        assert_eq!(error.to_string().replace(&path.display().to_string(), name), expected);
    }

    #[test]
    fn reads_plain_gzip_members_and_zstd_frames() {
        check_content("a.csv", b"hello world", Compression::None, b"hello world");
        check_content("a.csv", b"hi", Compression::None, b"hi");
        check_content("a.csv", b"", Compression::None, b"");
        let members = [gzip(b"hello "), gzip(b""), gzip(b"world")].concat();
        check_content("a.csv.gz", &members, Compression::Gzip, b"hello world");
        check_content("misnamed.csv", &members, Compression::Gzip, b"hello world");
        let frames = [zstd::encode_all(&b"hello "[..], 1).unwrap(), zstd::encode_all(&b"world"[..], 1).unwrap()].concat();
        check_content("a.csv.zst", &frames, Compression::Zstd, b"hello world");
    }

    #[test]
    fn refuses_what_is_truncated_or_misnamed() {
        let whole = gzip(b"hello world");
        check_error(
            "a.gz",
            &whole[..whole.len() - 4],
            "a.gz: gzip data is corrupt or truncated after 11 decompressed bytes; get the file again",
        );
        let frame = zstd::encode_all(&b"hello world"[..], 1).unwrap();
        check_error(
            "a.zst",
            &frame[..frame.len() - 4],
            "a.zst: zstd data is corrupt or truncated after 7 decompressed bytes; get the file again",
        );
        check_error(
            "a.gz",
            b"a,b\n1,2\n",
            "a.gz: the name says gzip, but the first bytes say uncompressed or truncated; rename the file or compress it again",
        );
    }
}
