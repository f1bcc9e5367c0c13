//! The shape of the code: floors, names, lengths, dependencies. What a review would have to look for each time, a test finds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use counterfoil_kernel::rules::CATALOGUE;
use walkdir::WalkDir;

use crate::root;

/// The kernel's modules from the ground up: each imports from floors below its own, or from its own.
const KERNEL_FLOORS: [&[&str]; 8] = [
    &["limits", "map", "model", "key", "nearby", "number_set", "parameter"],
    &["error", "normalize"],
    &["record"],
    &["cogroup", "lots", "spelling", "sums"],
    &["finding", "tally", "shown"],
    &["settled"],
    &["ledger", "rules"],
    &["evaluate", "guards"],
];

/// The root's modules from the ground up.
const ROOT_FLOORS: [&[&str]; 5] = [
    &["fault", "ingest", "memory", "outcome", "pages", "positioned", "progress", "synth"],
    &["config"],
    &["engine", "report", "frames"],
    &["cli"],
    &["main"],
];

/// Modules of one floor that don't see each other.
const STRANGERS: [(&str, &str); 9] = [
    ("engine", "report"),
    ("engine", "frames"),
    ("report", "frames"),
    ("report", "config"),
    ("synth", "ingest"),
    ("synth", "fault"),
    ("synth", "outcome"),
    ("ingest", "outcome"),
    ("outcome", "ingest"),
];

const LINES_MAX: usize = 800;
const BLOB_BYTES_MAX: u64 = 1024 * 1024;
const FORBIDDEN_NAMES: [&str; 4] = ["utils", "helpers", "common", "misc"];

/// Lists the files below a folder that have an ending, as paths from the root.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let walk = WalkDir::new(root().join(folder)).sort_by_file_name();
    let paths = walk.into_iter().map(|entry| entry.unwrap().into_path()).filter(|path| path.extension().is_some_and(|e| e == ending));
    paths.map(|path| (path.strip_prefix(root()).unwrap().display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
}

/// Lists the files that git knows; `None` outside a checkout.
fn tracked() -> Option<Vec<PathBuf>> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().ok().filter(|output| output.status.success())?;
    let names = String::from_utf8(listed.stdout).unwrap();
    Some(names.split('\0').filter(|name| !name.is_empty()).map(|name| root().join(name)).collect())
}

/// Gives the module of the crate that a source file belongs to.
fn module_of(file: &str, crate_folder: &str) -> String {
    let inside = file.strip_prefix(crate_folder).unwrap();
    inside.split('/').next().unwrap().trim_end_matches(".rs").to_owned()
}

/// Gives the modules of the own crate that a text names as `crate::NAME`, tests at the end of a file left out.
fn imported(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).filter(|line| !line.trim_start().starts_with("//"));
    for line in code {
        for (at, _) in line.match_indices("crate::") {
            let before = line[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            let name: String = line[at + "crate::".len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() && name.starts_with(|c: char| c.is_lowercase()) {
                names.insert(name);
            }
        }
    }
    names
}

/// Lists imports that go up, or sideways between strangers.
fn climbing(crate_folder: &str, floors: &[&[&str]], exempt: &[&str]) -> Vec<String> {
    let floor = |module: &str| floors.iter().position(|modules| modules.contains(&module));
    let mut wrong = Vec::new();
    for (file, text) in files(crate_folder.trim_end_matches('/'), "rs") {
        let module = module_of(&file, crate_folder);
        if module == "lib" || exempt.contains(&module.as_str()) || file.ends_with("tests.rs") {
            continue;
        }
        let Some(own) = floor(&module) else {
            wrong.push(format!("{file}: module {module} has no floor in tests/it/tidy.rs"));
            continue;
        };
        for name in imported(&text).into_iter().filter(|name| *name != module && !exempt.contains(&name.as_str())) {
            match floor(&name) {
                Some(other) if other > own => wrong.push(format!("{file}: {module} imports {name}, which stands above it")),
                Some(_) if STRANGERS.iter().any(|&(a, b)| (a, b) == (&*module, &*name) || (b, a) == (&*module, &*name)) => {
                    wrong.push(format!("{file}: {module} and {name} must not see each other"));
                }
                Some(_) => {}
                None => wrong.push(format!("{file}: imports {name}, which has no floor in tests/it/tidy.rs")),
            }
        }
    }
    wrong
}

#[test]
fn floors_of_the_kernel() {
    let wrong = climbing("crates/counterfoil-kernel/src/", &KERNEL_FLOORS, &["testing"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn floors_of_the_root() {
    let wrong = climbing("src/", &ROOT_FLOORS, &[]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_are_found_where_they_stand() {
    let text = "use crate::config::plan::Plan;\nfn f() -> crate::fault::Fault { $crate::no(); mycrate::no() }\n// crate::no::comment\n#[cfg(test)]\nuse crate::report;";
    assert_eq!(imported(text).into_iter().collect::<Vec<_>>(), ["config", "fault"]);
}

#[test]
fn the_kernel_has_no_world_and_synth_no_rules() {
    let world = ["std::fs", "std::env", "std::thread", "std::time", "std::net", "std::process", "rayon", "polars", "SystemTime"];
    let mut wrong = Vec::new();
    for (file, text) in files("crates/counterfoil-kernel/src", "rs").into_iter().filter(|(file, _)| !file.contains("/testing/")) {
        wrong.extend(world.iter().filter(|word| text.contains(**word)).map(|word| format!("{file}: {word}")));
    }
    for (file, text) in files("src/synth", "rs") {
        let kernel = text.match_indices("counterfoil_kernel::").map(|(at, word)| text[at + word.len()..].to_owned());
        wrong.extend(
            kernel
                .filter(|rest| !rest.starts_with("model"))
                .map(|rest| format!("{file}: counterfoil_kernel::{}", &rest[..20.min(rest.len())])),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn polars_is_named_in_one_file() {
    let naming: Vec<String> = files("src", "rs").into_iter().filter(|(_, text)| text.contains("polars::")).map(|(file, _)| file).collect();
    assert_eq!(naming, ["src/frames.rs"]);
}

#[test]
fn unsafe_code_stands_in_one_file() {
    let rust = ["src", "crates", "examples"].into_iter().flat_map(|folder| files(folder, "rs"));
    let allowing: Vec<String> = rust.filter(|(_, text)| text.contains("(unsafe_code")).map(|(file, _)| file).collect();
    assert_eq!(allowing, ["src/pages.rs"]);
}

#[test]
fn one_arrow_in_the_lock_file() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for name in ["arrow", "arrow-array", "arrow-schema", "parquet", "ahash"] {
        assert_eq!(lock.matches(&format!("\nname = \"{name}\"\n")).count(), 1, "versions of {name}");
    }
}

#[test]
fn no_http_client_in_the_lock_file() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let names: BTreeSet<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(names.contains("parquet"), "the lock file lists the dependencies");
    for banned in ["reqwest", "hyper", "h2", "ureq", "curl", "openssl-sys", "rustls", "ring", "object_store"] {
        assert!(!names.contains(banned), "{banned} is in the lock file");
    }
}

#[test]
fn names_and_lengths_of_files() {
    let mut wrong = Vec::new();
    for folder in ["src", "crates", "tests", "examples"] {
        for (file, text) in files(folder, "rs") {
            let lines = text.lines().count();
            if lines > LINES_MAX {
                wrong.push(format!("{file}: {lines} lines, at most {LINES_MAX}"));
            }
            let name = Path::new(&file).file_stem().unwrap().to_string_lossy().into_owned();
            if FORBIDDEN_NAMES.contains(&name.as_str()) {
                wrong.push(format!("{file}: name the file after the thing in it"));
            }
            if !text.starts_with("//! ") {
                wrong.push(format!("{file}: begins with no `//!` line that says what it is"));
            }
            // Split, so that this file does not find itself.
            wrong.extend(
                text.match_indices(concat!("TO", "DO"))
                    .filter(|(at, _)| !text[at + 4..].starts_with("(#"))
                    .map(|_| format!("{file}: an open task without a ticket")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_is_registered_and_documented() {
    for rule in CATALOGUE {
        let page = root().join(format!("docs/rules/{}.md", rule.code));
        assert!(page.is_file(), "{}: run `just docs`", page.display());
    }
    let mut modules: Vec<String> = std::fs::read_dir(root().join("crates/counterfoil-kernel/src/rules"))
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().into_string().unwrap().strip_suffix(".rs")?.to_uppercase()))
        .filter(|name| name != "MOD")
        .collect();
    modules.sort();
    assert_eq!(modules, CATALOGUE.map(|rule| rule.code.to_owned()), "files of rules and the catalogue");
}

#[test]
fn no_large_blob_outside_data() {
    let Some(tracked) = tracked() else {
        println!("skipped: no git checkout");
        return;
    };
    for path in tracked.into_iter().filter(|path| !path.starts_with(root().join("data"))) {
        let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        assert!(bytes <= BLOB_BYTES_MAX, "{}: {bytes} bytes, at most {BLOB_BYTES_MAX}", path.display());
    }
}

#[test]
fn no_path_of_one_machine() {
    let Some(tracked) = tracked() else {
        println!("skipped: no git checkout");
        return;
    };
    // Split, so that this file does not find itself.
    let places = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/wo", "rk/"), concat!("C:", "\\Users")];
    let mut wrong = Vec::new();
    for path in tracked.into_iter().filter(|path| !path.starts_with(root().join("data"))) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        wrong.extend(places.iter().filter(|place| text.contains(**place)).map(|place| format!("{}: {place}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
