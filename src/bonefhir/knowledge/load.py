"""checks/ and a site's own folders → Knowledge. Everything is checked; all faults are raised at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bonefhir.knowledge import collisions, files, labels, local, measurements, overrides, rules, terminology
from bonefhir.knowledge.codes import comparable
from bonefhir.knowledge.faults import Faults, Place, unknown
from bonefhir.knowledge.fields import Names, check_table
from bonefhir.knowledge.files import Document
from bonefhir.knowledge.labels import Labels
from bonefhir.knowledge.model import Knowledge, Measurement, Rule, ValueSet
from bonefhir.knowledge.terminology import Terminology

FOLDERS = ("labels", "guidelines", "measurements", "terminology")
_NOT_OURS = "suites"
"""Folder of checks/ that judge/suites reads."""


@dataclass(frozen=True)
class Read:
    """Documents by folder, the TOML ones decoded."""

    labels: list[tuple[Document, dict[str, Any]]]
    guidelines: list[tuple[Document, dict[str, Any]]]
    measurements: list[tuple[Document, dict[str, Any]]]
    overrides: list[tuple[Document, dict[str, Any]]]
    terminology: list[Document]


def shipped() -> Path:
    """The rules that come with bonefhir: inside the wheel, else those of the checkout."""
    packed = Path(__file__).parent.parent / "_checks"
    return packed if packed.is_dir() else Path(__file__).parents[3] / "checks"


def load(folders: Sequence[Path] = ()) -> Knowledge:
    """The shipped checks, and on top of them a site's folders or single CSV files of codes.

    Raises KnowledgeError with every fault, each 'file:line: what is wrong and what to do'.
    """
    faults = Faults()
    documents = files.read_folder(shipped(), "checks", faults)
    for folder in folders:
        documents += _site(Path(folder), faults)
    knowledge = assemble(documents, faults)
    faults.raise_if_any()
    return knowledge


def load_rules(folders: Sequence[Path] = ()) -> tuple[Rule, ...]:
    """The rules alone, by id."""
    return load(folders).rules


def _site(path: Path, faults: Faults) -> list[Document]:
    if path.suffix == ".csv":
        return files.read_file(path, "terminology/codes.csv", faults)
    return files.read_folder(path, path.as_posix(), faults)


def assemble(documents: Sequence[Document], faults: Faults) -> Knowledge:
    """The knowledge that the documents hold; not to be used if there are faults."""
    read = _decode(documents, faults)
    terms = terminology.read(read.terminology, faults)
    _check_guidelines(read, faults)
    found = labels.read(read.labels, terms.systems, faults)
    labs = measurements.read(read.measurements, terms.systems, faults)
    sets = terms.value_sets()
    collisions.check(terms, found, labs, faults)
    local.attach(terms, found, sets, labs, faults)
    names = _names(read, sets, terms)
    _check_indications(found, names, faults)
    by_id = rules.read(_rule_tables(read), names, faults)
    said = [line for document, table in read.overrides for line in overrides.apply(document, table, by_id, names, faults)]
    _check_value_sets(terms, found, by_id, faults)
    ruled = {product for rule in by_id.values() for product in rule.products}
    return Knowledge(
        drugs=found.drugs,
        products={p.name: replace(p, has_rules=p.name in ruled) for p in found.products.values()},
        rules=tuple(by_id[key] for key in sorted(by_id)),
        measurements=labs,
        value_sets=sets,
        systems=terms.systems,
        units=terms.units,
        ucum={unit.code: unit for unit in terms.units.values()},
        rejected_units=terms.rejected_units,
        routes=terms.routes,
        other_codes={key: substance for key, (substance, _) in terms.other.items()},
        excluded_codes=frozenset(terms.excluded),
        known_lab_codes=_known_labs(terms, labs),
        digest=files.digest(documents),
        overrides=tuple(said),
    )


def _decode(documents: Sequence[Document], faults: Faults) -> Read:
    read = Read([], [], [], [], [])
    for document in documents:
        folder = document.part.partition("/")[0]
        if folder == "terminology" and document.part.endswith(".csv"):
            read.terminology.append(document)
        elif document.part == "overrides.toml" or (folder in FOLDERS[:3] and document.part.endswith(".toml")):
            content = files.toml(document, faults)
            if content is not None:
                getattr(read, folder.removesuffix(".toml")).append((document, content))
        elif folder != _NOT_OURS:
            faults.add(document.place(), f"is not read; move it to one of {', '.join(FOLDERS)}, or name it overrides.toml")
    return read


def _check_guidelines(read: Read, faults: Faults) -> None:
    for document, content in read.guidelines:

        def report(key: str | None, message: str, document: Document = document) -> None:
            faults.add(document.place_of_key(key) if key else document.place(), message)

        check_table(content, {}, {"title": "text", "rule": "tables"}, Names(), report)


def _rule_tables(read: Read) -> list[rules.Found]:
    found = [rules.Found(d, t, content.get("product")) for d, content in read.labels for t in _tables(content)]
    return found + [rules.Found(d, t, None) for d, content in read.guidelines for t in _tables(content)]


def _tables(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = content.get("rule", [])
    return [table for table in given if isinstance(table, dict)] if isinstance(given, list) else []


def _names(read: Read, sets: Mapping[str, ValueSet], terms: Terminology) -> Names:
    """What rules may refer to; also things whose own file has a fault, which is reported there and not at every mention."""
    return Names(
        products=frozenset(str(content.get("product")) for _, content in read.labels),
        indications=frozenset(name for name, one in sets.items() if one.resource_type == "Condition"),
        value_sets=frozenset(sets),
        measurements=frozenset(str(content.get("name")) for _, content in read.measurements),
        routes=frozenset(terms.routes.values()),
    )


def _known_labs(terms: Terminology, labs: Mapping[str, Measurement]) -> frozenset[tuple[str, str]]:
    used = {comparable(code.system, code.code) for lab in labs.values() for code in lab.codes}
    return frozenset(used | {comparable(code.system, code.code) for code, _ in terms.known_labs})


def _check_indications(found: Labels, names: Names, faults: Faults) -> None:
    for product in found.products.values():
        for indication in product.indications:
            if indication not in names.indications:
                faults.add(Place(product.file, 1), unknown("indication", indication, names.indications))


def _check_value_sets(terms: Terminology, found: Labels, by_id: Mapping[str, Rule], faults: Faults) -> None:
    """A set that nothing uses is a set misspelt."""
    used = {indication for product in found.products.values() for indication in product.indications} | {"dental"}
    used |= {name for rule in by_id.values() for name in rule.indications}
    used |= {rule.parameters["value_set"] for rule in by_id.values() if "value_set" in rule.parameters}
    used |= {name for rule in by_id.values() for name in rule.parameters.get("indications_not", ())}
    placed = {name: codes[0][1] for sets in (terms.conditions, terms.procedures) for name, codes in sets.items() if codes}
    placed |= {name: next(iter(phrases.values())) for name, phrases in terms.phrases.items()}
    for name, place in placed.items():
        if name not in used:
            faults.add(place, f"no label and no rule uses this: {unknown('value set', name, used)}")
