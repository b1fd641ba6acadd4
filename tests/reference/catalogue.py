"""What checks/ says, read plainly with tomllib and csv: the reference's own loader."""

import csv
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.reference.codes import ICD_10, ICD_10_GM, Row
from tests.reference.units import Unit, UnitTable, clean, parsed

CHECKS = Path(__file__).parents[2] / "checks"

LAB_KINDS = ("include", "flag", "grouper")
"""'Rows of kind include, flag and grouper are used; hold, exclude, deprecated and panel are not.'"""


@dataclass(frozen=True)
class Strength:
    """An amount ('mg') or a concentration ('mg/mL') that only one product has."""

    value: float
    per_ml: bool
    product: str


@dataclass(frozen=True)
class Product:
    name: str
    drug: str
    indications: tuple[str, ...]
    brands: tuple[str, ...]
    label_amounts: tuple[float, ...]
    amount_above: float | None
    creatinine_days: int
    codes: tuple[Row, ...]
    strengths: tuple[Strength, ...]


@dataclass(frozen=True)
class Drug:
    name: str
    names: tuple[str, ...]
    amount_unit: str
    parts_limit: float | None
    codes: tuple[Row, ...]
    default: str
    products: tuple[str, ...]


@dataclass(frozen=True)
class Measurement:
    name: str
    unit: str
    si_unit: str | None
    kinds: tuple[str, ...]
    factors: dict[str, float]
    plausible: tuple[float, float] | None
    codes: tuple[Row, ...]


@dataclass(frozen=True)
class Rule:
    id: str
    products: tuple[str, ...]
    indications: tuple[str, ...]
    profiles: tuple[str, ...]
    kind: str
    doses: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Catalogue:
    drugs: dict[str, Drug]
    products: dict[str, Product]
    rules: tuple[Rule, ...]
    measurements: dict[str, Measurement]
    value_sets: dict[str, tuple[Row, ...]]
    phrases: dict[str, tuple[str, ...]]
    systems: dict[str, str]
    units: UnitTable
    routes: dict[tuple[str, str], str]
    other_substances: tuple[Row, ...]
    excluded: tuple[Row, ...]
    known_labs: tuple[Row, ...]


NOT_PARAMETERS = {
    "id", "version", "products", "indications", "profiles", "severity", "kind", "doses", "statement", "source", "guidance",
    "examples",
}  # fmt: skip


def catalogue(checks: Path = CHECKS, site: Path | None = None) -> Catalogue:
    """The shipped knowledge base, and a site's own codes: 'A site maps its local codes with its own CSV of the same shape.'"""
    found = _shipped(checks)
    return _with_site(found, site) if site else found


def _with_site(found: Catalogue, site: Path) -> Catalogue:
    with site.open(encoding="utf-8", newline="") as file:
        own = {name: _rows(rows, found.systems) for name, rows in _by(list(csv.DictReader(file)), "concept").items()}
    single = {name for name, drug in found.drugs.items() if drug.products == (name,)}
    return replace(
        found,
        drugs={n: replace(d, codes=d.codes + own.get(n, ())) if n not in single else d for n, d in found.drugs.items()},
        products={n: replace(p, codes=p.codes + own.get(n, ())) for n, p in found.products.items()},
        measurements={n: replace(m, codes=m.codes + own.get(n, ())) for n, m in found.measurements.items()},
        value_sets={n: codes + own.get(n, ()) for n, codes in found.value_sets.items()},
    )


def _shipped(checks: Path) -> Catalogue:
    systems = _systems(checks)
    labels = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((checks / "labels").glob("*.toml"))]
    guidelines = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((checks / "guidelines").glob("*.toml"))]
    products = {label["product"]: _product(label, systems) for label in labels}
    rules = [_rule(rule, label.get("product")) for label in [*labels, *guidelines] for rule in label.get("rule", [])]
    value_sets = [*_csv(checks, "conditions"), *_csv(checks, "procedures")]
    return Catalogue(
        drugs={label["drug"]: _drug(label, labels, systems) for label in labels if "ingredient" in label},
        products=products,
        rules=tuple(sorted(rules, key=lambda rule: rule.id)),
        measurements=_measurements(checks, systems),
        value_sets=_grouped(value_sets, systems),
        phrases={name: tuple(row["phrase"] for row in rows) for name, rows in _by(_csv(checks, "phrases"), "value_set").items()},
        systems=systems,
        units=_units(checks),
        routes=_routes(checks, systems),
        other_substances=_rows(_csv(checks, "other_substances"), systems),
        excluded=_rows(_csv(checks, "excluded_codes"), systems),
        known_labs=_rows(_csv(checks, "known_labs"), systems),
    )


def _csv(checks: Path, name: str) -> list[dict[str, str]]:
    with (checks / "terminology" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _by(rows: list[dict[str, str]], column: str) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return groups


def _systems(checks: Path) -> dict[str, str]:
    """'Systems may come as `urn:oid:`; the terminology file lists the equivalents.'"""
    found = {ICD_10_GM: ICD_10}
    for row in _csv(checks, "systems"):
        for spelling in [row["alias"], row["uri"], *row["also"].split()]:
            found[spelling] = row["uri"]
    return found


def _rows(rows: Iterable[dict[str, str]], systems: dict[str, str]) -> tuple[Row, ...]:
    return tuple(Row(systems.get(row["system"], row["system"]), row["code"], row.get("kind", "")) for row in rows)


def _grouped(rows: list[dict[str, str]], systems: dict[str, str]) -> dict[str, tuple[Row, ...]]:
    return {name: _rows(group, systems) for name, group in _by(rows, "value_set").items()}


def _units(checks: Path) -> UnitTable:
    rows = _csv(checks, "units")
    ucum = {row["ucum"]: _unit(row["ucum"], row["quantity_kind"]) for row in rows if row["ucum"]}
    return UnitTable(
        aliases={clean(row["alias"]): ucum[row["ucum"]] for row in rows if row["ucum"]},
        ucum=ucum,
        refused=frozenset(clean(row["alias"]) for row in rows if not row["ucum"]),
    )


def _unit(code: str, kind: str) -> Unit:
    """A unit of the table. Only there can a flow be one per 1.73 m²: 'the code must keep "normalised" itself'."""
    known = parsed(code.removesuffix("/{1.73_m2}"))
    if kind == "bsa_normalised_flow" or known is None:
        return Unit(code, kind, known.factor if known else 1.0)
    return Unit(code, known.kind, known.factor)


def _routes(checks: Path, systems: dict[str, str]) -> dict[tuple[str, str], str]:
    """(system, code) or ('', text) -> route."""
    found = {}
    for row in _csv(checks, "routes"):
        if row["code"]:
            found[systems.get(row["system"], row["system"]), row["code"]] = row["route"]
        if row["text"]:
            found["", row["text"]] = row["route"]
    return found


def _product(label: dict[str, Any], systems: dict[str, str]) -> Product:
    strengths = [Strength(float(s["value"]), s["unit"] == "mg/mL", label["product"]) for s in label.get("strengths", [])]
    return Product(
        name=label["product"],
        drug=label["drug"],
        indications=tuple(label["indications"]),
        brands=tuple(label.get("brands", [])),
        label_amounts=tuple(float(amount) for amount in label.get("label_amounts", [])),
        amount_above=label.get("amount_above"),
        creatinine_days=int(label["creatinine_window_days"]),
        codes=_rows(label.get("codes", []), systems),
        strengths=tuple(strengths),
    )


def _drug(label: dict[str, Any], labels: list[dict[str, Any]], systems: dict[str, str]) -> Drug:
    ingredient = label["ingredient"]
    return Drug(
        name=label["drug"],
        names=tuple(ingredient["names"]),
        amount_unit=ingredient["amount_unit"],
        parts_limit=ingredient.get("parts_limit"),
        codes=_rows(ingredient.get("codes", []), systems),
        default=label["product"],
        products=tuple(other["product"] for other in labels if other["drug"] == label["drug"]),
    )


def _rule(rule: dict[str, Any], product: str | None) -> Rule:
    return Rule(
        id=rule["id"],
        products=tuple(rule.get("products", [product])),
        indications=tuple(rule.get("indications", [])),
        profiles=tuple(rule["profiles"]),
        kind=rule["kind"],
        doses=rule.get("doses", "all"),
        parameters={key: value for key, value in rule.items() if key not in NOT_PARAMETERS},
    )


def _measurements(checks: Path, systems: dict[str, str]) -> dict[str, Measurement]:
    found = {}
    for path in sorted((checks / "measurements").glob("*.toml")):
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        codes = [code for code in read["codes"] if code["kind"] in LAB_KINDS]
        found[read["name"]] = Measurement(
            name=read["name"],
            unit=read["unit"],
            si_unit=read.get("si_unit"),
            kinds=tuple(read["kinds"]),
            factors={f["unit"]: f.get("times") or 1 / f["divided_by"] for f in read.get("factors", [])},
            plausible=tuple(read["plausible"]) if "plausible" in read else None,
            codes=_rows(codes, systems),
        )
    return found
