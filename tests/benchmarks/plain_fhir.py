"""(a) The plain way: every resource through fhir.resources, columns into pandas, as-of joins, eight rules.

It does less than bonefhir: no units, products, versions, intervals of uncertainty, evidence or reports; eight of over a
hundred rules; and it trusts what it reads. Times are read from the models, codes compared with the few that the inputs hold.
"""

import gzip
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from fhir.resources.R4B import get_fhir_model_class

AGENTS = {"351114": "zoledronic acid", "1046402": "denosumab", "11473": "pamidronate"}
LABS = {"2160-0": "creatinine", "17861-6": "calcium", "1751-7": "albumin", "29463-7": "weight"}
WINDOWS = {"creatinine": 28, "calcium": 28, "albumin": 28, "weight": 90}
LIMITS = {"zoledronic acid": 4.0, "denosumab": 120.0, "pamidronate": 90.0}
RULES = ("too-much", "too-fast", "no-creatinine", "no-calcium", "hypocalcaemia", "clearance-30", "clearance-dose", "too-soon")

Rows = dict[str, list[dict[str, Any]]]


def resources(folder: Path) -> Iterator[tuple[Any, dict[str, str]]]:
    """Models, and the fullUrls of the Bundle around each."""
    models: dict[str, Any] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".json":
            bundle = get_fhir_model_class("Bundle").model_validate_json(path.read_bytes())
            urls = {entry.fullUrl: f"{entry.resource.get_resource_type()}/{entry.resource.id}" for entry in bundle.entry}
            yield from ((entry.resource, urls) for entry in bundle.entry)
            continue
        name = path.name.partition(".")[0]
        model = models.setdefault(name, get_fhir_model_class(name))
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield from ((model.model_validate_json(line), {}) for line in lines)


def extract(found: Iterable[tuple[Any, dict[str, str]]]) -> tuple[int, Rows]:
    rows: Rows = defaultdict(list)
    count = 0
    for resource, urls in found:
        count += 1
        kind = resource.get_resource_type()
        if kind == "Patient":
            row = {"patient": f"Patient/{resource.id}", "female": resource.gender == "female", "born": resource.birthDate}
            rows["patients"].append(row)
        elif kind == "Observation":
            _observation(rows, resource, urls)
        elif kind == "MedicationAdministration":
            _administration(rows, resource, urls)
    return count, rows


def _patient(resource: Any, urls: dict[str, str]) -> str:
    reference: str = resource.subject.reference
    return urls.get(reference, reference)


def _observation(rows: Rows, resource: Any, urls: dict[str, str]) -> None:
    name = LABS.get(resource.code.coding[0].code)
    if name is not None and resource.valueQuantity is not None and resource.status == "final":
        value, time = float(resource.valueQuantity.value), resource.effectiveDateTime
        rows[name].append({"patient": _patient(resource, urls), "time": time, name: value})


def _administration(rows: Rows, resource: Any, urls: dict[str, str]) -> None:
    product = AGENTS.get(resource.medicationCodeableConcept.coding[0].code)
    if product is None or resource.status != "completed":
        return
    period = resource.effectivePeriod
    start, end = (resource.effectiveDateTime, None) if period is None else (period.start, period.end)
    row = {"id": resource.id, "patient": _patient(resource, urls), "product": product, "time": start}
    rows["doses"].append(row | {"end": end, "amount": float(resource.dosage.dose.value)})


def judged(rows: Rows) -> pd.DataFrame:
    """One row per dose and rule that it fails."""
    doses = pd.DataFrame(rows["doses"])
    doses["time"], doses["end"] = _instants(doses["time"]), _instants(doses["end"])
    doses = doses.merge(pd.DataFrame(rows["patients"]), on="patient", how="left").sort_values(["time", "id"])
    for name, days in WINDOWS.items():
        labs = pd.DataFrame(rows[name])
        labs["time"] = _instants(labs["time"])
        doses = pd.merge_asof(doses, labs.sort_values("time"), on="time", by="patient", tolerance=pd.Timedelta(days=days))
    failed = _failed(doses)
    found = [pd.DataFrame({"id": doses["id"][failed[rule]], "rule": rule}) for rule in RULES]
    return pd.concat(found).sort_values(["id", "rule"])


def _instants(times: Any) -> Any:
    return pd.to_datetime(times, utc=True).astype("datetime64[us, UTC]")


def _failed(doses: pd.DataFrame) -> dict[str, Any]:
    age = (doses["time"].dt.tz_localize(None) - pd.to_datetime(doses["born"])).dt.days / 365.25
    sex = doses["female"].map({True: 0.85, False: 1.0})
    clearance = (140 - age) * doses["weight"] * sex / (72 * doses["creatinine"])
    calcium = doses["calcium"] + 0.8 * (4 - doses["albumin"]).clip(lower=0)
    zoledronic, product = doses["product"] == "zoledronic acid", doses["product"]
    minutes = (doses["end"] - doses["time"]).dt.total_seconds() / 60
    previous = doses.groupby(["patient", "product"])["time"].shift()
    return {
        "too-much": doses["amount"] > product.map(LIMITS),
        "too-fast": zoledronic & (minutes < 15),
        "no-creatinine": (product != "denosumab") & doses["creatinine"].isna(),
        "no-calcium": doses["calcium"].isna(),
        "hypocalcaemia": calcium < 8.5,
        "clearance-30": zoledronic & (clearance < 30),
        "clearance-dose": zoledronic & (clearance <= 60) & (doses["amount"] > 3.5),
        "too-soon": (doses["time"] - previous).dt.days < 18,
    }


def run(folder: Path, out: Path) -> int:
    count, rows = extract(resources(folder))
    judged(rows).to_csv(out, index=False)
    return count


if __name__ == "__main__":
    print(run(Path(sys.argv[1]), Path(sys.argv[2])))
