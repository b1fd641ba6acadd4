"""Why a verdict is another one than in an earlier run: what of its evidence, its dose, its rule or the run differs."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from math import isnan
from typing import Any, NamedTuple

from bonefhir.report.visible import visible

CORRECTED, ADDED, REMOVED = "corrected", "added", "removed"
USED, UNUSED, CONVERTED = "used", "unused", "converted"
AMENDED, INPUT, UNEXPLAINED = "amended", "input", "unexplained"
RULE, PARAMETERS, RULE_ADDED, RULE_GONE = "rule", "parameters", "rule-added", "rule-gone"
VERSION, PROFILE, SETTING, RULES, TERMINOLOGY = "version", "profile", "setting", "rules", "terminology"
OF_A_FINDING = (CORRECTED, ADDED, REMOVED, USED, UNUSED, CONVERTED, AMENDED, RULE, PARAMETERS, RULE_ADDED, RULE_GONE)
CAUSES = (*OF_A_FINDING, VERSION, PROFILE, SETTING, RULES, TERMINOLOGY, INPUT, UNEXPLAINED)
"""corrected: the same resource says something else. added, removed: the resource is in one run's data only. used, unused: both
runs have it, but only one verdict rests on it. converted: the same text has become another value. amended: the dose itself. rule:
its version; parameters: what a site has changed; rule-added, rule-gone: one of the runs does not apply it. The others hold for
the run as a whole and are given where nothing nearer is found; input: a rule may ask how far the data reach."""

_SECOND_HAND = (USED, UNUSED, CONVERTED)
"""They have a cause themselves: a window of the settings, a unit of the terminology, another result."""

_NO_MATTER = ("fail_on", "strict", "data_docs", "small_number")
"""Settings of a run.json that change no verdict."""

_DOSE = "MedicationAdministration/"
_OF_A_DOSE = (
    ("status", "status"),
    ("product", "product"),
    ("rule_indication", "indication"),
    ("start", "start"),
    ("end", "end"),
    ("reported_amount", "amount"),
    ("route", "route"),
    ("ordinal", "number of the dose"),
)
"""Column of the doses → how it is called. What is computed from other resources is told by those."""

Row = Mapping[str, Any]


class Cause(NamedTuple):
    """what: of CAUSES. role, resource: of the evidence, or '' . before, after: as reported, '' where there was nothing."""

    what: str
    role: str
    resource: str
    before: str
    after: str


@dataclass(frozen=True)
class Differences:
    """Between the runs as a whole: (name, before, after). rules: those whose parameters differ; None if a run does not tell."""

    listed: tuple[tuple[str, str, str], ...]
    rules: Set[str] | None
    new_inputs: int
    gone_inputs: int

    @property
    def input(self) -> bool:
        return bool(self.new_inputs or self.gone_inputs)

    @property
    def of_reading(self) -> bool:
        """What one run has not read, it may have had: its program or its codes were others."""
        return any(name in (VERSION, RULES, TERMINOLOGY) for name, _, _ in self.listed)

    @classmethod
    def of(cls, before: Row, after: Row) -> "Differences":
        found = [(name, before.get(name), after.get(name)) for name in (VERSION, PROFILE)]
        old, new = before.get("settings", {}), after.get("settings", {})
        found += [(f"{SETTING} {name}", old.get(name), new.get(name)) for name in sorted({*old, *new} - {PROFILE})]
        changed = _changed_rules(before, after)
        if before.get("rules_digest") != after.get("rules_digest"):
            what = RULES if changed is None or changed else TERMINOLOGY
            found.append((what, before.get("rules_digest"), after.get("rules_digest")))
        files = [{(item["file"], item["sha256"]) for item in run.get("inputs", [])} for run in (before, after)]
        listed = tuple((name, str(a), str(b)) for name, a, b in found if a != b)
        return cls(listed, changed, len(files[1] - files[0]), len(files[0] - files[1]))


def _changed_rules(before: Row, after: Row) -> Set[str] | None:
    old, new = (run.get("verdicts", {}) for run in (before, after))
    if not all("digest" in one for run in (old, new) for one in run.values()):
        return None
    digests = [{name: one["digest"] for name, one in run.items()} for run in (old, new)]
    return {name for name in {*old, *new} if digests[0].get(name) != digests[1].get(name)}


@dataclass(frozen=True)
class Side:
    """What a run knows of some verdicts: by key ('dose\\nrule'), with their doses; rules: that it applied."""

    verdicts: Mapping[str, Row]
    doses: Mapping[str, Row]
    rules: Set[str]


@dataclass(frozen=True)
class Pair:
    """in_before, in_after: of the resources that verdicts of the other run rest on, those that stand in this one's data."""

    before: Side
    after: Side
    in_before: Set[str]
    in_after: Set[str]
    differences: Differences


def causes(key: str, pair: Pair) -> list[Cause]:
    """Nearest first: evidence, dose, rule; and the run as a whole if those do not settle it."""
    dose, _, rule = key.partition("\n")
    found = [*_of_evidence(key, dose, pair), *_of_dose(key, dose, pair), *_of_rule(key, rule, pair)]
    if all(cause.what in _SECOND_HAND or (pair.differences.of_reading and cause.what in (ADDED, REMOVED)) for cause in found):
        of_run = [_of_run(*difference) for difference in pair.differences.listed]
        found += [cause for cause in of_run if cause.role not in _NO_MATTER]
    return found or [Cause(INPUT if pair.differences.input else UNEXPLAINED, "", "", "", "")]


def by_a_result(found: Sequence[Cause], differences: Differences) -> bool:
    """Data about the patient have changed since, but not the record of the dose."""
    sure = (CORRECTED,) if differences.of_reading else (CORRECTED, ADDED, REMOVED)
    return any(cause.what in sure and not cause.resource.startswith(_DOSE) for cause in found)


def _of_evidence(key: str, dose: str, pair: Pair) -> Iterator[Cause]:
    rows = pair.before.verdicts.get(key), pair.after.verdicts.get(key)
    old, new = (_by_resource(row, dose) for row in rows)
    both = None not in rows
    for resource in sorted({*old, *new}):
        was, is_ = old.get(resource, []), new.get(resource, [])
        if was and is_:
            yield from _of_one(resource, was, is_)
        elif is_ and (both or resource not in pair.in_before):
            yield Cause(USED if resource in pair.in_before else ADDED, _role(is_), resource, "", _said(is_))
        elif was and (both or resource not in pair.in_after):
            yield Cause(UNUSED if resource in pair.in_after else REMOVED, _role(was), resource, _said(was), "")


def _by_resource(row: Row | None, dose: str) -> dict[str, list[Row]]:
    """Evidence but the dose itself, whose columns say more."""
    found: dict[str, list[Row]] = {}
    for item in (row["evidence"] or ()) if row else ():
        if item["resource"] and item["resource"] != dose:
            found.setdefault(item["resource"], []).append(item)
    return found


def _of_one(resource: str, old: list[Row], new: list[Row]) -> Iterator[Cause]:
    if _said(old) != _said(new):
        yield Cause(CORRECTED, _role(new), resource, _said(old), _said(new))
    elif resource.startswith("Observation/") and _values(old) != _values(new):
        yield Cause(CONVERTED, _role(new), resource, _values(old), _values(new))


def _role(items: list[Row]) -> str:
    return ", ".join(dict.fromkeys(item["role"] or "" for item in items))


def _said(items: list[Row]) -> str:
    said = ((item["reported"] or "–") + (f" ({item['time']})" if item["time"] else "") for item in items)
    return visible("; ".join(dict.fromkeys(said)))


def _values(items: list[Row]) -> str:
    values = (f"{_span(item['value_low'], item['value_high'])} {item['unit'] or ''}".strip() for item in items)
    return "; ".join(dict.fromkeys(values))


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None or isnan(low) or isnan(high):
        return "–"
    return f"{low:.6g}" if low == high else f"{low:.6g}–{high:.6g}"


def _of_dose(key: str, dose: str, pair: Pair) -> Iterator[Cause]:
    old, new = pair.before.doses.get(dose), pair.after.doses.get(dose)
    if old and new:
        values = [(name, old[column], new[column]) for column, name in _OF_A_DOSE]
        rows = pair.before.verdicts.get(key), pair.after.verdicts.get(key)
        if rows[0] and rows[1]:
            values.append(("rate", _rate(rows[0], dose), _rate(rows[1], dose)))
        for name, was, is_ in values:
            if was != is_:
                yield Cause(AMENDED, name, dose, *("" if value is None else visible(str(value)) for value in (was, is_)))


def _rate(row: Row, dose: str) -> str | None:
    """As charted: no column of the doses, but evidence of the infusion time."""
    return next(
        (item["reported"] for item in row["evidence"] or () if (item["resource"], item["role"]) == (dose, "infusion time")), None
    )


def _of_rule(key: str, rule: str, pair: Pair) -> Iterator[Cause]:
    applied = [rule in side.rules for side in (pair.before, pair.after)]
    versions = [row["rule_version"] if row else "" for row in (pair.before.verdicts.get(key), pair.after.verdicts.get(key))]
    if applied[0] != applied[1]:
        yield Cause(RULE_ADDED if applied[1] else RULE_GONE, rule, "", *versions)
    elif all(versions) and versions[0] != versions[1]:
        yield Cause(RULE, rule, "", *versions)
    elif rule in (pair.differences.rules or ()):
        yield Cause(PARAMETERS, rule, "", "", "")


def _of_run(name: str, before: str, after: str) -> Cause:
    what, _, role = name.partition(" ")
    return Cause(what, role, "", before, after)
