//! Section "Placeholders" of the semantics.

/// The words that stand for a missing identifier, after T1 and upper case.
const WORDS: &[&str] = &[
    "N/A",
    "NA",
    "N.A.",
    "#N/A",
    "NULL",
    "(NULL)",
    "NIL",
    "NONE",
    "NO",
    "UNKNOWN",
    "UNK",
    "UKN",
    "UNKN",
    "ASKU",
    "NI",
    "NOT AVAILABLE",
    "NOT APPLICABLE",
    "NOT PROVIDED",
    "NOT READABLE",
    "ILLEGIBLE",
    "UNREADABLE",
    "MISSING",
    "BLANK",
    "EMPTY",
    "TBD",
    "TBA",
    "TBC",
    "PENDING",
    "SEE LABEL",
    "SEE ATTACHED",
    "SEE BOX",
    "VARIOUS",
    "MULTIPLE",
    "MIXED",
    "ASSORTED",
    "ALL",
    "ANY",
    "OTHER",
    "TEST",
    "DUMMY",
    "SAMPLE",
    "DEFAULT",
    "XXX",
    "XXXX",
    "???",
    "-",
    "--",
    "---",
    ".",
    "..",
    "*",
    "**",
    "ABC",
    "ABC123",
    "AAAA",
    "K.A.",
    "KA",
    "UNBEKANNT",
    "OHNE",
    "KEINE",
    "NICHT VORHANDEN",
    "INCONNU",
    "AUCUN",
    "NEANT",
    "SANS",
    "S/N",
    "DESCONOCIDO",
    "NINGUNO",
    "SIN NUMERO",
    "NO APLICA",
    "不明",
    "なし",
    "無し",
    "未定",
    "无",
    "无批号",
    "未知",
    "不详",
    "TO BE FILLED BY O.E.M.",
    "DEFAULT STRING",
    "SYSTEM SERIAL NUMBER",
    "NOT SPECIFIED",
    "#NAME?",
    "#NULL!",
    "#NV",
    "#REF!",
    "#VALUE!",
    "(BLANK)",
    "(NONE)",
    "***",
    "?",
    "??",
];

/// Tells whether a value, after T1 and upper case, is a listed word.
pub(super) fn is_word(value: &str) -> bool {
    WORDS.contains(&value)
}

/// Tells whether a value, after T1 and upper case, is a digits-only entry of the list.
pub(super) fn is_digits_entry(value: &str) -> bool {
    let run_of = |digit: char, least: usize| value.len() >= least && value.chars().all(|c| c == digit);
    run_of('0', 1) || run_of('9', 4) || ["1234", "12345", "123456", "123456789", "0123456789", "111111"].contains(&value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The page, the kernel and this list were written apart.
    #[test]
    fn the_list_is_the_one_of_the_semantics() {
        let page = include_str!("../../../../docs/guide/semantics.md");
        let start = page.find("The list: ").expect("the page has the list");
        let list = &page[start..start + page[start..].find("\n\n").expect("a paragraph ends")];
        let listed: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
        assert_eq!(listed, WORDS.iter().copied().collect());
        assert_eq!(listed, crate::normalize::PLACEHOLDERS.iter().copied().collect());
    }

    #[test]
    fn words_and_digits_are_told_apart() {
        for word in ["N/A", "S/N", "不明", "TO BE FILLED BY O.E.M."] {
            assert!(is_word(word), "{word}");
            assert!(!is_digits_entry(word), "{word}");
        }
        for entry in ["0", "00000", "9999", "99999", "1234", "0123456789", "111111"] {
            assert!(is_digits_entry(entry), "{entry}");
            assert!(!is_word(entry), "{entry}");
        }
        for value in ["", "999", "1111", "12", "0001", "N/A 1", "SN1"] {
            assert!(!is_word(value), "{value}");
            assert!(!is_digits_entry(value), "{value}");
        }
    }
}
