//! Files of a source: paths, folders and patterns become a sorted list with sizes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use super::diagnostic::{Code, ConfigError, Place};
use crate::ingest::InputFile;

/// Endings of compressed files: the ending before them says what is inside.
pub const COMPRESSIONS: [&str; 2] = ["gz", "zst"];

/// A path, folder or pattern as the user wrote it.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// What was written.
    pub(super) text: String,
    /// What it is relative to.
    pub(super) base: PathBuf,
    /// Where it was written.
    pub(super) place: Place,
}

/// Expands the patterns of one source, sorted by path; a file that several patterns give counts once, and a note says so.
///
/// # Errors
/// When a pattern gives no file: the text says which, and what was looked for.
pub(super) fn expand(source: &str, patterns: &[Pattern], endings: &[&str], notes: &mut Vec<String>) -> Result<Vec<InputFile>, ConfigError> {
    let mut files: BTreeMap<PathBuf, u64> = BTreeMap::new();
    for pattern in patterns {
        for path in expand_one(source, pattern, endings, notes)? {
            let bytes = size(&path, pattern)?;
            if files.insert(path.clone(), bytes).is_some() {
                notes.push(format!("source {source}: {} was given more than once; it is read once", path.display()));
            }
        }
    }
    Ok(files.into_iter().map(|(path, bytes)| InputFile { path, bytes }).collect())
}

fn expand_one(source: &str, pattern: &Pattern, endings: &[&str], notes: &mut Vec<String>) -> Result<Vec<PathBuf>, ConfigError> {
    let text = pattern.text.as_str();
    if text.is_empty() {
        return Err(ConfigError::new(Code::BadValue, format!("source {source}: a path is empty")).at(&pattern.place, ""));
    }
    if text == "-" {
        return Err(ConfigError::new(Code::NotFound, format!("source {source}: standard input (`-`) can't be read"))
            .at(&pattern.place, "")
            .note("files are read in parallel and twice: once for the rules, once for the evidence")
            .help("save the data as a file and give its path"));
    }
    let path = pattern.base.join(text);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => folder(source, &path, pattern, endings, notes),
        Ok(_) => Ok(vec![path]),
        Err(_) if has_glob(text) => glob(source, pattern, endings, notes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(not_found(source, &path, pattern)),
        Err(error) => Err(unreadable(&path, &error.to_string(), pattern)),
    }
}

fn has_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

fn not_found(source: &str, path: &Path, pattern: &Pattern) -> ConfigError {
    let error = ConfigError::new(Code::NotFound, format!("source {source}: {} does not exist", path.display()))
        .at(&pattern.place, "")
        .note("looked for a file or folder of this name");
    if let Ok(target) = std::fs::read_link(path) {
        return error.note(format!("it is a link to {}, which does not exist", target.display()));
    }
    let parent = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let Some(parent) = parent else { return error };
    if !parent.is_dir() {
        return error.note(format!("the folder {} does not exist either", parent.display()));
    }
    let mut names: Vec<String> =
        std::fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match super::diagnostic::nearest(&wanted, &names) {
        Some(name) => error.help(format!("did you mean `{}`?", path.with_file_name(name).display())),
        None => error,
    }
}

fn unreadable(path: &Path, cause: &str, pattern: &Pattern) -> ConfigError {
    ConfigError::new(Code::Unreadable, format!("cannot read {}: {cause}", path.display())).at(&pattern.place, "")
}

/// Gives what went wrong in a walk over folders, without the path, which the error above it says.
fn cause(error: &walkdir::Error) -> String {
    error.io_error().map_or_else(|| error.to_string(), ToString::to_string)
}

fn size(path: &Path, pattern: &Pattern) -> Result<u64, ConfigError> {
    std::fs::metadata(path).map(|found| found.len()).map_err(|error| unreadable(path, &error.to_string(), pattern))
}

/// Lists the files with known endings in a folder, at any depth.
fn folder(source: &str, path: &Path, pattern: &Pattern, endings: &[&str], notes: &mut Vec<String>) -> Result<Vec<PathBuf>, ConfigError> {
    let mut files = Vec::new();
    let mut left_out: Vec<String> = Vec::new();
    for entry in walk(path) {
        let entry = entry.map_err(|error| unreadable(error.path().unwrap_or(path), &cause(&error), pattern))?;
        if entry.file_type().is_file() {
            if has_known_ending(entry.path(), endings) {
                files.push(entry.into_path());
            } else {
                left_out.push(entry.path().display().to_string());
            }
        }
    }
    let is_plain = |ending: &&&str| !ending.contains('.');
    let looked_for = format!(
        "looked for files ending in {}, also with .{} behind",
        endings.iter().filter(is_plain).map(|ending| format!(".{ending}")).collect::<Vec<_>>().join(", "),
        COMPRESSIONS.join(" or .")
    );
    if files.is_empty() {
        let mut error =
            ConfigError::new(Code::NotFound, format!("source {source}: the folder {} holds no file that can be read", path.display()))
                .at(&pattern.place, "")
                .note(looked_for);
        if let Some(first) = left_out.first() {
            error = error.note(format!("{} files have other endings, such as {first}", left_out.len()));
        }
        return Err(error);
    }
    if let Some(first) = left_out.first() {
        notes.push(format!(
            "source {source}: {} files in {} are left out for their endings, such as {first}",
            left_out.len(),
            path.display()
        ));
    }
    Ok(files)
}

/// Walks a folder in a fixed order; names that begin with `.` or `_` are markers and temporary files of other programs.
fn walk(path: &Path) -> impl Iterator<Item = walkdir::Result<walkdir::DirEntry>> {
    WalkDir::new(path)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with(['.', '_']))
}

fn has_known_ending(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let stem = COMPRESSIONS.iter().find_map(|ending| name.strip_suffix(&format!(".{ending}"))).unwrap_or(&name);
    endings.iter().any(|ending| stem.strip_suffix(ending).is_some_and(|stem| stem.len() > 1 && stem.ends_with('.')))
}

/// Lists the files that a pattern matches; a folder that it matches gives its files.
fn glob(source: &str, pattern: &Pattern, endings: &[&str], notes: &mut Vec<String>) -> Result<Vec<PathBuf>, ConfigError> {
    let (prefix, rest) = split_pattern(&pattern.text);
    let root = pattern.base.join(prefix);
    let matcher = matcher(&rest, pattern)?;
    let walked = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root.clone() };
    let none = || {
        ConfigError::new(Code::NotFound, format!("source {source}: no file matches {}", pattern.text))
            .at(&pattern.place, "")
            .note(format!("looked in {} for {rest}", walked.display()))
    };
    if !walked.is_dir() {
        return Err(none().note(format!("the folder {} does not exist", walked.display())));
    }
    let mut files = Vec::new();
    for entry in walk(&walked) {
        let entry = entry.map_err(|error| unreadable(error.path().unwrap_or(&walked), &cause(&error), pattern))?;
        let inner = entry.path().strip_prefix(&walked).expect("walked entries lie below the root").to_path_buf();
        if entry.depth() == 0 || !matcher.is_match(&inner) {
            continue;
        }
        let path = root.join(inner);
        if entry.file_type().is_dir() {
            files.extend(folder(source, &path, pattern, endings, notes)?);
        } else {
            files.push(path);
        }
    }
    // `in/**` matches a folder and the files in it.
    files.sort();
    files.dedup();
    if files.is_empty() { Err(none()) } else { Ok(files) }
}

fn matcher(rest: &str, pattern: &Pattern) -> Result<GlobMatcher, ConfigError> {
    let built = GlobBuilder::new(rest).literal_separator(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| {
        ConfigError::new(Code::BadValue, format!("the pattern {} can't be read: {}", pattern.text, error.kind()))
            .at(&pattern.place, "")
            .note("a pattern takes `*`, `?`, `[a-z]`, `{a,b}` and `**`")
    })
}

/// Splits a pattern before its first component with a wildcard.
fn split_pattern(text: &str) -> (String, String) {
    let wildcard = text.find(['*', '?', '[', '{']).unwrap_or(text.len());
    match text[..wildcard].rfind('/') {
        Some(slash) => (text[..=slash].into(), text[slash + 1..].into()),
        None => (String::new(), text.into()),
    }
}

/// Gives the part of a pattern before its first wildcard, as a path that may exist.
pub(super) fn literal_part(text: &str) -> &str {
    let wildcard = text.find(['*', '?', '[', '{']).unwrap_or(text.len());
    if wildcard == text.len() { text } else { text[..wildcard].rfind('/').map_or("", |slash| &text[..slash]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDINGS: [&str; 2] = ["csv", "parquet"];

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv.gz", "x/c.parquet", "x/notes.txt", "x/_SUCCESS", ".hidden.csv", "y/readme.md", "year=2024/d.csv"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "12345").unwrap();
        }
        folder
    }

    fn run(folder: &tempfile::TempDir, texts: &[&str]) -> (Result<String, String>, Vec<String>) {
        let root = folder.path().display().to_string();
        let patterns: Vec<Pattern> = texts
            .iter()
            .map(|text| Pattern { text: (*text).into(), base: folder.path().into(), place: Place::flag("--erp", text) })
            .collect();
        let mut notes = Vec::new();
        let result = expand("erp", &patterns, &ENDINGS, &mut notes);
        let shown = result
            .map(|files| files.iter().map(|file| format!("{}:{}", file.path.display(), file.bytes)).collect::<Vec<_>>().join(" "))
            .map_err(|error| error.to_string().replace(&root, "DIR"));
        (shown.map(|text| text.replace(&format!("{root}/"), "")), notes.into_iter().map(|note| note.replace(&root, "DIR")).collect())
    }

    #[test]
    fn files_folders_and_patterns_are_expanded_and_sorted() {
        let folder = tree();
        assert_eq!(run(&folder, &["b.csv", "a.csv.gz"]).0.unwrap(), "a.csv.gz:5 b.csv:5");
        assert_eq!(run(&folder, &["*.csv*"]).0.unwrap(), "a.csv.gz:5 b.csv:5");
        assert_eq!(run(&folder, &["**/*.parquet"]).0.unwrap(), "x/c.parquet:5");
        assert_eq!(run(&folder, &["year=*"]).0.unwrap(), "year=2024/d.csv:5");
        assert_eq!(run(&folder, &["x/**"]).0.unwrap(), "x/c.parquet:5 x/notes.txt:5");
        let (files, notes) = run(&folder, &["."]);
        assert_eq!(files.unwrap().replace("./", ""), "a.csv.gz:5 b.csv:5 x/c.parquet:5 year=2024/d.csv:5");
        assert_eq!(notes, ["source erp: 2 files in DIR/. are left out for their endings, such as DIR/./x/notes.txt"]);
    }

    #[test]
    fn a_file_given_twice_is_read_once() {
        let (files, notes) = run(&tree(), &["b.csv", "*.csv"]);
        assert_eq!(files.unwrap(), "b.csv:5");
        assert_eq!(notes, ["source erp: DIR/b.csv was given more than once; it is read once"]);
    }

    #[test]
    fn what_gives_no_file_is_refused() {
        let folder = tree();
        for (text, expected) in [
            (
                "c.csv",
                "error[I001]: source erp: DIR/c.csv does not exist
 --> command line:1:7
  |
1 | --erp c.csv
  |       ^^^^^
  |
  = note: looked for a file or folder of this name
  = help: did you mean `DIR/b.csv`?",
            ),
            (
                "gone/c.csv",
                "error[I001]: source erp: DIR/gone/c.csv does not exist
 --> command line:1:7
  |
1 | --erp gone/c.csv
  |       ^^^^^^^^^^
  |
  = note: looked for a file or folder of this name
  = note: the folder DIR/gone does not exist either",
            ),
            (
                "y",
                "error[I001]: source erp: the folder DIR/y holds no file that can be read
 --> command line:1:7
  |
1 | --erp y
  |       ^
  |
  = note: looked for files ending in .csv, .parquet, also with .gz or .zst behind
  = note: 1 files have other endings, such as DIR/y/readme.md",
            ),
            (
                "*.xlsx",
                "error[I001]: source erp: no file matches *.xlsx
 --> command line:1:7
  |
1 | --erp *.xlsx
  |       ^^^^^^
  |
  = note: looked in DIR/ for *.xlsx",
            ),
            (
                "[",
                "error[C004]: the pattern [ can't be read: unclosed character class; missing ']'
 --> command line:1:7
  |
1 | --erp [
  |       ^
  |
  = note: a pattern takes `*`, `?`, `[a-z]`, `{a,b}` and `**`",
            ),
            (
                "-",
                "error[I001]: source erp: standard input (`-`) can't be read
 --> command line:1:7
  |
1 | --erp -
  |       ^
  |
  = note: files are read in parallel and twice: once for the rules, once for the evidence
  = help: save the data as a file and give its path",
            ),
        ] {
            assert_eq!(run(&folder, &[text]).0.unwrap_err(), expected);
        }
    }
}
