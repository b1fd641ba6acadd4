"""labels/<product>.toml: a product's identity, and for one product of each drug that of its ingredient."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bonefhir.knowledge.codes import CODE_FIELDS, CODE_OPTIONAL, UNUSED_KINDS, comparable, read_code
from bonefhir.knowledge.faults import Faults, Place
from bonefhir.knowledge.fields import Names, at, check_table
from bonefhir.knowledge.files import Document
from bonefhir.knowledge.model import Code, Drug, Product, Strength

REQUIRED = {"product": "text", "drug": "text", "title": "text", "indications": "texts", "creatinine_window_days": "count"}
OPTIONAL = {
    "brands": "lower_texts",
    "label_amounts": "numbers",
    "amount_above": "positive",
    "strengths": "tables",
    "codes": "tables",
    "ingredient": "table",
    "rule": "tables",
}
INGREDIENT_REQUIRED = {"names": "lower_texts", "amount_unit": "text"}
INGREDIENT_OPTIONAL = {"plausible": "range", "parts_limit": "positive", "codes": "tables"}
STRENGTH = {"value": "positive", "unit": "text"}
STRENGTH_UNITS = ("mg", "mg/mL")
AMOUNT_UNITS = ("mg", "kBq")


@dataclass
class Labels:
    """What the label files say, by name, with the place of each name, brand and code for messages about doubles."""

    products: dict[str, Product] = field(default_factory=dict)
    drugs: dict[str, Drug] = field(default_factory=dict)
    owners: dict[tuple[str, ...], tuple[str, Place]] = field(default_factory=dict)

    def claim(self, key: tuple[str, ...], owner: str, place: Place, faults: Faults) -> bool:
        """Two things never share a name, a brand or a code in silence."""
        known, where = self.owners.setdefault(key, (owner, place))
        if where is place:
            return True
        faults.add(place, f"{key[0]} '{key[-1]}' already stands for {known} at {where}")
        return False


def read(documents: Sequence[tuple[Document, Mapping[str, Any]]], systems: Mapping[str, str], faults: Faults) -> Labels:
    labels = Labels()
    for document, table in documents:
        before = len(faults.found)

        def report(key: str | None, message: str, document: Document = document) -> None:
            faults.add(document.place_of_key(key) if key else document.place(), message)

        check_table(table, REQUIRED, OPTIONAL, Names(), report)
        if len(faults.found) == before:
            _read_label(labels, document, table, systems, faults)
    _join(labels, faults)
    return labels


def _read_label(labels: Labels, document: Document, table: Mapping[str, Any], systems: Mapping[str, str], faults: Faults) -> None:
    name, drug = table["product"], table["drug"]
    if not labels.claim(("product", name), name, document.place_of_key("product"), faults):
        return
    for brand in table.get("brands", []):
        labels.claim(("name", brand), name, document.place(document.line_of(re.escape(f'"{brand}"'))), faults)
    labels.products[name] = Product(
        name=name,
        drug=drug,
        title=table["title"],
        indications=tuple(table["indications"]),
        brands=tuple(table.get("brands", [])),
        codes=read_codes(labels, document, table.get("codes", []), name, systems, faults),
        strengths=_strengths(document, table.get("strengths", []), name, faults),
        label_amounts=tuple(float(a) for a in table.get("label_amounts", [])),
        amount_above=table.get("amount_above"),
        creatinine_window_days=table["creatinine_window_days"],
        has_rules=False,
        file=document.name,
    )
    if "ingredient" in table:
        _read_ingredient(labels, document, table, systems, faults)


def _read_ingredient(
    labels: Labels, document: Document, label: Mapping[str, Any], systems: Mapping[str, str], faults: Faults
) -> None:
    drug, table, line = label["drug"], label["ingredient"], document.line_of(r"^\s*\[ingredient\]")
    before = len(faults.found)

    def report(key: str | None, message: str) -> None:
        faults.add(document.place_of_key(key or "", line), message)

    check_table(table, INGREDIENT_REQUIRED, INGREDIENT_OPTIONAL, Names(), report)
    if len(faults.found) > before or not labels.claim(("ingredient", drug), drug, document.place(line), faults):
        return
    if table["amount_unit"] not in AMOUNT_UNITS:
        faults.add(document.place_of_key("amount_unit", line), f"amount_unit must be one of {', '.join(AMOUNT_UNITS)}")
    for name in table["names"]:
        labels.claim(("name", name), drug, document.place(document.line_of(re.escape(f'"{name}"'), line)), faults)
    low, high = table.get("plausible", (None, None))
    labels.drugs[drug] = Drug(
        name=drug,
        names=tuple(table["names"]),
        codes=read_codes(labels, document, table.get("codes", []), drug, systems, faults),
        products=(),
        default=label["product"],
        amount_unit=table["amount_unit"],
        plausible=None if low is None or high is None else (float(low), float(high)),
        parts_limit=table.get("parts_limit"),
    )


def read_codes(
    labels: Labels,
    document: Document,
    tables: Sequence[Mapping[str, Any]],
    owner: str,
    systems: Mapping[str, str],
    faults: Faults,
) -> tuple[Code, ...]:
    """Codes of one concept; a code that another concept has is a fault."""
    codes = []
    for table in tables:
        place = document.place(document.line_of_value("code", table.get("code")))
        before = len(faults.found)
        check_table(table, CODE_FIELDS, CODE_OPTIONAL, Names(), at(place, faults))
        code = read_code(table, systems, place, faults) if len(faults.found) == before else None
        if code is not None and code.kind in UNUSED_KINDS:
            faults.add(place, f"kind '{code.kind}' is never used; take the code out")
        elif code is not None and labels.claim(("code", *comparable(code.system, code.code)), owner, place, faults):
            codes.append(code)
    return tuple(codes)


def _strengths(document: Document, tables: Sequence[Mapping[str, Any]], product: str, faults: Faults) -> tuple[Strength, ...]:
    place = document.place_of_key("strengths")
    before = len(faults.found)
    for table in tables:
        check_table(table, STRENGTH, {}, Names(), at(place, faults, "in a strength: "))
    if len(faults.found) > before:
        return ()
    if any(table["unit"] not in STRENGTH_UNITS for table in tables):
        faults.add(place, f"the unit of a strength must be one of {', '.join(STRENGTH_UNITS)}")
    return tuple(Strength(float(table["value"]), table["unit"], product) for table in tables)


def _join(labels: Labels, faults: Faults) -> None:
    """Products to their drugs. Where no limit for parts of a dose is given, it is the largest label amount of the drug."""
    for product in labels.products.values():
        if product.drug not in labels.drugs:
            message = f"no label of drug '{product.drug}' has an [ingredient] table; give it to that of the default product"
            faults.add(Place(product.file, 1), message)
    for name, drug in labels.drugs.items():
        products = sorted((p for p in labels.products.values() if p.drug == name), key=lambda p: (p.name != drug.default, p.name))
        largest = max((amount for p in products for amount in p.label_amounts), default=None)
        labels.drugs[name] = replace(drug, products=tuple(p.name for p in products), parts_limit=drug.parts_limit or largest)
