"""measurements/<analyte>.toml: codes, canonical unit, factors and plausible range of a lab or vital sign."""

from collections.abc import Mapping, Sequence
from typing import Any

from bonefhir.knowledge import ucum
from bonefhir.knowledge.codes import comparable
from bonefhir.knowledge.faults import Faults, unknown
from bonefhir.knowledge.fields import Names, at, check_table
from bonefhir.knowledge.files import Document
from bonefhir.knowledge.labels import Labels, read_codes
from bonefhir.knowledge.model import Measurement

REQUIRED = {"name": "text", "title": "text", "unit": "text", "kinds": "texts", "plausible": "range", "codes": "tables"}
OPTIONAL = {
    "si_unit": "text",
    "suspect_unit": "text",
    "factors": "tables",
    "text_words": "lower_texts",
    "text_words_not": "lower_texts",
}
FACTOR = {"unit": "text", "source": "text"}
FACTOR_OPTIONAL = {"times": "positive", "divided_by": "positive"}


def read(
    documents: Sequence[tuple[Document, Mapping[str, Any]]], systems: Mapping[str, str], faults: Faults
) -> dict[str, Measurement]:
    found: dict[str, Measurement] = {}
    owners = Labels()
    for document, table in documents:
        before = len(faults.found)

        def report(key: str | None, message: str, document: Document = document) -> None:
            faults.add(document.place_of_key(key) if key else document.place(), message)

        check_table(table, REQUIRED, OPTIONAL, Names(), report)
        if len(faults.found) > before:
            continue
        if not owners.claim(("measurement", table["name"]), table["name"], document.place(), faults):
            continue
        _check_units(document, table, faults)
        found[table["name"]] = Measurement(
            name=table["name"],
            title=table["title"],
            unit=table["unit"],
            si_unit=table.get("si_unit"),
            kinds=tuple(table["kinds"]),
            factors=_factors(document, table.get("factors", []), faults),
            plausible=(float(table["plausible"][0]), float(table["plausible"][1])),
            suspect_unit=table.get("suspect_unit"),
            codes=read_codes(owners, document, table["codes"], table["name"], systems, faults),
            text_words=tuple(table.get("text_words", [])),
            text_words_not=tuple(table.get("text_words_not", [])),
        )
    return found


def _check_units(document: Document, table: Mapping[str, Any], faults: Faults) -> None:
    known = set(ucum.KINDS.values())
    for kind in table["kinds"]:
        if kind not in known:
            faults.add(document.place_of_key("kinds"), unknown("kind of quantity", kind, known))
    for key in ("unit", "si_unit", "suspect_unit"):
        unit = ucum.parse(table[key]) if key in table else None
        if key in table and (unit is None or unit.quantity_kind not in table["kinds"]):
            faults.add(document.place_of_key(key), f"'{table[key]}' is no UCUM unit of its kinds ({', '.join(table['kinds'])})")


def _factors(document: Document, tables: Sequence[Mapping[str, Any]], faults: Faults) -> dict[str, float]:
    """Unit -> factor to the canonical unit, between kinds of quantity."""
    factors: dict[str, float] = {}
    for table in tables:
        unit = str(table.get("unit", ""))
        place = document.place(document.line_of_value("unit", unit, document.line_of(r"^\s*factors\s*=")))
        before = len(faults.found)
        check_table(table, FACTOR, FACTOR_OPTIONAL, Names(), at(place, faults))
        if ("times" in table) == ("divided_by" in table):
            faults.add(place, f"the factor of '{unit}' needs times or divided_by, not both")
        if unit in factors or ucum.parse(unit) is None:
            faults.add(place, f"the factor of '{unit}' stands twice, or the unit is not UCUM")
        if len(faults.found) == before:
            factors[unit] = float(table["times"]) if "times" in table else 1 / table["divided_by"]
    return factors


def claimed(measurements: Mapping[str, Measurement]) -> dict[tuple[str, str], str]:
    """Comparable code -> measurement."""
    return {comparable(c.system, c.code): m.name for m in measurements.values() for c in m.codes}
