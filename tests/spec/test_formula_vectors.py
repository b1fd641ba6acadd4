"""Test vectors with provenance (formula_vectors.csv) against what the product computes."""

import csv
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bonefhir.derive import formulae, grades
from bonefhir.derive.chart import Chart
from bonefhir.derive.courses import course, interval_days
from bonefhir.derive.durations import duration
from bonefhir.derive.windows import Moments
from bonefhir.interval import Interval, exactly
from bonefhir.judge import bands
from bonefhir.judge.examples import columns_of
from bonefhir.judge.rules import evaluate
from bonefhir.judge.view import WORDS, View
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Example, Rule
from bonefhir.knowledge.ucum import parse
from bonefhir.knowledge.units import factor_to
from bonefhir.normalise import times
from bonefhir.normalise.amounts import charted
from bonefhir.normalise.drugs import DrugMatch, RatioJson

KNOWLEDGE = load()
RULES = {rule.id: rule for rule in KNOWLEDGE.rules}
VECTORS = list(csv.DictReader((Path(__file__).parent / "formula_vectors.csv").read_text(encoding="utf-8").splitlines()))
Inputs = Mapping[str, Any]

LEFT_OUT = {
    "ckd_epi_2021_creat_cys": "cystatin C is not measured by any rule",
    "ckd_epi_2012_cys": "cystatin C is not measured by any rule",
    "mdrd4_idms": "no rule rests on MDRD; a reported eGFR is taken as reported",
    "ckd_epi_2009_creat_nonblack": "superseded by CKD-EPI 2021",
    "schwartz_bedside_2009": "an equation for children; under 18 no eGFR is computed",
    "cockcroft_gault_umol_rounded_constant": "shows the trap of the SI shorthand constants, which the product does not use",
    "corrected_calcium_si": "one route per threshold: the product corrects in mg/dL",
    "corrected_calcium_unit_route_difference": "the difference between two routes, of which the product has one",
    "double_correction_trap": "a wrong result on purpose; that corrected calcium is never corrected again has a test of its own",
    "bsa_mosteller": "no rule rests on body surface area",
    "bsa_dubois": "no rule rests on body surface area",
    "egfr_deindex": "an eGFR is never turned into a clearance",
    "za_dose_from_rtu_bottle": "a ready-to-use bottle's volume says nothing of the amount",
    "za4_sagent_bag_product_rule": "no rule of the catalogue is about this bag",
    "convert_25ohd2_ngml_to_nmol": "25-OH vitamin D has one factor, that of D3",
    "convert_magnesium_mgdl_to_mmol": "magnesium is not measured by any rule",
    "convert_phosphate_mgdl_to_mmol": "phosphate is not measured by any rule",
    "convert_radium_product_strength": "activities are charted, not computed from volumes",
    "radium223_volume_ml": "activities are charted, not computed from volumes",
    "radium223_activity_kbq_pre2016": "the label of today is applied",
    "kdigo_aki_stage_creatinine": "the rule tells stable from not stable; stages are not reported",
    "ctcae_v5_creatinine_increased": "the rules judge creatinine by the label's own limits; its grade is not reported",
    "ctcae_v6_creatinine_increased": "the rules judge creatinine by the label's own limits; its grade is not reported",
    "unit_trap_creatinine_umol_as_mgdl": "a wrong result on purpose: such a value is implausible and not used",
    "unit_trap_weight_lb_as_kg": "a wrong result on purpose: units are read, never assumed",
}


def one(value: float) -> Interval:
    return exactly(np.array([float(value)]))


def convert(value: float, unit: str, measurement: str) -> float:
    found = parse(unit)
    assert found is not None
    factor = factor_to(found, KNOWLEDGE.measurements[measurement])
    assert factor is not None
    return value * factor


def creatinine(inputs: Inputs) -> Interval:
    return one(inputs["scr_mg_dl"] if "scr_mg_dl" in inputs else convert(inputs["scr_umol_l"], "umol/L", "creatinine"))


def sex(inputs: Inputs) -> Interval:
    return one(1.0 if inputs["sex"] == "F" else 0.0)


def cockcroft_gault(inputs: Inputs) -> float:
    weight = one(inputs["weight_kg"])
    if inputs.get("weight_type", "actual") != "actual":
        ideal = formulae.ideal_weight(one(inputs["height_cm"]), sex(inputs))
        weight = ideal if inputs["weight_type"] == "ideal" else formulae.adjusted_weight(weight, ideal)
    return float(formulae.cockcroft_gault(one(inputs["age_y"]), weight, creatinine(inputs), sex(inputs)).low[0])


def ckd_epi(inputs: Inputs) -> float:
    return float(formulae.ckd_epi_2021(one(inputs["age_y"]), creatinine(inputs), sex(inputs)).low[0])


def adjusted(inputs: Inputs) -> float:
    ideal = formulae.ideal_weight(one(inputs["height_cm"]), sex(inputs))
    return float(formulae.adjusted_weight(one(inputs["weight_kg"]), ideal).low[0])


def expected_dose(inputs: Inputs) -> float | str:
    clearance = np.array([float(inputs["baseline_crcl_ml_min"])])
    table = RULES["ZA4-MMBM-CRCL-DOSE"].parameters["bands"]
    if not bands.in_a_band(table, clearance)[0]:
        return "not_recommended"
    return float(bands.strict(table, clearance)[0])


def verdict(rule: Rule, **cells: str) -> str:
    view = View(columns_of(Example(cells, "", (), 0)), 1)
    return WORDS[int(evaluate(rule, view).verdict[0])]


def observed(rule: Rule, **cells: str) -> float:
    """The quantity that the rule judges."""
    return float(evaluate(rule, View(columns_of(Example(cells, "", (), 0)), 1)).observed.low[0])


def amount_of_volume(drug: str, volume: float, mass: float, per: float) -> float:
    """mg in a volume charted, by the strength of the Medication: `mass` mg in `per` mL."""
    strength = {"numerator": {"value": mass, "unit": "mg"}, "denominator": {"value": per, "unit": "mL"}}
    match = DrugMatch(drug, strength=msgspec.json.decode(json.dumps(strength), type=RatioJson))
    texts = {"dose_value": str(volume), "dose_unit": "mL"}
    names = [
        f"{prefix}_{part}"
        for prefix in ("dose", "rate", "rate_per")
        for part in ("value", "comparator", "unit", "system", "code")
    ]
    table = pa.table({name: pa.array([texts.get(name)], pa.string()) for name in names})
    return float(charted(table, [match], np.zeros(1, dtype=np.int64), KNOWLEDGE).amount[0])


def deterioration(inputs: Inputs) -> str:
    unit = "umol/L" if "baseline_umol_l" in inputs else "mg/dL"
    baseline, current = (str(inputs[f"{name}_{unit.lower().replace('/', '_')}"]) for name in ("baseline", "current"))
    found = verdict(RULES["ZA4-MMBM-RENAL-DET"], creatinine=current, baseline_creatinine=baseline, unit=unit)
    return {"fail": "withhold", "pass": "ok"}[found]


def recovery(inputs: Inputs) -> str:
    cells = {"creatinine": str(inputs["current_mg_dl"]), "baseline_creatinine": str(inputs["baseline_mg_dl"]), "reached": "yes"}
    return {"fail": "hold", "pass": "resume"}[verdict(RULES["ZA4-MMBM-RESUME"], **cells)]


def hypercalcaemia_dose(inputs: Inputs) -> str:
    """4 mg whatever the creatinine; above 4.5 mg/dL the rule on creatinine speaks."""
    spoken = verdict(RULES["ZA4-HCM-SCR"], creatinine=str(inputs["scr_mg_dl"])) == "fail"
    return f"{RULES['ZA4-HCM-DOSE-MIN'].parameters['min']}" + ("_flag_risk_benefit" if spoken else "")


def moments(found: times.Times) -> Moments:
    """Of one patient."""
    dates = ((found.instant, "us"), (found.first, "D"), (found.last, "D"))
    instant, first, last = (each.astype(f"datetime64[{unit}]").astype(np.int64) for each, unit in dates)
    return Moments(np.zeros(len(instant), dtype=np.int64), instant, first, last)


def at(start: str | None, finish: str | None = None) -> tuple[Chart, Moments]:
    begin, stop = times.parse(pd.Series([start], dtype=object)), times.parse(pd.Series([finish], dtype=object))
    nothing = np.array([np.nan])
    numbers = dict.fromkeys(("amount", "amount_top", "rate_amount", "volume_ml", "rate_volume"), nothing)
    end = moments(stop)
    chart = Chart(1, {**numbers, "end_instant": end.instant, "end_last": end.last, "stopped": np.array([False])}, {}, {})
    return chart, moments(begin)


def infusion(inputs: Inputs) -> str:
    found = duration(*at(inputs["start"], inputs["end"]))
    if "negative-duration" in [kind for _, kind in found.quality]:
        return "invalid_period"
    minutes = "" if math.isnan(found.minutes.low[0]) else repr(float(found.minutes.low[0]))
    rule = RULES["ZA4-INF-MIN"] if inputs["minimum_min"] == 15 else RULES["PAM-INF-MIN"]
    assert rule.parameters["min_minutes"] == inputs["minimum_min"]
    return verdict(rule, duration=minutes).replace("indeterminate", "not_evaluable")


def interval(inputs: Inputs) -> float:
    when = times.parse(pd.Series([inputs["previous"], inputs["current"]], dtype=object))
    doses = moments(when)
    return float(interval_days(doses, course(doses, np.zeros(2, dtype=np.int64), np.arange(2))).low[1])


def age(inputs: Inputs) -> float:
    birth, day = (np.array([inputs[name]], dtype="datetime64[D]") for name in ("birth", "on"))
    return float(formulae.completed_years(birth, day)[0])


def calcium_grade(inputs: Inputs) -> float:
    value, scale = next((v, SCALES[k]) for k, v in inputs.items() if k in SCALES)
    grade, limit = (grades.hypocalcaemia, "lln") if "lln" in inputs else (grades.hypercalcaemia, "uln")
    return float(grade(np.array([float(value)]), np.array([float(inputs[limit])]), scale)[0])


SCALES = {"corrected_ca_mg_dl": grades.MG_DL, "corrected_ca_mmol_l": grades.MMOL_L, "ionised_ca_mmol_l": grades.IONISED}


def both_scales(inputs: Inputs, grade: Callable[..., np.ndarray]) -> str:
    """One sample graded in either unit."""
    mmol, mg = (
        grade(np.array([v]), np.array([grades.UPPER_LIMIT[s] if grade is grades.hypercalcaemia else limit]), s)[0]
        for v, s, limit in ((inputs["corrected_ca_mmol_l"], grades.MMOL_L, 2.12), (inputs["same_in_mg_dl"], grades.MG_DL, 8.5))
    )
    return f"mmol:{mmol};mg/dL:{mg}"


COMPUTED: dict[str, Callable[[Inputs], float | str]] = {
    "cockcroft_gault": cockcroft_gault,
    "cockcroft_gault_umol_exact": cockcroft_gault,
    "cockcroft_gault_weight_choice": cockcroft_gault,
    "ckd_epi_2021_creat": ckd_epi,
    "corrected_calcium_us": lambda i: float(formulae.corrected_calcium(one(i["ca_mg_dl"]), one(i["albumin_g_dl"])).low[0]),
    "ibw_devine": lambda i: float(formulae.ideal_weight(one(i["height_cm"]), sex(i)).low[0]),
    "adjusted_body_weight_0.4": adjusted,
    "convert_creatinine_mgdl_to_umol": lambda i: i["value"] / convert(1.0, "umol/L", "creatinine"),
    "convert_creatinine_umol_to_mgdl": lambda i: convert(i["value"], "umol/L", "creatinine"),
    "convert_calcium_mgdl_to_mmol": lambda i: convert(i["value"], "mg/dL", "calcium_ionised"),
    "convert_calcium_mmol_to_mgdl": lambda i: convert(i["value"], "mmol/L", "calcium_total"),
    "convert_calcium_mmol_to_meq": lambda i: (
        convert(i["value"], "mmol/L", "calcium_total") / convert(1.0, "meq/L", "calcium_total")
    ),
    "convert_calcium_mgdl_to_meq": lambda i: i["value"] / convert(1.0, "meq/L", "calcium_total"),
    "convert_albumin_gl_to_gdl": lambda i: convert(i["value"], "g/L", "albumin"),
    "convert_25ohd3_ngml_to_nmol": lambda i: i["value"] / convert(1.0, "nmol/L", "vitamin_d"),
    "convert_lb_to_kg": lambda i: convert(i["value_lb"], "[lb_av]", "weight"),
    "convert_radium_uci_to_kbq": lambda i: i["value_uci_per_kg"] * ratio("uCi", "kBq"),
    "convert_strontium_mci_to_mbq": lambda i: i["value_mci"] * ratio("mCi", "MBq"),
    "convert_samarium_mci_per_kg": lambda i: i["value_mci_per_kg"] * ratio("mCi", "MBq"),
    "za4_expected_dose_mm_bonemets": expected_dose,
    "za4_expected_dose_hcm": hypercalcaemia_dose,
    "renal_deterioration": deterioration,
    "renal_deterioration_si": deterioration,
    "renal_recovery_within_10pct": recovery,
    "infusion_minimum_minutes": infusion,
    "pamidronate_rate": lambda i: observed(RULES["PAM-RATE"], amount=str(i["dose_mg"]), duration=str(i["hours"] * 60)),
    "interval_days": interval,
    "kdigo_g_stage": lambda i: grades.G_STAGES[grades.g_stage(np.array([float(i["egfr"])]))[0]],
    "ctcae_hypocalcemia_corrected": calcium_grade,
    "ctcae_hypocalcemia_ionised": calcium_grade,
    "ctcae_hypercalcemia_corrected": calcium_grade,
    "ctcae_hypercalcemia_ionised": calcium_grade,
    "ctcae_unit_disagreement_hypocalcemia": lambda i: both_scales(i, grades.hypocalcaemia),
    "ctcae_unit_disagreement_hypercalcemia": lambda i: both_scales(i, grades.hypercalcaemia),
    "age_completed_years": age,
    "za_dose_from_withdrawn_volume": lambda i: amount_of_volume("zoledronic_acid", i["volume_ml"], 4, 5),
    "denosumab_dose_from_volume": lambda i: amount_of_volume("denosumab", i["volume_ml"], 70, 1),
    "radium223_activity_kbq": lambda i: i["weight_kg"] * observed(RULES["RA223-DOSE"], amount="4400", weight=str(i["weight_kg"])),
}


def ratio(unit: str, to: str) -> float:
    a, b = parse(unit), parse(to)
    assert a is not None
    assert b is not None
    return a.factor / b.factor


SPLIT = "undefined_report"
"""The EU text leaves a baseline of exactly 124 µmol/L undefined; the trials, which the rule follows, call it abnormal."""


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["formula"] in COMPUTED], ids=lambda v: v["id"])
def test_vector(vector: dict[str, str]) -> None:
    found = COMPUTED[vector["formula"]](json.loads(vector["inputs_json"]))
    stated, tolerance = vector["expected_output"], vector["tolerance"]
    if stated == SPLIT:
        assert found == "ok"
    elif tolerance == "exact" and isinstance(found, str):
        assert found == stated
    elif tolerance == "rounded to integer":
        assert round(float(found)) == int(stated)
    else:
        allowed = 0.0 if tolerance == "exact" else float(tolerance)
        assert float(found) == pytest.approx(float(stated), abs=allowed + 1e-9)


def test_every_vector_is_computed_or_left_out_for_a_reason() -> None:
    formulas = {v["formula"] for v in VECTORS}
    assert formulas == set(COMPUTED) | set(LEFT_OUT)
    assert not set(COMPUTED) & set(LEFT_OUT)
