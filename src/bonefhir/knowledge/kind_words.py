"""Every kind of rule in words with its numbers, for the catalogue that a pharmacist reads."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from bonefhir.knowledge.model import Rule

Parameters = Mapping[str, Any]


def in_words(rule: Rule) -> str:
    """One or two sentences: when the rule fails, and whom it leaves out."""
    said = _WORDS[rule.kind]
    text = said(rule.parameters) if callable(said) else said.format_map(_Plain(rule.parameters))
    which = {"first": " Only the patient's first dose in the data.", "later": " Not the patient's first dose in the data."}
    return text + which.get(rule.doses, "")


class _Plain(dict[str, str]):
    """Parameters as text."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__({key: plain(value) for key, value in parameters.items()})


def plain(value: Any) -> str:
    """4.0 → '4', ('a', 'b') → 'a or b', words without underscores: 'zoledronic acid 4 mg', 'Paget's disease'."""
    if isinstance(value, float | int):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, str):
        return _SAID.get(value) or _MG.sub(r"\1 mg", value.replace("_", " "))
    words = [plain(one) for one in value]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


_MG = re.compile(r"(\d)mg\b")
_SAID = {"paget": "Paget's disease", "osteonecrosis_of_jaw": "osteonecrosis of the jaw"}
"""Names that are more than their words."""


def _bands(bands: Sequence[Mapping[str, float]]) -> str:
    """'above 60: 4 mg; 50 to 60: 3.5 mg; 40 to 49 (nothing is printed up to 50): 3.3 mg; …'."""
    starts = [band.get("over", band.get("from", 0.0)) for band in bands]
    said = [f"{'above' if 'over' in bands[0] else 'from'} {plain(starts[0])}: {plain(bands[0]['max'])} mg"]
    for (above, start), band in zip(pairwise(starts), bands[1:], strict=True):
        printed = band.get("printed_to")
        end = f"{plain(printed)} (nothing is printed up to {plain(above)})" if printed else f"{_end(bands, above)}{plain(above)}"
        said.append(f"{plain(start)} to {end}: {plain(band['max'])} mg")
    return "; ".join(said)


def _end(bands: Sequence[Mapping[str, float]], above: float) -> str:
    return "" if bands[0].get("over") == above else "below "


def _by_clearance(more: str) -> Callable[[Parameters], str]:
    def said(p: Parameters) -> str:
        when = "at baseline" if p["basis"] == "baseline" else "at the time of the dose"
        low = plain(p["bands"][-1].get("from", p["bands"][-1].get("over")))
        below = "" if low == "0" else f" Below {low} mL/min another rule speaks."
        bands = f"Creatinine clearance {when}, in mL/min, and the dose: {_bands(p['bands'])}."
        return f"{bands} {more.format(plain(p['tolerance']))}{below}"

    return said


def _dose_min(p: Parameters) -> str:
    if "min" in p:
        return f"Fails below {plain(p['min'])} mg (tolerance {plain(p['tolerance'])} mg). A stopped dose is left out."
    bands = [
        f"below {plain(b['min'])} mg"
        + (f" at a corrected calcium above {plain(b['over_mg_dl'])} mg/dL" if b["over_mg_dl"] else " at any other")
        for b in p["bands_by_calcium"]
    ]
    return f"Fails {', and '.join(bands)} (tolerance {plain(p['tolerance'])} mg). A stopped dose is left out."


def _duration(p: Parameters) -> str:
    when = f" at a creatinine clearance below {plain(p['when_clearance_below'])} mL/min" if "when_clearance_below" in p else ""
    return f"Fails if infused in less than {plain(p['min_minutes'])} minutes{when}."


def _interval(than: str, days: str) -> Callable[[Parameters], str]:
    def said(p: Parameters) -> str:
        tolerance = f" (tolerance {p['tolerance_days']} days)" if p["tolerance_days"] else ""
        return f"Fails if the previous dose of the product was {than} than {p[days]} days before{tolerance}."

    return said


def _per_kg(p: Parameters) -> str:
    share, unit = f"{plain(p['tolerance_percent'])} %", p["unit"].partition("/")[0]
    if "value" in p:
        return f"Fails if the amount differs from {plain(p['value'])} {p['unit']} by more than {share}."
    fixed = f", unless it differs from {plain(p['or_fixed'])} {unit} by no more" if "or_fixed" in p else ""
    return f"Fails if the amount is more than {share} outside {plain(p['min'])} to {plain(p['max'])} {p['unit']}{fixed}."


def _lab_before(p: Parameters) -> str:
    days = f"within {p['window_days']} days" if "window_days" in p else "within the product's creatinine window"
    return f"Fails without any measurement of {_labs(p['labs'])} {days} before the dose."


def _labs(labs: Sequence[str]) -> str:
    return " and ".join("calcium (any kind)" if lab == "any_calcium" else plain(lab) for lab in labs)


def _lab_after(p: Parameters) -> str:
    return f"Fails without any measurement of {_labs(p['labs'])} from {p['from_days']} to {p['to_days']} days after the dose."


def _calcium_min(p: Parameters) -> str:
    if "limit_mg_dl" not in p:
        return "Fails if calcium is below the laboratory's lower limit (else 8.5 mg/dL; ionised 1.12 mmol/L)."
    return f"Fails below {plain(p['limit_mg_dl'])} mg/dL, ionised {plain(p['limit_ionised_mmol_l'])} mmol/L."


def _counts(p: Parameters) -> str:
    def all_of(minima: Mapping[str, float]) -> str:
        units = {"haemoglobin": "g/dL"}
        return ", ".join(f"{name} {plain(low)} {units.get(name, '× 10⁹/L')}" for name, low in minima.items())

    later = "" if p["first"] == p["later"] else f"; later doses: {all_of(p['later'])}"
    return f"Fails if the latest count within {p['window_days']} days is below: {all_of(p['first'])}{later}."


def _condition(p: Parameters) -> str:
    days = p["lookback_days"]
    when = f"present at the dose and begun at most {days} days before" if days else "dated on or before the dose, ended or not"
    return f"Fails if {plain(p['value_set'])} is on record, {when}."


_BASELINE = "baseline below {normal_below} mg/dL ({normal_below_umol_l} µmol/L)"
_RISE = (
    "{rise_normal} mg/dL ({rise_normal_umol_l} µmol/L) from a "
    + _BASELINE
    + ", or by {rise_abnormal} mg/dL ({rise_abnormal_umol_l} µmol/L) from a higher one"
)

_WORDS: Mapping[str, str | Callable[[Parameters], str]] = {
    "route": "Fails by any route but {allowed}.",
    "dose_max": "Fails above {max} mg (tolerance {tolerance} mg).",
    "dose_min": _dose_min,
    "dose_by_clearance": _by_clearance("Fails above it (tolerance {} mg)."),
    "underdose_by_clearance": _by_clearance("Fails below it (tolerance {} mg). A stopped dose is left out."),
    "clearance_min": "Fails at a creatinine clearance below {min} mL/min.",
    "egfr_min": "Fails at an eGFR below {min} mL/min/1.73 m².",
    "creatinine_max": "Fails at a creatinine above {max} mg/dL ({max_umol_l} µmol/L).",
    "creatinine_rise": f"Fails if creatinine has risen by at least {_RISE}. Not the patient's first dose in the data.",
    "creatinine_recovery": "After a creatinine that had risen by at least "
    + _RISE
    + ": fails if creatinine at the dose is above {max_ratio} × baseline.",
    "creatinine_stable": "Fails if creatinine has risen by {rise} mg/dL ({rise_umol_l} µmol/L) within {rise_hours} hours, "
    "or to {ratio} times its lowest value within {ratio_days} days.",
    "duration_min": _duration,
    "rate_max": "Fails above {max_mg_per_h} mg per hour.",
    "interval_min": _interval("less", "min_days"),
    "interval_max": _interval("more", "max_days"),
    "course_max": lambda p: f"Fails from dose {p['max_doses'] + 1} of the product in the data on.",
    "per_kg": _per_kg,
    "lab_before": _lab_before,
    "lab_after": _lab_after,
    "calcium_min": _calcium_min,
    "calcium_indication": "Fails at a corrected calcium below {min_mg_dl} mg/dL ({min_mmol_l} mmol/L) "
    "within {window_days} days before the dose.",
    "counts_min": _counts,
    "vitamin_d_min": "Fails below {min_ng_ml} ng/mL ({min_nmol_l} nmol/L), if known within {window_days} days before the dose.",
    "no_other_product": "Fails if {others} was given within the {window_days} days before, or on the same day.",
    "condition_absent": _condition,
    "dental_before_first": "Fails without a dental examination within {window_days} days before the first dose in the data; "
    "cannot be told where the data has no dental record of anybody.",
    "age_min": "Fails below {min_years} years of age.",
    "indication_not": "Fails if the indication is {indications_not}. An assumed indication is left out.",
}
"""Kind → a text with its parameters, or a function of them."""
