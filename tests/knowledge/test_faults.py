"""What is wrong with a site's files: everything at once, each with its place."""

from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest

from bonefhir.errors import KnowledgeError
from bonefhir.knowledge.load import load

Write = Callable[[str, str], Path]

CODES = "concept,system,code,kind,status,display,note\n"
CONDITIONS = "value_set,system,code,kind,status,display,note\n"

RULE = """[[rule]]
id = "SITE-CRCL"
version = "1"
products = ["zoledronic_acid_4mg"]
profiles = ["us"]
severity = "warning"
kind = "clearance_min"
min = 25
statement = "Not below 25 mL/min here."
source = { label = "Site protocol", section = "3", revision = "2026" }
guidance = "The protocol is older than the label."
examples = '''
clearance | verdict
       25 | pass
    24.99 | fail
          | indeterminate no-creatinine
'''
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(part: str, text: str) -> Path:
        path = tmp_path / part
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults(folder: Path) -> list[str]:
    """Without the folder's own path."""
    with pytest.raises(KnowledgeError) as caught:
        load([folder])
    return [line.replace(f"{folder.as_posix()}/", "") for line in caught.value.faults]


def test_a_good_rule_is_added(write: Write, tmp_path: Path) -> None:
    write("guidelines/site.toml", RULE)
    rule = next(rule for rule in load([tmp_path]).rules if rule.id == "SITE-CRCL")
    assert rule.parameters == {"min": 25}
    assert (rule.line, rule.examples[0].line, rule.examples[-1].reasons) == (2, 14, ("no-creatinine",))
    assert load([tmp_path]).digest != load().digest


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('kind = "clearance_min"', 'kind = "clearence_min"', 7, "unknown kind of rule 'clearence_min'; did you mean"),
        ("min = 25", "minimum = 25", 8, "unknown field 'minimum'; did you mean 'min'?"),
        ("min = 25\n", "", 2, "field 'min' is missing"),
        ("min = 25", 'min = "25"', 8, "field 'min' must be a number above 0"),
        ("min = 25", "min = true", 8, "field 'min' must be a number above 0"),
        ("min = 25", "min = nan", 8, "field 'min' must be a number above 0"),
        ("min = 25", "min = -1", 8, "field 'min' must be a number above 0"),
        ("zoledronic_acid_4mg", "zoledronic_acid_4", 4, "names an unknown product 'zoledronic_acid_4'; did you mean"),
        ('severity = "warning"', 'severity = "warn"', 6, "names an unknown severity 'warn'; did you mean 'warning'?"),
        ('profiles = ["us"]', 'profiles = "us"', 5, "must be a list with at least one text"),
        ('profiles = ["us"]', 'profiles = ["us", "us"]', 5, "repeats a value"),
        ('profiles = ["us"]', 'profiles = ["uk"]', 5, "names an unknown profile 'uk'; known: eu, us"),
        ('version = "1"', "version = 1", 3, "field 'version' must be a text that is not empty"),
        ('id = "SITE-CRCL"', 'id = "site crcl"', 2, "an id is upper case with hyphens"),
        ('section = "3"', 'sektion = "3"', 10, "in its source: unknown field 'sektion'; did you mean 'section'?"),
        ("clearance | verdict", "clearence | verdict", 13, "did you mean 'clearance'?"),
        ("clearance | verdict", "clearance | result", 13, "the last column of the examples must be 'verdict'"),
        ("       25 | pass", "  20..5 | pass", 14, "'20..5' in column 'clearance' must be a number, or 3..5, <3, >3"),
        ("       25 | pass", "       25 | ok", 14, "unknown verdict 'ok'"),
        ("       25 | pass", "       25 | pass no-creatinine", 14, "reasons belong to the verdict 'indeterminate'"),
        ("       25 | pass", "       25", 14, "the example has 1 cells, the header 2"),
        ("indeterminate no-creatinine", "indeterminate", 16, "reasons belong to the verdict 'indeterminate'"),
        ("no-creatinine", "no-creatinin", 16, "unknown reason 'no-creatinin'; did you mean 'no-creatinine'?"),
        ("SITE-CRCL", "ZA4-MMBM-CRCL-LT30", 2, "already stands at checks/labels/zoledronic_acid_4mg.toml:"),
        ("min = 25", "min = 25\nmin = 26", 9, "is not TOML"),
    ],
)  # fmt: skip
def test_one_fault_in_a_rule(write: Write, tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in RULE
    write("guidelines/site.toml", RULE.replace(old, new, 1))
    found = faults(tmp_path)
    assert any(fault.startswith(f"guidelines/site.toml:{line}: ") and message in fault for fault in found), found


def test_all_faults_of_all_files_come_at_once(write: Write, tmp_path: Path) -> None:
    write("guidelines/a.toml", RULE.replace("min = 25", "mim = 25").replace("us", "uk"))
    write("guidelines/b.toml", "[[rule]\n")
    write("labels/c.toml", 'product = "x"\nbrands = ["Upper"]\n')
    write("terminology/units.csv", "alias,ucum,quantity_kind\nstone,[stone_av],mass\n")
    write("terminology/misc.csv", "a,b\n")
    write("overrides.toml", '[[override]]\nrule = "ZA4-ROUTES"\nreason = "typo"\nreview = 2027-01-01\noff = true\n')
    write("other/rules.toml", "")
    found = faults(tmp_path)
    assert found == sorted(found, key=lambda fault: (fault.split(":")[0], int(fault.split(":")[1])))
    for part in ("guidelines/a.toml", "guidelines/b.toml:1", "labels/c.toml", "terminology/units.csv:2", "terminology/misc.csv:1",
                 "overrides.toml:2", "other/rules.toml:1"):  # fmt: skip
        assert any(fault.startswith(part) for fault in found), part
    assert sum(fault.startswith("labels/c.toml") for fault in found) == 5, "four missing fields and a brand in upper case"
    assert any("did you mean 'ZA4-ROUTE'?" in fault for fault in found)


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ("[{ from = 30, max = 3.0 }, { from = 50, max = 4.0 }]", "from the highest to the lowest"),
        ("[{ from = 50, max = 3.0 }, { from = 30, max = 4.0 }]", "must not allow more at a lower clearance"),
        ("[{ from = 50, printed_to = 20, max = 3.0 }]", "'printed_to' outside its band"),
        ("[{ from = 50, over = 50, max = 3.0 }]", "has a band that is not"),
        ("[{ from = 50 }]", "has a band without 'max'"),
        ("[]", "must be a list of bands"),
        ("[{ from = '50', max = 3.0 }]", "has a band that is not"),
    ],
)
def test_bands(write: Write, tmp_path: Path, bands: str, message: str) -> None:
    rule = RULE.replace(
        'kind = "clearance_min"\nmin = 25', f'kind = "dose_by_clearance"\nbasis = "current"\ntolerance = 0\nbands = {bands}'
    )
    write("guidelines/site.toml", rule)
    assert any(message in fault for fault in faults(tmp_path))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("unit = 'kBq/kg'\ntolerance_percent = 10", "needs exactly one of: value or min with max"),
        ("unit = 'kBq/kg'\ntolerance_percent = 10\nvalue = 5\nmin = 3\nmax = 4", "needs exactly one of: value or min with max"),
        ("unit = 'kBq/kg'\ntolerance_percent = 10\nmin = 3", "needs exactly one of: value or min with max"),
        ("unit = 'MBq/kg'\ntolerance_percent = 10\nvalue = 5", "names an unknown unit 'MBq/kg'; did you mean 'kBq/kg'?"),
    ],
)
def test_parameters_that_exclude_each_other(write: Write, tmp_path: Path, parameters: str, message: str) -> None:
    rule = RULE.replace('kind = "clearance_min"\nmin = 25', f'kind = "per_kg"\n{parameters}').replace("clearance |", "amount |")
    write("guidelines/site.toml", rule.replace("no-creatinine", "no-dose"))
    assert any(message in fault for fault in faults(tmp_path))


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("lab_before", 'labs = ["creatinin"]', "names an unknown measurement 'creatinin'; did you mean 'creatinine'?"),
        (
            "condition_absent",
            'value_set = "pregnant"\nlookback_days = 0',
            "unknown value set 'pregnant'; did you mean 'pregnancy'?",
        ),
        ("route", 'allowed = ["intraveneous"]', "unknown route 'intraveneous'; did you mean 'intravenous'?"),
        ("indication_not", 'indications_not = ["osteoporose"]', "unknown indication 'osteoporose'; did you mean 'osteoporosis'?"),
        ("counts_min", "window_days = 7\nfirst = { platelet = 1 }\nlater = { platelets = 1 }", "did you mean 'platelets'?"),
        ("interval_min", "min_days = 7.5\ntolerance_days = 0", "field 'min_days' must be a whole number above 0"),
    ],
)
def test_names_that_do_not_exist(write: Write, tmp_path: Path, kind: str, parameters: str, message: str) -> None:
    write("guidelines/site.toml", RULE.replace('kind = "clearance_min"\nmin = 25', f'kind = "{kind}"\n{parameters}'))
    assert any(message in fault for fault in faults(tmp_path))


@pytest.mark.parametrize(
    ("part", "text", "message"),
    [
        ("terminology/codes.csv", "concept,system,code\n", "column 'kind' is missing"),
        ("terminology/codes.csv", "concept;system;code;kind;status;display;note\n", "codes.csv:1: is separated by semicolons"),
        ("terminology/codes.csv", "concept,sytem,code,kind,status,display,note\n", "did you mean 'system'?"),
        ("terminology/codes.csv", CODES + "creatinin,urn:x,1,local,verified,,\n",
         "codes.csv:2: unknown concept 'creatinin'; did you mean 'creatinine'?"),
        ("terminology/codes.csv", CODES + "creatinine,lab,1,local,verified,,\n", "unknown code system"),
        ("terminology/codes.csv", CODES + "creatinine,urn:x,1,lokal,verified,,\n", "did you mean 'local'?"),
        ("terminology/codes.csv", CODES + "creatinine,urn:x,,local,verified,,\n", "column 'code' is empty"),
        ("terminology/codes.csv", CODES + "creatinine,urn:x,1,local,verified,a,b,c\n", "has 8 cells"),
        ("terminology/codes.csv", CODES + "pamidronate,rxnorm,77655,local,verified,,\n",
         "code '77655' already stands for zoledronic_acid at checks/labels/zoledronic_acid_4mg.toml:"),
        ("terminology/codes.csv", CODES + "pamidronate,ndc,0061703324,local,verified,,\n", "NDC '0061703324'"),
        ("terminology/conditions.csv", CONDITIONS + "pregnent,urn:x,1,local,verified,,\n",
         "unknown value set 'pregnent'; did you mean 'pregnancy'?"),
        ("terminology/conditions.csv", CONDITIONS + "paget,sct,2089002,condition,verified,,\n", "already stands in 'paget'"),
        ("terminology/units.csv", "alias,ucum,quantity_kind\nmg,g,mass\n", "unit 'mg' already means"),
        ("terminology/units.csv", "alias,ucum,quantity_kind\nGran,mg,volume\n", "'mg' measures mass, not volume"),
        ("terminology/systems.csv", "alias,uri,also,note\nloinc,http://example.org,,\n", "'loinc' already stands for http://loinc.org"),
        ("terminology/routes.csv", "route,system,code,text,note\noral,,,iv,\n", "'iv' already means the route 'intravenous'"),
        ("terminology/phrases.csv", "value_set,phrase\npaget,Osteoporosis\n", "phrase 'osteoporosis' already stands for"),
        ("terminology/codes.csv", CODES + "albumin,loinc,2160-0,local,verified,,\n", "stands for the measurement creatinine"),
        ("terminology/codes.csv", CODES + "creatinine,mimic-labitems,51081,local,verified,,\n", "code '51081' is excluded"),
        ("terminology/codes.csv", CODES + "etidronate,atc,V10BX03,atc,verified,,\n", "already stands for rhenium_186_etidronate"),
        ("terminology/codes.csv", CODES + "paget,sct,2089002,condition,verified,,\n", "already stands in 'paget'"),
        ("terminology/other_substances.csv", "substance,system,code,kind,status,display,note\nx,rxnorm,77655,IN,verified,,\n",
         "code '77655' stands for zoledronic_acid already"),
        ("terminology/known_labs.csv", CODES + "x,loinc,2160-0,exclude,verified,,\n",
         "code '2160-0' is excluded here, and one of the measurement creatinine"),
    ],
)  # fmt: skip
def test_one_fault_in_a_table(write: Write, tmp_path: Path, part: str, text: str, message: str) -> None:
    write(part, text)
    found = faults(tmp_path)
    assert any(message in fault for fault in found), found


def test_labels_that_collide(write: Write, tmp_path: Path) -> None:
    write(
        "labels/a.toml",
        'product = "pamidronate"\ndrug = "pamidronate"\ntitle = "x"\nindications = []\ncreatinine_window_days = 28\n',
    )
    write(
        "labels/b.toml",
        'product = "y"\ndrug = "y"\ntitle = "y"\nindications = ["bone"]\nbrands = ["zometa"]\ncreatinine_window_days = 28\n',
    )
    found = faults(tmp_path)
    assert any("product 'pamidronate' already stands for pamidronate at checks/labels/pamidronate.toml:1" in f for f in found)
    assert any("name 'zometa' already stands for zoledronic_acid_4mg" in f for f in found)
    assert any("no label of drug 'y' has an [ingredient] table" in f for f in found)
    assert any("unknown indication 'bone'" in f for f in found)


def test_a_measurement_of_a_wrong_unit(write: Write, tmp_path: Path) -> None:
    write(
        "measurements/magnesium.toml",
        'name = "magnesium"\ntitle = "Magnesium"\nunit = "mg/dl!"\nkinds = ["mass_konzentration"]\nplausible = [5, 0.1]\n'
        'factors = [{ unit = "mmol/L", source = "molar mass" }]\ncodes = []\n',
    )
    assert any("field 'plausible' must be [lowest, highest]" in fault for fault in faults(tmp_path))
    text = (tmp_path / "measurements/magnesium.toml").read_text()
    write("measurements/magnesium.toml", text.replace("[5, 0.1]", "[0.1, 20]"))
    found = faults(tmp_path)
    assert any("did you mean 'mass_concentration'?" in fault for fault in found)
    assert any("'mg/dl!' is no UCUM unit of its kinds" in fault for fault in found)
    assert any("needs times or divided_by" in fault for fault in found)


LABEL = """product = "y"
drug = "y"
title = "y"
indications = ["osteoporosis"]
brands = ["ypsilon"]
label_amounts = [1.0]
amount_above = 2
creatinine_window_days = 28
strengths = [{ value = 1, unit = "mg" }]
codes = [{ system = "rxnorm", code = "1", kind = "SCD", status = "verified" }]
[ingredient]
names = ["yps"]
amount_unit = "mg"
plausible = [1, 2]
codes = [{ system = "rxnorm", code = "2", kind = "IN", status = "verified" }]
"""
MEASUREMENT = """name = "magnesium"
title = "Magnesium"
unit = "mg/dL"
si_unit = "mmol/L"
kinds = ["mass_concentration", "substance_concentration"]
plausible = [0.1, 20]
factors = [{ unit = "mmol/L", times = 2.431, source = "molar mass" }]
text_words = ["magnesium"]
codes = [{ system = "loinc", code = "19123-9", kind = "include", status = "verified" }]
"""
OVERRIDE = """[[override]]
rule = "ZA4-ROUTE"
severity = "info"
parameters = { allowed = ["oral"] }
reason = "a"
review = 2027-01-01
"""
FILES = {"guidelines/a.toml": RULE, "labels/a.toml": LABEL, "measurements/a.toml": MEASUREMENT, "overrides.toml": OVERRIDE}
KEYS = [(part, line) for part, text in FILES.items() for line in text.splitlines() if " = " in line and not line.startswith("ex")]


ODD = ["1", "-1", "true", "nan", '""', '"x"', "[]", "[1]", "[[]]", "{}", "[{}]", "{ a = 1 }", "2027-01-01"]


@pytest.mark.parametrize("turn", [0, *(pytest.param(turn, marks=pytest.mark.deep) for turn in range(1, 7))])
def test_a_value_of_any_type_is_a_fault_or_fine_and_never_a_crash(write: Write, tmp_path: Path, turn: int) -> None:
    """Each key meets two of the odd values, in the deep run all of them."""
    for number, ((part, line), odd) in enumerate(product(KEYS, ODD)):
        if number % 7 == turn:
            for other, text in FILES.items():
                write(other, text)
            write(part, FILES[part].replace(line, f"{line.partition(' = ')[0]} = {odd}", 1))
            with suppress(KnowledgeError):
                load([tmp_path])


def test_the_files_of_that_test_are_good(write: Write, tmp_path: Path) -> None:
    for part, text in FILES.items():
        write(part, text)
    knowledge = load([tmp_path])
    assert knowledge.measurements["magnesium"].factors == {"mmol/L": 2.431}
    assert knowledge.drugs["y"].products == ("y",)


def test_a_guideline_holds_rules_and_nothing_else(write: Write, tmp_path: Path) -> None:
    write("guidelines/a.toml", "rules = []\n")
    write("guidelines/b.toml", "rule = 1\n")
    assert faults(tmp_path) == [
        "guidelines/a.toml:1: unknown field 'rules'; did you mean 'rule'?",
        "guidelines/b.toml:1: field 'rule' must be a list of tables",
    ]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="is no folder"):
        load([tmp_path / "nowhere"])
    with pytest.raises(KnowledgeError, match="cannot be read"):
        load([tmp_path / "codes.csv"])


def test_a_file_that_is_not_utf_8(write: Write, tmp_path: Path) -> None:
    write("guidelines/a.toml", "").write_bytes(b"title = '\xff'")
    assert faults(tmp_path) == ["guidelines/a.toml:1: is not UTF-8; save it as UTF-8"]
