"""Text cleaning (T1), case (T3) and the placeholder list, written from docs/guide/semantics.md alone."""

import re
import unicodedata
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

# Unicode property White_Space, less the control characters among it that the step `control` removes first.
WHITE_SPACE = "\t\n\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
WHITE_SPACE_RUN = re.compile(f"[{WHITE_SPACE}]+")
CONTROLS_KEPT = frozenset("\t\n\r\x1d\x1e\x04")
WRAPPED = re.compile(r'="(.*)"', re.DOTALL)
HYPHENS = frozenset([*range(0x2010, 0x2016), 0x2212, 0x30FC])

# Printable ASCII, single inner blanks, no leading apostrophe or equals sign: T1 leaves it as it is.
PLAIN = r"^[!-&(-<>-~][!-~]*( [!-~]+)*$"
ASCII = r"^[\x01-\x7f]*$"

# Listed values as they stand after T1 and upper case. Digits-only entries are judged apart (sql/records.sql).
PLACEHOLDERS = (
    "N/A", "NA", "N.A.", "#N/A", "NULL", "(NULL)", "NIL", "NONE", "NO", "UNKNOWN", "UNK", "UKN", "UNKN", "ASKU", "NI",
    "NOT AVAILABLE", "NOT APPLICABLE", "NOT PROVIDED", "NOT READABLE", "ILLEGIBLE", "UNREADABLE", "MISSING", "BLANK",
    "EMPTY", "TBD", "TBA", "TBC", "PENDING", "SEE LABEL", "SEE ATTACHED", "SEE BOX", "VARIOUS", "MULTIPLE", "MIXED",
    "ASSORTED", "ALL", "ANY", "OTHER", "TEST", "DUMMY", "SAMPLE", "DEFAULT", "XXX", "XXXX", "???", "-", "--", "---",
    ".", "..", "*", "**", "ABC", "ABC123", "AAAA", "K.A.", "KA", "UNBEKANNT", "OHNE", "KEINE", "NICHT VORHANDEN",
    "INCONNU", "AUCUN", "NEANT", "SANS", "DESCONOCIDO", "NINGUNO", "SIN NUMERO", "S/N", "NO APLICA",
    "不明", "なし", "無し", "未定", "无", "无批号", "未知", "不详",
    "TO BE FILLED BY O.E.M.", "DEFAULT STRING", "SYSTEM SERIAL NUMBER", "NOT SPECIFIED",
    "#NAME?", "#NULL!", "#NV", "#REF!", "#VALUE!", "(BLANK)", "(NONE)", "***", "?", "??",
)


def is_removed_control(character: str) -> bool:
    """Tells whether the step `control` removes a character."""
    return unicodedata.category(character) == "Cc" and character not in CONTROLS_KEPT


def clean_character(character: str) -> str:
    """Gives what the steps `invisible`, `full-width` and `hyphen` make of one character."""
    code = ord(character)
    if unicodedata.category(character) == "Cf":
        return ""
    if 0xFF01 <= code <= 0xFF5E:
        return chr(code - 0xFEE0)
    if code in HYPHENS:
        return "-"
    return character


def clean_once(value: str) -> str:
    """Applies every step of T1 once, in their order: control, unwrap, invisible, full-width, hyphen, trim."""
    value = "".join(character for character in value if not is_removed_control(character))
    wrapped = WRAPPED.fullmatch(value)
    if wrapped:
        value = wrapped.group(1)
    if len(value) > 1 and value[0] == "'":
        value = value[1:]
    value = "".join(map(clean_character, value))
    return WHITE_SPACE_RUN.sub(" ", value).strip(" ")


@lru_cache(maxsize=1 << 20)
def clean(value: str) -> str:
    """Applies T1 until nothing changes: normalization is idempotent by definition."""
    while True:
        cleaned = clean_once(value)
        if cleaned == value:
            return value
        value = cleaned


def changed_where(values: pa.Array, untouched: str, change) -> pa.Array:
    """Applies `change` to the values that don't match the pattern `untouched`, and leaves the others alone."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    touched = pc.fill_null(pc.invert(pc.match_substring_regex(values, untouched)), False)
    if not pc.any(touched).as_py():
        return values
    replaced = pa.array([change(value) for value in values.filter(touched).to_pylist()], values.type)
    return pc.replace_with_mask(values, touched, replaced)


def clean_array(values: pa.Array) -> pa.Array:
    """Applies T1 to a column."""
    return changed_where(values, PLAIN, clean)


def upper_code(value: str) -> str:
    """Makes a code upper case, one character to one character: what would become several stays."""
    return "".join(raised if len(raised := character.upper()) == 1 else character for character in value)


def upper_name(value: str) -> str:
    """Makes a name upper case in full; a sharp s of either case is two letters."""
    return value.upper().replace("\u1e9e", "SS")


def upper_array(values: pa.Array) -> pa.Array:
    """Makes a column of codes upper case."""
    return raised_array(values, upper_code)


def name_array(values: pa.Array) -> pa.Array:
    """Makes a column of names upper case."""
    return raised_array(values, upper_name)


def raised_array(values: pa.Array, change) -> pa.Array:
    """Makes a column upper case; `change` is for what is not ASCII."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return changed_where(pc.ascii_upper(values), ASCII, change)
