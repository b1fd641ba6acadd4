"""Text that stays text when a spreadsheet opens it.

A cell that begins with = + - or @ is a formula to Excel, LibreOffice and Google Sheets, and a formula can send the sheet
elsewhere. A leading apostrophe makes it text (OWASP, CSV injection). Numbers are numbers and are not touched.
"""

import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.report.visible import HIDDEN, visible_column

# Also the full-width, small and mathematical forms that some programs read as the plain ones, and after blanks of any kind.
_SIGNS = "=+\\-@\\x{ff1d}\\x{ff0b}\\x{ff0d}\\x{ff20}\\x{fe66}\\x{fe62}\\x{fe63}\\x{fe6b}\\x{2212}"
_BEGINS = f"^([\\s\\p{{Z}}]*[{_SIGNS}])"
# Where lists are separated by semicolons, Excel cuts a comma-separated line at each of them, within quotes too.
_AFTER_SEMICOLON = f";([\\s\\p{{Z}}]*[{_SIGNS}])"


_SUSPECT = f"{HIDDEN}|{_BEGINS}|{_AFTER_SEMICOLON}"


def harmless(texts: pa.Array) -> pa.Array:
    """A column of texts without formulas and without hidden characters; null stays null. Few texts need a change."""
    suspect = pc.fill_null(pc.match_substring_regex(texts, _SUSPECT), False)
    if not pc.any(suspect).as_py():
        return texts
    shown = visible_column(texts.filter(suspect))
    changed = pc.replace_substring_regex(pc.replace_substring_regex(shown, _BEGINS, r"'\1"), _AFTER_SEMICOLON, r";'\1")
    return pc.replace_with_mask(texts, suspect, changed)
