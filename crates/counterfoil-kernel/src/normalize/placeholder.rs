//! Placeholders: values that stand where an identifier is missing.

/// Whether a value is a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// It is an identifier.
    No,
    /// It stands in the list.
    Listed,
    /// It stands in the digits-only part of the list: it counts for serials, and only when one unit-grain source holds it three times or more under one item.
    Digits,
}

/// The listed placeholders without the digits-only ones, upper case, sorted by bytes.
///
/// # Source
/// Seen in public device, incident and fleet registers, in several languages, and in the firmware of computers.
pub static PLACEHOLDERS: &[&str] = &[
    "#N/A",
    "#NAME?",
    "#NULL!",
    "#NV",
    "#REF!",
    "#VALUE!",
    "(BLANK)",
    "(NONE)",
    "(NULL)",
    "*",
    "**",
    "***",
    "-",
    "--",
    "---",
    ".",
    "..",
    "?",
    "??",
    "???",
    "AAAA",
    "ABC",
    "ABC123",
    "ALL",
    "ANY",
    "ASKU",
    "ASSORTED",
    "AUCUN",
    "BLANK",
    "DEFAULT",
    "DEFAULT STRING",
    "DESCONOCIDO",
    "DUMMY",
    "EMPTY",
    "ILLEGIBLE",
    "INCONNU",
    "K.A.",
    "KA",
    "KEINE",
    "MISSING",
    "MIXED",
    "MULTIPLE",
    "N.A.",
    "N/A",
    "NA",
    "NEANT",
    "NI",
    "NICHT VORHANDEN",
    "NIL",
    "NINGUNO",
    "NO",
    "NO APLICA",
    "NONE",
    "NOT APPLICABLE",
    "NOT AVAILABLE",
    "NOT PROVIDED",
    "NOT READABLE",
    "NOT SPECIFIED",
    "NULL",
    "OHNE",
    "OTHER",
    "PENDING",
    "S/N",
    "SAMPLE",
    "SANS",
    "SEE ATTACHED",
    "SEE BOX",
    "SEE LABEL",
    "SIN NUMERO",
    "SYSTEM SERIAL NUMBER",
    "TBA",
    "TBC",
    "TBD",
    "TEST",
    "TO BE FILLED BY O.E.M.",
    "UKN",
    "UNBEKANNT",
    "UNK",
    "UNKN",
    "UNKNOWN",
    "UNREADABLE",
    "VARIOUS",
    "XXX",
    "XXXX",
    "なし",
    "不明",
    "不详",
    "无",
    "无批号",
    "未定",
    "未知",
    "無し",
];

/// The one listed placeholder with digits among other characters.
pub(super) const WITH_DIGITS: &str = "ABC123";

const DIGITS: &[&str] = &["0123456789", "111111", "1234", "12345", "123456", "123456789"];

/// Tells whether a cleaned, upper-case value is a placeholder.
pub fn placeholder(value: &str) -> Placeholder {
    let bytes = value.as_bytes();
    if bytes.len() > 22 {
        return Placeholder::No;
    }
    if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit) {
        let zeros = bytes.iter().all(|&byte| byte == b'0');
        let nines = bytes.len() >= 4 && bytes.iter().all(|&byte| byte == b'9');
        let listed = DIGITS.binary_search(&value).is_ok();
        return if zeros || nines || listed { Placeholder::Digits } else { Placeholder::No };
    }
    // Most identifiers hold a digit, and one entry does: that spares the search.
    if value != WITH_DIGITS && bytes.iter().any(u8::is_ascii_digit) {
        return Placeholder::No;
    }
    if PLACEHOLDERS.binary_search(&value).is_ok() { Placeholder::Listed } else { Placeholder::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_for_the_search() {
        assert!(PLACEHOLDERS.is_sorted());
        assert!(DIGITS.is_sorted());
        assert!(PLACEHOLDERS.iter().all(|value| value.len() <= 22));
        assert!(PLACEHOLDERS.iter().all(|&value| placeholder(value) == Placeholder::Listed));
    }

    #[test]
    fn kinds() {
        assert_eq!(placeholder("N/A"), Placeholder::Listed);
        assert_eq!(placeholder("不明"), Placeholder::Listed);
        assert_eq!(placeholder("0000"), Placeholder::Digits);
        assert_eq!(placeholder("999"), Placeholder::No);
        assert_eq!(placeholder("99999"), Placeholder::Digits);
        assert_eq!(placeholder("SN-1"), Placeholder::No);
        assert_eq!(placeholder(""), Placeholder::No);
    }
}
