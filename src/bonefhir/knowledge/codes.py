"""Codes as the catalogue holds them: their kinds, and the form in which they are compared."""

from collections.abc import Mapping
from typing import Any

from bonefhir.knowledge.faults import Faults, Place, unknown
from bonefhir.knowledge.model import Code

ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
NDC = "http://hl7.org/fhir/sid/ndc"

STATUSES = ("verified", "partial", "unverified")
UNUSED_KINDS = ("hold", "exclude", "deprecated", "panel")
KINDS = (
    *("include", "flag", "grouper", *UNUSED_KINDS, "local", "local_mimic"),
    *("IN", "PIN", "SCD", "SBD", "SCDF", "atc", "unii", "hcpcs", "ndc_package", "ndc_product"),
    *("substance", "substance_or_product", "product_vtm", "product_vtm_retired", "dmd_vtm", "dmd_product"),
    *("condition", "procedure", "icd10cm_leaf", "icd10cm_category", "icd10who", "icd10pcs", "meddra_pt"),
)
"""What a row of a code list may be. Rows of UNUSED_KINDS are known, and select nothing."""


def comparable(system: str, code: str) -> tuple[str, str]:
    """(canonical system, code) as they are compared: ICD without dots, NDC in eleven digits, the rest as it is."""
    if system in (ICD_10, ICD_10_CM):
        return system, code.replace(".", "")
    return (system, ndc_11(code) or code) if system == NDC else (system, code)


def ndc_11(code: str) -> str | None:
    """An NDC as 11 digits (5-4-2), each segment padded; None where that is not certain (10 digits without hyphens)."""
    segments = code.split("-")
    if not all(segment.isascii() and segment.isdigit() for segment in segments):
        return None
    if len(segments) == 3:
        padded = "".join(segment.zfill(width) for segment, width in zip(segments, (5, 4, 2), strict=True))
        return padded if len(padded) == 11 else None
    return code if len(segments) == 1 and len(code) == 11 else None


def ndc_product(code: str) -> str | None:
    """Labeler and product of an NDC, the first nine of the eleven digits; None as in ndc_11."""
    padded = ndc_11(f"{code}-00" if code.count("-") == 1 else code)
    return padded[:9] if padded else None


CODE_FIELDS = {"system": "text", "code": "text", "kind": "text", "status": "text"}
CODE_OPTIONAL = {"display": "text", "note": "text"}


def read_code(row: Mapping[str, Any], systems: Mapping[str, str], place: Place, faults: Faults) -> Code | None:
    """A code of a checked row: system by alias or URI, NDC in eleven digits. None, with a fault, if it cannot be used."""
    system = systems.get(row["system"]) or (row["system"] if ":" in row["system"] else None)
    code = row["code"]
    if system == NDC:
        code = ndc_product(code) if row["kind"] == "ndc_product" else ndc_11(code)
    if system is None:
        faults.add(place, unknown("code system", row["system"], (a for a in systems if ":" not in a)) + "; an alias or a URI")
    elif row["kind"] not in KINDS:
        faults.add(place, unknown("kind of code", row["kind"], KINDS))
    elif row["status"] not in STATUSES:
        faults.add(place, unknown("status", row["status"], STATUSES))
    elif code is None:
        faults.add(place, f"NDC '{row['code']}' is not 4-4-2, 5-3-2, 5-4-1 or 5-4-2 with hyphens, nor eleven digits")
    else:
        return Code(system, code, row["kind"], row["status"], row.get("display") or None, row.get("note") or None)
    return None
