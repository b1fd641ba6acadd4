"""Text that stays text when a spreadsheet opens it.

A cell that begins with = + - or @ is a formula to Excel, LibreOffice and Google Sheets, and a formula can send the sheet
elsewhere. A leading apostrophe makes it text (OWASP, CSV injection). Numbers are numbers and are not touched.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.report.plain import bytes_of, first_bytes, has, is_printable
from bonefhir.report.visible import HIDDEN, visible_column

# Also the full-width, small and mathematical forms that some programs read as the plain ones, and after blanks of any kind.
_SIGNS = "=+\\-@\\x{ff1d}\\x{ff0b}\\x{ff0d}\\x{ff20}\\x{fe66}\\x{fe62}\\x{fe63}\\x{fe6b}\\x{2212}"
_BEGINS = f"^([\\s\\p{{Z}}]*[{_SIGNS}])"
# Where lists are separated by semicolons, Excel cuts a comma-separated line at each of them, within quotes too.
_AFTER_SEMICOLON = f";([\\s\\p{{Z}}]*[{_SIGNS}])"


_SUSPECT = f"{HIDDEN}|{_BEGINS}|{_AFTER_SEMICOLON}"
_LEAD = " =+-@"


def _are_harmless(texts: pa.Array) -> bool:
    """Certainly: printable ASCII, and no sign or second blank where a formula could begin."""
    whole = bytes_of(texts)
    if not is_printable(whole) or has(first_bytes(texts), _LEAD):
        return False
    behind = np.flatnonzero(whole[:-1] == ord(";")) + 1
    behind += (whole[behind] == ord(" ")) & (behind < len(whole) - 1)
    return not has(whole[behind], _LEAD)


def harmless(texts: pa.Array) -> pa.Array:
    """A column of texts without formulas and without hidden characters; null stays null. Few texts need a change."""
    if _are_harmless(texts):
        return texts
    suspect = pc.fill_null(pc.match_substring_regex(texts, _SUSPECT), False)
    if not pc.any(suspect).as_py():
        return texts
    shown = visible_column(texts.filter(suspect))
    changed = pc.replace_substring_regex(pc.replace_substring_regex(shown, _BEGINS, r"'\1"), _AFTER_SEMICOLON, r";'\1")
    return pc.replace_with_mask(texts, suspect, changed)
