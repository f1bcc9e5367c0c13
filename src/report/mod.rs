//! Renderers: every face of a run is made from the same [`Outcome`], so that no two can disagree.

pub mod figures;
pub mod html;
pub mod manifest;
pub mod safe_text;
pub mod summary;
pub mod terminal;
pub mod totals;
pub mod unreadable;

#[cfg(test)]
mod fixture;

use crate::outcome::Outcome;

pub use html::html;
pub use summary::summary_json;
pub use terminal::terminal;

/// A file of the run directory that is rendered from the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Renderer {
    /// The name in configuration and help.
    pub name: &'static str,
    /// The file in the run directory.
    pub file: &'static str,
    /// Renders the file: same outcome, same bytes.
    pub render: fn(&Outcome) -> Vec<u8>,
}

/// Every renderer of a file, in the order of outputs.
pub static RENDERERS: &[Renderer] = &[
    Renderer { name: "summary", file: "summary.json", render: summary::render },
    Renderer { name: "html", file: "report.html", render: html::render },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renderers_have_their_own_names_and_files() {
        let mut seen = std::collections::BTreeSet::new();
        for renderer in RENDERERS {
            assert!(seen.insert(renderer.name), "{} stands twice", renderer.name);
            assert!(seen.insert(renderer.file), "{} stands twice", renderer.file);
            assert!(!(renderer.render)(&fixture::rich()).is_empty());
        }
    }

    #[test]
    fn same_outcome_gives_same_bytes_whatever_the_run_cost() {
        let outcome = fixture::rich();
        let mut other = fixture::rich();
        other.run_id = "another".to_owned();
        other.resources = crate::outcome::Resources { wall_s: 99.0, threads: 64, ..Default::default() };
        for renderer in RENDERERS {
            assert!((renderer.render)(&outcome) == (renderer.render)(&other), "{}", renderer.name);
        }
    }
}
