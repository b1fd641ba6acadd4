"""The sentences of the semantics, each as a patient of a few lines."""

from pathlib import Path

import pytest

from tests.spec.case import DOSE_DAY, LOINC, RXNORM, UCUM, condition, dose, lab, metastases, patient, run

CLEAN = (patient(), metastases(), lab("creatinine", 0.9), lab("weight", 70), lab("calcium", 9.4), lab("albumin", 4.0))


def test_a_clean_dose_passes_every_rule_but_the_one_on_dental_records(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, dose())
    told = {v["rule_id"]: v["verdict"] for v in found.verdicts if v["verdict"] != "pass"}
    assert told == {"ZA4-DENTAL": "indeterminate"}
    assert found.verdict("ZA4-DENTAL") == "indeterminate no-dental-records"
    assert found.books == {"read": 7, "used": 7}


# ---------------------------------------------------------------------------------------------------- what is read


def test_of_two_versions_the_one_updated_last_is_used(tmp_path: Path) -> None:
    old = lab("creatinine", 3.5, id="c", meta={"lastUpdated": "2024-05-20T08:00:00Z"})
    new = lab("creatinine", 0.9, id="c", meta={"lastUpdated": "2024-05-21T08:00:00Z"})
    found = run(tmp_path, patient(), metastases(), new, old, lab("weight", 70), dose())
    assert found.verdict("ZA4-MMBM-SCR-GT3") == "pass"
    assert found.books["superseded"] == 1


def test_without_versions_the_later_one_read_wins_and_is_said(tmp_path: Path) -> None:
    found = run(tmp_path, patient(), lab("creatinine", 3.5, id="c"), lab("creatinine", 0.9, id="c"), dose())
    assert found.verdict("ZA4-MMBM-SCR-GT3") == "pass"
    assert "version-conflict" in found.kinds


def test_an_exact_copy_is_superseded_without_a_word(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, dose(), dose())
    assert found.books == {"read": 8, "used": 7, "superseded": 1}
    assert found.kinds == []


def test_if_the_newest_version_is_excluded_the_older_does_not_come_back(tmp_path: Path) -> None:
    final = lab("creatinine", 0.9, id="c", meta={"versionId": "1"})
    error = lab("creatinine", 0.9, id="c", meta={"versionId": "2"}, status="entered-in-error")
    found = run(tmp_path, patient(), final, error, dose())
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "fail"
    assert found.books == {"read": 4, "used": 2, "superseded": 1, "excluded": 1}


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "on-hold"])
def test_a_dose_that_was_not_given_does_not_count(tmp_path: Path, status: str) -> None:
    found = run(tmp_path, patient(), dose(status=status))
    assert found.doses == []
    assert found.books["excluded"] == 1


def test_a_stopped_dose_is_given_up_to_its_amount_and_would_have_taken_longer(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, dose(4, minutes=5, status="stopped"))
    assert found.verdict("ZA4-DOSE-MAX") == "pass"
    assert found.verdict("ZA4-INF-MIN") == "indeterminate bounds"
    assert found.verdict("ZA4-MMBM-UNDERDOSE") == "not_applicable"


def test_a_rejected_creatinine_counts_as_measured_and_not_usable(tmp_path: Path) -> None:
    found = run(tmp_path, patient(), lab("creatinine", 0.9, status="bogus"), dose())
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "indeterminate unusable-lab"
    assert found.reasons == ["bad-code"]


def test_a_rejected_observation_with_an_unreadable_code_could_be_the_creatinine(tmp_path: Path) -> None:
    found = run(tmp_path, patient(), lab("weight", 70), lab("creatinine", 0.9, code={"coding": {"code": "2160-0"}}), dose())
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "indeterminate unusable-lab"


def test_a_rejected_observation_without_a_value_is_no_measurement(tmp_path: Path) -> None:
    empty = lab("creatinine", None, id="empty", code=None)
    found = run(tmp_path, patient(), lab("creatinine", 0.9, "2023-01-01"), empty, dose())
    assert found.reasons == ["not-fhir"]
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "fail"


def test_a_component_that_cannot_be_read_may_be_the_creatinine(tmp_path: Path) -> None:
    empty = lab("creatinine", None, id="empty", component=[1])
    found = run(tmp_path, patient(), lab("creatinine", 0.9, "2023-01-01"), empty, dose())
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "indeterminate unusable-lab"


def test_a_reason_whose_condition_lacks_its_own_patient_is_a_reason_all_the_same(tmp_path: Path) -> None:
    reason = condition("M81.0", id="c", subject={"display": "somebody"})
    found = run(tmp_path, patient(), reason, dose(reasonReference=[{"reference": "Condition/c"}]))
    assert found.reasons == ["no-patient"]
    assert (found.doses[0]["indication"], found.doses[0]["indication_basis"]) == ("osteoporosis", "reason")


def test_a_reason_whose_condition_is_not_processed_is_known_by_its_display(tmp_path: Path) -> None:
    reason = condition("C79.51", id="c", implicitRules="http://hospital.example/rules")
    found = run(tmp_path, patient(), reason, dose(reasonReference=[{"reference": "Condition/c", "display": "osteoporosis"}]))
    assert found.reasons == ["modifier-extension"]
    assert found.doses[0]["indication"] == "osteoporosis"


def test_the_texts_of_a_medication_come_before_the_display_of_the_reference_to_it(tmp_path: Path) -> None:
    item = {"coding": [{"system": RXNORM, "code": "77655"}], "text": "zoledronic acid 5 mg"}
    medication = {"resourceType": "Medication", "id": "m", "ingredient": [{"itemCodeableConcept": item}]}
    given = dose(4.5, medicationReference={"reference": "Medication/m", "display": "zoledronic acid 4 mg"})
    del given["medicationCodeableConcept"]
    assert run(tmp_path, patient(), medication, given).doses[0]["product"] == "zoledronic_acid_5mg"


def test_a_patient_that_is_referenced_but_absent_has_no_sex_and_no_age(tmp_path: Path) -> None:
    found = run(tmp_path, metastases(), lab("creatinine", 0.9), lab("weight", 70), dose())
    assert found.verdict("ZA4-MMBM-CRCL-LT30") == "indeterminate no-age"


def test_a_dose_without_a_patient_is_rejected(tmp_path: Path) -> None:
    assert run(tmp_path, patient(), dose(subject={"display": "somebody"})).reasons == ["no-patient"]


def test_a_medication_that_cannot_be_found_rejects_its_dose(tmp_path: Path) -> None:
    given = dose(medicationReference={"reference": "Medication/none"})
    del given["medicationCodeableConcept"]
    assert run(tmp_path, patient(), given).reasons == ["medication-unresolved"]


def test_a_medication_in_error_rejects_its_dose(tmp_path: Path) -> None:
    wrong = {"resourceType": "Medication", "id": "m", "status": "entered-in-error", "code": {"text": "Zometa"}}
    given = dose(medicationReference={"reference": "Medication/m"})
    del given["medicationCodeableConcept"]
    assert run(tmp_path, patient(), wrong, given).reasons == ["medication-in-error"]


def test_without_any_creatinine_in_the_input_nothing_is_held_against_the_dose(tmp_path: Path) -> None:
    assert run(tmp_path, patient(), dose()).verdict("ZA4-SCR-BEFORE-EACH") == "indeterminate no-lab-records"


def test_a_creatinine_elsewhere_shows_that_there_are_records(tmp_path: Path) -> None:
    other = lab("creatinine", 0.9, subject={"reference": "Patient/q"})
    assert run(tmp_path, patient(), other, dose()).verdict("ZA4-SCR-BEFORE-EACH") == "fail"


def test_a_unit_code_that_is_none_of_ucum_is_read_and_said(tmp_path: Path) -> None:
    given = dose(dosage={"dose": {"value": 4, "unit": "MG", "system": UCUM, "code": "MG"}})
    found = run(tmp_path, patient(), lab("creatinine", 0.9, unit="MG/DL"), given)
    assert (found.doses[0]["amount_low"], found.kinds.count("unit-not-ucum")) == (4.0, 2)
    assert "unit-alias" in found.assumptions("ZA4-DOSE-MAX")


def test_two_results_of_one_time_that_are_far_apart_are_said(tmp_path: Path) -> None:
    near = run(tmp_path, patient(), lab("creatinine", 0.9), lab("creatinine", 1.3), dose())
    far = run(tmp_path, patient(), lab("creatinine", 0.9), lab("creatinine", 1.4), dose())
    assert (near.kinds, far.kinds) == ([], ["values-differ", "values-differ"])


def test_two_results_of_one_day_are_no_two_of_one_time(tmp_path: Path) -> None:
    morning, evening = lab("creatinine", 0.9, f"{DOSE_DAY}T08:00:00Z"), lab("creatinine", 3.9, f"{DOSE_DAY}T20:00:00Z")
    assert run(tmp_path, patient(), morning, evening, dose()).kinds == []


def test_a_birth_after_all_data_is_said_also_without_a_dose(tmp_path: Path) -> None:
    other = patient(id="q", birthDate="2099-01-01")
    found = run(tmp_path, patient(), other, dose())
    assert [(q["kind"], q["resource"]) for q in found.quality] == [("birth-after-data", "Patient/q")]


def test_a_component_that_is_read_as_a_lab_is_said(tmp_path: Path) -> None:
    panel = lab(
        "creatinine",
        None,
        code={"text": "renal panel"},
        component=[{k: lab("creatinine", 0.9)[k] for k in ("code", "valueQuantity")}],
    )
    found = run(tmp_path, patient(), panel, dose())
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "pass"
    assert "from-component" in found.assumptions("ZA4-SCR-BEFORE-EACH")


def test_an_amount_from_a_rate_is_an_assumption(tmp_path: Path) -> None:
    given = dose(dosage={"rateQuantity": {"value": 0.2, "unit": "mg/min", "system": UCUM, "code": "mg/min"}})
    found = run(tmp_path, patient(), given)
    assert found.doses[0]["amount_low"] == 4.0
    assert "amount-from-rate" in found.assumptions("ZA4-DOSE-MAX")


def test_an_infusion_time_from_a_rate_is_an_assumption_with_its_evidence(tmp_path: Path) -> None:
    rate = {"value": 12, "unit": "mg/h", "system": UCUM, "code": "mg/h"}
    given = dose(minutes=None, dosage=dose()["dosage"] | {"rateQuantity": rate})
    found = run(tmp_path, patient(), given)
    assert found.verdict("ZA4-INF-MIN") == "pass"
    assert "duration-from-rate" in found.assumptions("ZA4-INF-MIN")
    assert "duration-from-rate" not in found.assumptions("ZA4-DOSE-MAX")
    (timed,) = found.evidence("ZA4-INF-MIN", "infusion time")
    assert (timed["reported"], timed["value_low"], timed["value_high"], timed["unit"]) == ("12 mg/h", 20.0, 20.0, "min")


# ------------------------------------------------------------------------------------------------------------ time


def test_a_lab_after_the_dose_by_instant_is_none_before_it(tmp_path: Path) -> None:
    after = lab("creatinine", 3.9, "2024-05-19T23:30:00-12:00")
    found = run(tmp_path, *CLEAN, after, dose())
    assert found.verdict("ZA4-MMBM-SCR-GT3") == "pass"


def test_a_bare_date_on_the_day_of_the_dose_counts_as_before_with_an_assumption(tmp_path: Path) -> None:
    found = run(tmp_path, patient(), lab("creatinine", 0.9, "2024-05-20"), dose())
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "pass"
    assert "same-day-order" in found.assumptions("ZA4-SCR-BEFORE-EACH")


@pytest.mark.parametrize(("day", "verdict"), [("2024-04-22", "pass"), ("2024-04-21", "fail")])
def test_a_window_of_28_days_includes_the_28th(tmp_path: Path, day: str, verdict: str) -> None:
    assert run(tmp_path, patient(), lab("creatinine", 0.9, day), dose()).verdict("ZA4-SCR-BEFORE-EACH") == verdict


def test_two_values_of_one_instant_are_their_range(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, lab("creatinine", 3.4), dose())
    assert found.verdict("ZA4-MMBM-SCR-GT3") == "indeterminate bounds"


def test_a_lab_known_to_the_month_is_missing_if_only_part_of_the_month_is_in_the_window(tmp_path: Path) -> None:
    found = run(tmp_path, patient(), metastases(), lab("creatinine", 0.9, "2024-05"), dose())
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "indeterminate partial-date"
    assert found.verdict("ZA4-MMBM-SCR-GT3") == "indeterminate partial-date"


def test_beside_a_certain_one_it_widens_the_range(tmp_path: Path) -> None:
    found = run(tmp_path, patient(), metastases(), lab("creatinine", 0.9), lab("creatinine", 3.4, "2024-05"), dose())
    assert found.verdict("ZA4-MMBM-SCR-GT3") == "indeterminate partial-date"


def test_a_time_without_offset_is_read_as_utc(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, dose(start="2024-05-20T10:00:00"))
    assert "no-offset" in found.assumptions("ZA4-ROUTE")


def test_start_and_end_of_one_instant_tell_no_infusion_time(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, dose(minutes=0))
    assert found.verdict("ZA4-INF-MIN") == "indeterminate no-duration"
    assert "zero-duration" in found.kinds


def test_a_rate_tells_the_infusion_time(tmp_path: Path) -> None:
    given = dose(minutes=None)
    given["dosage"]["rateRatio"] = {
        "numerator": {"value": 4, "unit": "mg", "system": UCUM, "code": "mg"},
        "denominator": {"value": 10, "unit": "min", "system": UCUM, "code": "min"},
    }
    assert run(tmp_path, *CLEAN, given).verdict("ZA4-INF-MIN") == "fail"


# -------------------------------------------------------------------------------------------------- codes and units


def test_a_code_of_none_of_the_lists_beside_a_text_is_said(tmp_path: Path) -> None:
    unlisted = {"coding": [{"system": RXNORM, "code": "3002"}], "text": "Zometa"}
    found = run(tmp_path, *CLEAN, dose(medicationCodeableConcept=unlisted))
    assert "code-unlisted" in found.kinds
    assert "matched-by-text" in found.assumptions("ZA4-ROUTE")


def test_the_code_wins_over_the_text(tmp_path: Path) -> None:
    both = {"coding": [{"system": RXNORM, "code": "351114"}], "text": "Xgeva"}
    found = run(tmp_path, *CLEAN, dose(medicationCodeableConcept=both))
    assert found.doses[0]["drug"] == "zoledronic_acid"
    assert "code-text-mismatch" in found.kinds


def test_creatinine_in_micromoles_is_compared_with_the_limit_printed_in_them(tmp_path: Path) -> None:
    """400 µmol/L is 4.52 mg/dL: above 4.5, and not above 400."""
    labs = (lab("creatinine", 400, unit="umol/L"), lab("calcium", 13.5), lab("albumin", 4.0))
    found = run(tmp_path, patient(), condition("E83.52", onsetDateTime="2024-05-10"), *labs, dose())
    assert found.verdict("ZA4-HCM-SCR") == "pass"


def test_a_lab_with_a_local_code_counts_as_measured_and_not_usable(tmp_path: Path) -> None:
    local = lab("creatinine", 0.9, code={"coding": [{"system": "urn:x", "code": "1", "display": "Creatinine (Serum)"}]})
    found = run(tmp_path, patient(), lab("creatinine", 0.9, subject={"reference": "Patient/q"}), local, dose())
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "indeterminate unusable-lab"
    assert "unmapped-lab" in found.kinds


def test_a_urine_creatinine_is_no_creatinine(tmp_path: Path) -> None:
    urine = lab("creatinine", 120, code={"coding": [{"system": LOINC, "code": "2161-8", "display": "Creatinine in urine"}]})
    assert run(tmp_path, *CLEAN, urine, dose()).books["irrelevant"] == 1


def test_micromoles_labelled_as_milligrams_are_suspected_and_not_used(tmp_path: Path) -> None:
    found = run(tmp_path, patient(), lab("creatinine", 97), dose())
    assert found.verdict("ZA4-SCR-BEFORE-EACH") == "indeterminate unusable-lab"
    assert "unit-suspect" in found.kinds


def test_a_tenfold_dose_is_implausible_and_fails_all_the_same(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, dose(40))
    assert found.verdict("ZA4-DOSE-MAX") == "fail"
    assert "implausible-dose" in found.kinds


# ---------------------------------------------------------------------------------------- product, indication, amount


def test_the_yearly_product_is_told_by_its_amount(tmp_path: Path) -> None:
    ingredient = {"coding": [{"system": RXNORM, "code": "77655"}]}
    found = run(tmp_path, patient(), dose(5, medicationCodeableConcept=ingredient))
    assert found.doses[0]["product"] == "zoledronic_acid_5mg"
    assert "product-by-amount" in found.assumptions("ZA5-ROUTE")


def test_hypercalcaemia_beside_metastases_needs_a_calcium_of_twelve(tmp_path: Path) -> None:
    reasons = [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]} for code in ("C79.51", "E83.52")]
    low, high = (tmp_path / name for name in ("low", "high"))
    for folder in (low, high):
        folder.mkdir()
    labs = (lab("creatinine", 0.9), lab("albumin", 4.0))
    assert run(low, patient(), *labs, lab("calcium", 11.9), dose(reasonCode=reasons)).doses[0]["indication"] == "bone_metastases"
    found = run(high, patient(), *labs, lab("calcium", 12.0), dose(reasonCode=reasons))
    assert found.doses[0]["indication"] == "hypercalcemia_of_malignancy"


def test_a_denied_condition_is_none(tmp_path: Path) -> None:
    denied = condition("x") | {"code": {"text": "No evidence of bone metastases"}}
    assert run(tmp_path, patient(), denied, dose()).doses[0]["indication_basis"] == "assumed"


def test_the_same_dose_under_two_ids_is_one(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, dose(), dose(id="e"))
    assert [d["dose_id"] for d in found.doses] == ["MedicationAdministration/d"]
    assert found.books == {"read": 8, "used": 7, "superseded": 1}
    assert "duplicate-dose" in found.kinds


def test_two_parts_within_two_hours_are_one_dose(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, dose(2), dose(2, "2024-05-20T11:00:00Z", id="e"))
    assert [(d["amount_low"], d["duration_minutes"], d["merged_ids"]) for d in found.doses] == [(4.0, 80.0, ["d", "e"])]
    assert "merged-parts" in found.assumptions("ZA4-DOSE-MAX")


def test_two_full_doses_are_not_parts_of_one(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, dose(), dose(4, "2024-05-20T10:20:00Z", minutes=40, id="e"))
    assert len(found.doses) == 2
    assert "possible-parts" in found.kinds


# ---------------------------------------------------------------------------------------------------------- evidence


def test_an_egfr_never_stands_in_for_a_clearance(tmp_path: Path) -> None:
    found = run(tmp_path, patient(), metastases(), lab("egfr", 25), dose())
    assert found.verdict("ZA4-MMBM-CRCL-LT30") == "indeterminate no-creatinine no-weight only-egfr"


def test_an_unknown_sex_is_the_reason_where_it_would_decide(tmp_path: Path) -> None:
    """Cockcroft-Gault at 64 years, 70 kg and 2.2 mg/dL: 33.6 mL/min for a man, 28.5 for a woman."""
    labs = (lab("creatinine", 2.2), lab("weight", 70))
    found = run(tmp_path, patient(gender="unknown"), metastases(), *labs, dose(3))
    assert found.verdict("ZA4-MMBM-CRCL-LT30") == "indeterminate no-sex"


def test_a_calcium_that_was_reported_as_corrected_is_not_corrected_again(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN[:4], lab("corrected", 9.0), lab("albumin", 2.0), dose())
    assert (found.doses[0]["calcium_kind"], found.doses[0]["calcium_low"]) == ("corrected", 9.0)


def test_without_albumin_the_calcium_is_a_range(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN[:4], lab("calcium", 8.0), dose())
    assert (round(found.doses[0]["calcium_low"], 6), round(found.doses[0]["calcium_high"], 6)) == (7.2, 9.6)
    assert found.verdict("ZA4-HYPOCA") == "indeterminate albumin-unknown"


def test_the_limit_of_the_laboratory_is_used(tmp_path: Path) -> None:
    own = lab("corrected", 8.6, referenceRange=[{"low": {"value": 2.2, "unit": "mmol/L", "system": UCUM, "code": "mmol/L"}}])
    assert run(tmp_path, *CLEAN[:4], own, dose()).verdict("ZA4-HYPOCA") == "fail"


def test_a_later_value_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    found = run(tmp_path, *CLEAN, lab("creatinine", 0.9, "2024-05-20T09:00:00Z", unit="mg/g"), dose())
    assert found.verdict("ZA4-MMBM-SCR-GT3") == "pass"
    assert "newer-unusable" in found.assumptions("ZA4-MMBM-SCR-GT3")


@pytest.mark.parametrize("weight", ["ideal", "adjusted"])
def test_a_weight_by_height_is_unknown_without_a_height(tmp_path: Path, weight: str) -> None:
    """It is not the actual weight in disguise."""
    found = run(tmp_path, *CLEAN, dose(), weight=weight)
    assert found.verdict("ZA4-MMBM-CRCL-LT30") == "indeterminate no-weight"


def test_an_ideal_weight_needs_no_actual_one(tmp_path: Path) -> None:
    labs = [one for one in CLEAN if "weight" not in str(one.get("id"))]
    found = run(tmp_path, *labs, lab("height", 170), dose(), weight="ideal")
    assert found.verdict("ZA4-MMBM-CRCL-LT30") == "pass"
    evidence = next(v["evidence"] for v in found.verdicts if v["rule_id"] == "ZA4-MMBM-CRCL-LT30")
    assert "body height" in [item["role"] for item in evidence]


def test_the_weight_of_a_dose_per_kg_is_evidence_of_its_amount(tmp_path: Path) -> None:
    given = dose(minutes=None)
    given["dosage"]["dose"] = {"value": 0.05, "unit": "mg/kg", "system": UCUM, "code": "mg/kg"}
    lost = lab("weight", 70, f"{DOSE_DAY}T09:00:00Z", unit="furlong", id="lost")
    found = run(tmp_path, *CLEAN, lost, given)
    row = next(v for v in found.verdicts if v["rule_id"] == "ZA4-DOSE-MAX")
    assert "body weight, for the dose per kg" in [item["role"] for item in row["evidence"]]
    assert "newer-unusable" in found.assumptions("ZA4-DOSE-MAX")


def test_a_duration_by_rate_is_as_wide_as_the_amount(tmp_path: Path) -> None:
    heavy = lab("weight", 70)
    heavy["valueQuantity"]["comparator"] = ">="
    unit = {"unit": "mg/kg", "system": UCUM, "code": "mg/kg"}
    rate = {"value": 0.9, "unit": "mg/min", "system": UCUM, "code": "mg/min"}
    given = dose(minutes=None)
    given["dosage"] |= {"dose": {"value": 0.06, **unit}, "rateQuantity": rate}
    found = run(tmp_path, *CLEAN[:3], heavy, given)
    assert found.verdict("ZA4-INF-MIN") == "indeterminate bounds"


def test_of_two_calciums_the_later_date_decides_whatever_the_instant(tmp_path: Path) -> None:
    earlier = lab("corrected", 7.0, "2024-05-18T23:20:00+02:00")
    later = lab("corrected", 9.0, "2024-05-19T11:00:00+14:00")
    assert run(tmp_path, *CLEAN[:4], earlier, later, dose()).verdict("ZA4-HYPOCA") == "pass"


def test_a_newer_calcium_of_another_kind_that_is_not_usable_is_told_of(tmp_path: Path) -> None:
    pending = lab("ionised", 1.0, f"{DOSE_DAY}T09:00:00Z", unit="furlong")
    found = run(tmp_path, *CLEAN, pending, dose())
    assert found.verdict("ZA4-HYPOCA") == "pass"
    assert "newer-unusable" in found.assumptions("ZA4-HYPOCA")


def test_a_creatinine_that_is_not_usable_among_those_that_are_stable_is_told_of(tmp_path: Path) -> None:
    earlier = lab("creatinine", 0.9, f"{DOSE_DAY}T07:00:00Z")
    pending = lab("creatinine", 2.0, f"{DOSE_DAY}T07:30:00Z", unit="furlong")
    found = run(tmp_path, *CLEAN, earlier, pending, dose())
    assert found.verdict("IVBP-AKI-UNSTABLE") == "pass"
    assert "newer-unusable" in found.assumptions("IVBP-AKI-UNSTABLE")


def test_a_rise_of_half_a_milligram_withholds(tmp_path: Path) -> None:
    """1.4 - 0.9 in binary floating point is less than 0.5."""
    labs = (lab("creatinine", 0.9, "2024-04-20T08:00:00Z"), lab("creatinine", 1.4), lab("weight", 70))
    found = run(tmp_path, patient(), metastases(), *labs, dose(id="e", start="2024-04-20T10:00:00Z"), dose())
    assert found.verdict("ZA4-MMBM-RENAL-DET") == "fail"
    assert found.verdict("ZA4-MMBM-RENAL-DET", "e") == "not_applicable"
    assert "first-in-data" in found.assumptions("ZA4-MMBM-RENAL-DET")


def test_a_merged_dose_without_a_route_has_none(tmp_path: Path) -> None:
    """A missing route once came out of the merging as NaN, which was taken for a route that is not allowed."""
    first, second = dose(2), dose(2, "2024-05-20T11:00:00Z", id="e")
    del first["dosage"]["route"], second["dosage"]["route"]
    assert run(tmp_path, *CLEAN, first, second).verdict("ZA4-ROUTE") == "indeterminate no-route"


def test_of_two_records_of_one_dose_the_one_with_a_code_is_kept(tmp_path: Path) -> None:
    text = dose(id="a", medicationCodeableConcept={"text": "Aredia"})
    code = dose(id="b", medicationCodeableConcept={"coding": [{"system": "http://www.whocc.no/atc", "code": "M05BA03"}]})
    assert [d["dose_id"] for d in run(tmp_path, patient(), text, code).doses] == ["MedicationAdministration/b"]
