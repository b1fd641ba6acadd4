"""Matching of codings: semantics.md, section 3."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_10_GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
NDC = "http://hl7.org/fhir/sid/ndc"


@dataclass(frozen=True)
class Row:
    """A row of the terminology."""

    system: str
    code: str
    kind: str

    def matches(self, system: str, code: str) -> bool:
        """'A coding matches a concept by (system, code) exactly. Exceptions: ICD rows are compared without dots; rows of kind
        `icd10cm_category` and WHO rows match every code that begins with theirs; NDC is compared in its 11-digit form.'"""
        if system != self.system:
            return False
        if system in (ICD_10, ICD_10_CM):
            mine, theirs = self.code.replace(".", ""), code.replace(".", "")
            prefix = self.kind in ("icd10cm_category", "icd10who")
            return theirs.startswith(mine) if prefix else theirs == mine
        if system == NDC:
            return eleven_digits(self.code) is not None and eleven_digits(self.code) == eleven_digits(code)
        return code == self.code


def eleven_digits(code: str) -> str | None:
    """'its 11-digit form without hyphens (10-digit forms padded by segment)'. Ten digits without hyphens are ambiguous."""
    if re.fullmatch(r"\d{11}", code, re.ASCII):
        return code
    parts = re.fullmatch(r"(\d{4,5})-(\d{3,4})-(\d{1,2})", code, re.ASCII)
    if parts is None:
        return None
    labeler, product, package = parts.groups()
    return labeler.zfill(5) + product.zfill(4) + package.zfill(2)


def codings(concept: Any, systems: dict[str, str]) -> list[tuple[str, str]]:
    """(system, code) of a CodeableConcept in order; 'Systems may come as `urn:oid:`', 'version ignored', ICD-10-GM 'is read as
    ICD-10 of the WHO'."""
    found = []
    for coding in (concept or {}).get("coding") or []:
        system, code = (coding.get("system"), coding.get("code")) if isinstance(coding, dict) else (None, None)
        if isinstance(system, str) and isinstance(code, str):
            canonical = systems.get(system, system)
            found.append((ICD_10 if canonical == ICD_10_GM else canonical, code))
    return found


def matched(rows: Iterable[Row], coding: tuple[str, str]) -> bool:
    return any(row.matches(*coding) for row in rows)


def texts(concept: Any, reference: Any = None) -> list[str]:
    """'Text is `CodeableConcept.text`, then the `display` of codings and of the reference.'"""
    concept = concept or {}
    found = [concept.get("text"), *(c.get("display") for c in concept.get("coding") or [] if isinstance(c, dict))]
    found.append((reference or {}).get("display"))
    return [text for text in found if isinstance(text, str) and text]
