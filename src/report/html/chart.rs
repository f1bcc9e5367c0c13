//! Small inline pictures: stacked bars made of numbers and fixed words only, so they need no escaping.

use std::fmt;

use askama::filters::HtmlSafe;
use counterfoil_kernel::model::{Disposition, Severity};

/// An inline picture. Nothing from data is ever in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Picture(String);

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Picture {}

/// The classes of severities, in the order of [`Severity::ALL`].
const SEVERITIES: [&str; 4] = [Severity::Critical.name(), Severity::Error.name(), Severity::Warning.name(), Severity::Info.name()];

/// Draws findings by severity on a scale that all bars of a table share.
pub(super) fn severities(counts: [u64; 4], scale: u64) -> Picture {
    bar(&SEVERITIES.into_iter().zip(counts).collect::<Vec<_>>(), scale)
}

/// Draws records by disposition, best first, over the whole width.
pub(super) fn dispositions(records: [u64; 5]) -> Picture {
    let mut parts: Vec<_> = Disposition::ALL.iter().map(|disposition| disposition.name()).zip(records).collect();
    parts.reverse();
    // Matched before unmatched: the eye starts at what is well.
    parts.swap(0, 1);
    let scale = records.iter().sum();
    bar(&parts, scale)
}

/// Draws one count on a scale that all bars of a table share.
pub(super) fn single(class: &'static str, count: u64, scale: u64) -> Picture {
    bar(&[(class, count)], scale)
}

/// Draws a stacked bar, 1,000 units wide. A part that is not zero stays visible.
fn bar(parts: &[(&'static str, u64)], scale: u64) -> Picture {
    const WIDTH: u128 = 1_000;
    const LEAST: u128 = 4;
    let mut text =
        String::from(r#"<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">"#);
    let mut left = 0;
    for &(class, count) in parts.iter().filter(|part| part.1 > 0) {
        let width = (u128::from(count) * WIDTH / u128::from(scale.max(1))).max(LEAST).min(WIDTH - left);
        text.push_str(&format!(r#"<rect class="{class}" x="{left}" width="{width}" height="10"/>"#));
        left += width;
    }
    text.push_str("</svg>");
    Picture(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_the_scale_and_small_ones_stay_visible() {
        let drawn = severities([1, 0, 500, 0], 1_000).to_string();
        assert!(drawn.contains(r#"<rect class="critical" x="0" width="4""#));
        assert!(drawn.contains(r#"<rect class="warning" x="4" width="500""#));
        assert!(!drawn.contains("error"));
    }

    #[test]
    fn a_bar_never_leaves_its_box() {
        let drawn = dispositions([1, 1, 1, u64::MAX / 2, 1]).to_string();
        assert!(drawn.contains(r#"class="matched" x="0" width="999""#), "{drawn}");
        assert!(drawn.contains(r#"class="unmatched" x="999" width="1""#), "{drawn}");
    }

    #[test]
    fn nothing_is_an_empty_box() {
        assert!(!single("matched", 0, 0).to_string().contains("rect"));
    }
}
