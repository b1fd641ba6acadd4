"""JSON Schemas of the TOML files that people write, for their editors: rules, labels, measurements, settings, baselines.

They are made of the same tables by which the program checks the files. It checks more: names, examples, order of bands.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field
from dataclasses import fields as fields_of
from typing import Any

from bonefhir.configuration import CHOICES, NOT_IN_A_FILE, PATHS, TEXTS, Validation
from bonefhir.contract.words import (
    ANY_TEXT,
    BOOLEAN,
    COUNT,
    NUMBER,
    POSITIVE,
    TEXT,
    Schema,
    document,
    each,
    fields,
    listed,
    one_of,
)
from bonefhir.knowledge import labels, measurements, overrides, rules
from bonefhir.knowledge.codes import CODE_FIELDS, CODE_OPTIONAL
from bonefhir.knowledge.kinds import KINDS
from bonefhir.settings import PROFILES, Settings
from bonefhir.vocabulary import SEVERITIES

DATE: Schema = {"description": "a date such as 2027-06-30, without quotes", "type": ["string", "object"]}
"""TOML dates have no counterpart in JSON; editors hand them over in either way."""

BAND = fields({"max": NUMBER}, {"over": NUMBER, "from": NUMBER, "printed_to": NUMBER}, closed=True)
CALCIUM_BAND = fields({"over_mg_dl": NUMBER, "min": NUMBER}, closed=True)
WORDS = listed(TEXT, least=1)
TYPES: Mapping[str, Schema] = {
    "text": TEXT,
    "texts": listed(TEXT),
    "lower_texts": listed({"type": "string", "pattern": "^[^A-Z]+$"}),
    "number": NUMBER,
    "positive": POSITIVE,
    "numbers": listed(POSITIVE),
    "range": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
    "whole": COUNT,
    "count": {"type": "integer", "minimum": 1},
    "yes": {"const": True},
    "date": DATE,
    "table": {"type": "object"},
    "tables": listed({"type": "object"}),
    "bands": listed(BAND, least=1),
    "calcium_bands": listed(CALCIUM_BAND, least=1),
    "counts": each(POSITIVE),
    "basis": one_of(["baseline", "current"]),
    "per_kg_unit": one_of(["kBq/kg", "mg/kg"]),
    "doses": one_of(["all", "first", "later"]),
    "severity": one_of(SEVERITIES),
    "profiles": listed(one_of(PROFILES), least=1),
    "products": WORDS,
    "indications": WORDS,
    "routes": WORDS,
    "labs": WORDS,
    "value_set": TEXT,
}
"""Types of knowledge.fields.CHECKS."""

CODE = fields({n: TYPES[t] for n, t in CODE_FIELDS.items()}, {n: TYPES[t] for n, t in CODE_OPTIONAL.items()}, closed=True)


def table(required: Mapping[str, str], optional: Mapping[str, str], **special: Schema) -> Schema:
    """special: schemas of fields whose type says less than is known."""
    typed = [{name: special.get(name, TYPES[kind]) for name, kind in part.items()} for part in (required, optional)]
    return fields(typed[0], typed[1], closed=True)


SOURCE = table(rules.SOURCE_REQUIRED, rules.SOURCE_OPTIONAL)


def _rule(kind: str, guideline: bool) -> Schema:
    one = KINDS[kind]
    required = {**rules.REQUIRED, **(rules.PRODUCTS if guideline else {}), **one.required}
    identity: Schema = {"type": "string", "pattern": "^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$"}
    body = table(required, {**rules.OPTIONAL, **one.optional}, id=identity, source=SOURCE, kind={"const": kind})
    return body | ({"oneOf": [{"required": list(group)} for group in one.choices]} if one.choices else {})


def _rules(guideline: bool) -> Schema:
    """By its kind, so that an editor offers the kind's parameters and complains of none of another."""
    by_kind = [
        {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": _rule(kind, guideline)} for kind in KINDS
    ]
    return listed({"type": "object", "properties": {"kind": one_of(list(KINDS))}, "required": ["kind"], "allOf": by_kind})


def label() -> Schema:
    strengths = listed(table(labels.STRENGTH, {}))
    ingredient = table(labels.INGREDIENT_REQUIRED, labels.INGREDIENT_OPTIONAL, codes=listed(CODE))
    body = table(
        labels.REQUIRED, labels.OPTIONAL, rule=_rules(False), codes=listed(CODE), strengths=strengths, ingredient=ingredient
    )
    return document("A label: labels/<product>.toml", "One product, its names and codes, and its rules.", body)


def guideline() -> Schema:
    body = fields({}, {"title": TEXT, "rule": _rules(True)}, closed=True)
    return document("A guideline: guidelines/<name>.toml", "Rules for several products.", body)


def measurement() -> Schema:
    factors = listed(table(measurements.FACTOR, measurements.FACTOR_OPTIONAL))
    body = table(measurements.REQUIRED, measurements.OPTIONAL, factors=factors, codes=listed(CODE))
    return document("A measurement: measurements/<analyte>.toml", "A lab or vital sign.", body)


def override() -> Schema:
    one = table(overrides.REQUIRED, overrides.OPTIONAL)
    return document("overrides.toml", "What a site changes in shipped rules.", fields({}, {"override": listed(one)}, closed=True))


def baseline() -> Schema:
    one = fields({"rule": TEXT, "until": DATE, "owner": TEXT, "reason": TEXT}, {"dose": TEXT}, closed=True)
    return document("A baseline", "Accepted findings of `bonefhir validate`.", fields({}, {"accepted": listed(one)}, closed=True))


def expected() -> Schema:
    one = fields({"rule": TEXT, "dose": TEXT}, closed=True)
    body = fields({}, {"finding": listed(one)}, closed=True)
    return document("<name>.expected.toml", "The findings that the file beside it must yield.", body)


def configuration() -> Schema:
    """bonefhir.toml, and [tool.bonefhir] of pyproject.toml."""
    found = [field for field in (*fields_of(Settings), *fields_of(Validation)) if field.name not in NOT_IN_A_FILE]
    body = fields({}, {field.name.replace("_", "-"): _setting(field) for field in found}, closed=True)
    return document("bonefhir.toml", "Also [tool.bonefhir] of pyproject.toml. The command line wins.", body)


def _setting(field: "Field[Any]") -> Schema:
    if field.name in CHOICES:
        return one_of(CHOICES[field.name])
    if field.name in PATHS + TEXTS:
        return listed(TEXT)
    if field.name == "memory":
        return {"anyOf": [COUNT, TEXT], "default": "1GiB"}
    default = None if field.default is MISSING else field.default
    typed: list[tuple[Callable[[Any], bool], Schema]] = [
        (lambda v: isinstance(v, bool), BOOLEAN),
        (lambda v: isinstance(v, int), COUNT),
        (lambda v: isinstance(v, float), POSITIVE),
        (lambda v: isinstance(v, tuple), {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}),
    ]
    schema = next((schema for test, schema in typed if test(default)), ANY_TEXT)
    return schema if default is None else schema | {"default": list(default) if isinstance(default, tuple) else default}
