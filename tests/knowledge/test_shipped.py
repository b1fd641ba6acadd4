"""The shipped checks load, and say what was specified."""

import pickle
import time
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from bonefhir.cli import main
from bonefhir.knowledge.kinds import KINDS
from bonefhir.knowledge.load import load, shipped
from bonefhir.knowledge.model import Knowledge, Rule
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS

HERE = Path(__file__).parent
SPECIFIED = {rule["id"]: rule for rule in tomllib.loads((HERE / "catalogue_expected.toml").read_text(encoding="utf-8"))["rule"]}
NOT_PARAMETERS = {"id", "products", "indications", "profiles", "severity", "kind", "doses", "statement", "source"}


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load()


def thawed(value: object) -> object:
    return [thawed(one) for one in value] if isinstance(value, tuple) else value


def as_specified(rule: Rule) -> dict[str, object]:
    """A rule in the shape of the specification; absent and default are the same."""
    note = f"; {rule.source.note}" if rule.source.note else ""
    table: dict[str, object] = {
        "id": rule.id,
        "products": list(rule.products),
        "profiles": list(rule.profiles),
        "severity": rule.severity,
        "kind": rule.kind,
        "statement": rule.statement,
        "source": rule.citation + note,
        **{name: thawed(value) for name, value in rule.parameters.items()},
    }
    if rule.indications:
        table["indications"] = list(rule.indications)
    if rule.doses != "all":
        table["doses"] = rule.doses
    return table


@pytest.mark.parametrize("rule_id", sorted(SPECIFIED))
def test_each_rule_is_the_specified_one(knowledge: Knowledge, rule_id: str) -> None:
    rule = next(rule for rule in knowledge.rules if rule.id == rule_id)
    assert as_specified(rule) == SPECIFIED[rule_id]


def test_there_are_no_other_rules(knowledge: Knowledge) -> None:
    assert [rule.id for rule in knowledge.rules] == sorted(SPECIFIED)


def test_the_command_lists_them_with_severity_profiles_and_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list"]) == 0
    lines = [line.replace("us, eu", "us,eu").split() for line in capsys.readouterr().out.splitlines()]
    listed = [line[:4] for line in lines]
    assert listed == [[r["id"], r["severity"], ",".join(r["profiles"]), r["kind"]] for _, r in sorted(SPECIFIED.items())]


def test_every_kind_is_used(knowledge: Knowledge) -> None:
    assert {rule.kind for rule in knowledge.rules} == set(KINDS)


def test_every_rule_has_examples_of_both_verdicts_and_of_what_cannot_be_told(knowledge: Knowledge) -> None:
    for rule in knowledge.rules:
        verdicts = {example.verdict for example in rule.examples}
        assert {PASS, FAIL} <= verdicts, rule.id
        assert INDETERMINATE in verdicts or rule.kind in {"course_max", "indication_not"}, rule.id


def test_products_and_their_indications(knowledge: Knowledge) -> None:
    oncology = ("bone_metastases", "multiple_myeloma", "hypercalcemia_of_malignancy")
    assert {name: product.indications for name, product in knowledge.products.items()} == {
        "zoledronic_acid_4mg": oncology,
        "zoledronic_acid_5mg": ("osteoporosis", "paget"),
        "pamidronate": (*oncology, "paget"),
        "ibandronate_iv_3mg": ("osteoporosis",),
        "ibandronate_iv_6mg": ("bone_metastases", "hypercalcemia_of_malignancy"),
        "ibandronate_oral": ("osteoporosis", "bone_metastases"),
        "clodronate": oncology,
        "alendronate": ("osteoporosis", "paget"),
        "risedronate": ("osteoporosis", "paget"),
        "etidronate": ("paget",),
        "denosumab_120mg": (*oncology[:2], "giant_cell_tumor_of_bone", oncology[2]),
        "denosumab_60mg": ("osteoporosis",),
        "radium_223": ("bone_metastases",),
        "strontium_89": ("bone_metastases",),
        "samarium_153": ("bone_metastases",),
        "abiraterone": (),
    }


def test_windows_defaults_limits_and_plausible_doses(knowledge: Knowledge) -> None:
    windows = {name: p.creatinine_window_days for name, p in knowledge.products.items() if p.creatinine_window_days != 28}
    assert windows == {"zoledronic_acid_5mg": 60, "ibandronate_iv_3mg": 42, "denosumab_60mg": 42}
    drugs = knowledge.drugs
    several = {name: drug.default for name, drug in drugs.items() if len(drug.products) > 1}
    assert several == {
        "zoledronic_acid": "zoledronic_acid_4mg",
        "denosumab": "denosumab_120mg",
        "ibandronate": "ibandronate_iv_3mg",
    }
    limits = {name: drug.parts_limit for name, drug in drugs.items() if drug.parts_limit}
    assert limits == {"zoledronic_acid": 5.0, "denosumab": 120.0, "pamidronate": 90, "ibandronate": 6}
    assert {name: drug.plausible for name, drug in drugs.items() if drug.plausible} == {
        "zoledronic_acid": (0.1, 20),
        "pamidronate": (1, 400),
        "denosumab": (1, 500),
        "ibandronate": (0.5, 200),
        "clodronate": (100, 4000),
        "alendronate": (1, 100),
        "risedronate": (1, 200),
        "etidronate": (50, 4000),
    }
    assert {name for name, product in knowledge.products.items() if not product.has_rules} == {"abiraterone", "etidronate"}


def test_amounts_and_strengths_that_tell_a_product(knowledge: Knowledge) -> None:
    amounts = {name: p.label_amounts for name, p in knowledge.products.items() if p.label_amounts}
    assert amounts == {
        "zoledronic_acid_4mg": (4.0, 3.5, 3.3, 3.0),
        "zoledronic_acid_5mg": (5.0,),
        "denosumab_120mg": (120.0,),
        "denosumab_60mg": (60.0,),
    }
    above = {name: p.amount_above for name, p in knowledge.products.items() if p.amount_above}
    assert above == {"zoledronic_acid_5mg": 4.5, "denosumab_120mg": 90}
    strengths = {name: [(s.value, s.unit) for s in p.strengths] for name, p in knowledge.products.items() if p.strengths}
    assert strengths == {
        "zoledronic_acid_4mg": [(0.8, "mg/mL"), (0.04, "mg/mL"), (4, "mg")],
        "zoledronic_acid_5mg": [(0.05, "mg/mL"), (5, "mg")],
        "denosumab_120mg": [(70, "mg/mL")],
        "denosumab_60mg": [(60, "mg/mL")],
        "ibandronate_iv_3mg": [(3, "mg")],
        "ibandronate_iv_6mg": [(6, "mg"), (2, "mg")],
        "ibandronate_oral": [(150, "mg"), (50, "mg"), (2.5, "mg")],
    }


def test_plausible_ranges_and_units_of_labs(knowledge: Knowledge) -> None:
    inf = float("inf")
    assert {name: (m.unit, *m.plausible) for name, m in knowledge.measurements.items()} == {
        "creatinine": ("mg/dL", 0.1, 30),
        "calcium_total": ("mg/dL", 3, 25),
        "calcium_corrected": ("mg/dL", 3, 25),
        "calcium_ionised": ("mmol/L", 0.3, 4),
        "albumin": ("g/dL", 0.5, 7),
        "weight": ("kg", 2, 400),
        "height": ("cm", 30, 250),
        "vitamin_d": ("ng/mL", 1, 300),
        "haemoglobin": ("g/dL", 1, 26),
        "platelets": ("10*9/L", 0, 3000),
        "neutrophils": ("10*9/L", 0, 200),
        "leucocytes": ("10*9/L", 0, 500),
        "egfr": ("mL/min/{1.73_m2}", 0, inf),
        "clearance": ("mL/min", 0, inf),
    }


def test_value_sets(knowledge: Knowledge) -> None:
    kinds = Counter(value_set.resource_type for value_set in knowledge.value_sets.values())
    assert kinds == {"Condition": 9, "Procedure": 1}
    assert knowledge.value_sets["giant_cell_tumor_of_bone"].codes == ()
    assert all(value_set.codes or value_set.phrases for value_set in knowledge.value_sets.values())


def test_it_can_be_sent_to_another_process(knowledge: Knowledge) -> None:
    assert pickle.loads(pickle.dumps(knowledge)) == knowledge


def test_it_is_quick_and_the_same_each_time(knowledge: Knowledge) -> None:
    times = []
    for _ in range(3):
        started = time.process_time()
        assert load().digest == knowledge.digest
        times.append(time.process_time() - started)
    assert min(times) < 0.25


def test_the_folder_is_that_of_the_checkout() -> None:
    assert (shipped() / "labels" / "pamidronate.toml").is_file()
