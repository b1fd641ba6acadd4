"""Which codes mean what."""

import csv

import pytest

from bonefhir.knowledge.codes import comparable, ndc_11, ndc_product
from bonefhir.knowledge.load import load, shipped
from bonefhir.knowledge.model import Knowledge

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
SNOMED = "http://snomed.info/sct"
NDC = "http://hl7.org/fhir/sid/ndc"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
LOINC = "http://loinc.org"
MIMIC = "http://mimic.mit.edu/fhir/mimic/CodeSystem/mimic-medication-formulary-drug-cd"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load()


def meaning(knowledge: Knowledge, system: str, code: str) -> str | None:
    """The product or the drug that a code decides."""
    for concept in (*knowledge.products.values(), *knowledge.drugs.values()):
        if any((c.system, c.code) == (system, code) for c in concept.codes):
            return concept.name
    return None


@pytest.mark.parametrize(
    ("system", "code", "concept"),
    [
        (RXNORM, "77655", "zoledronic_acid"),
        (RXNORM, "351114", "zoledronic_acid_4mg"),
        (RXNORM, "705824", "zoledronic_acid_5mg"),
        (RXNORM, "1046402", "denosumab_120mg"),
        (RXNORM, "993452", "denosumab_60mg"),
        (RXNORM, "904952", "ibandronate_iv_3mg"),
        (RXNORM, "1659718", "ibandronate"),
        (RXNORM, "904946", "ibandronate_oral"),
        (RXNORM, "1737449", "pamidronate"),
        (RXNORM, "2645250", "abiraterone"),
        (ATC, "M05BA08", "zoledronic_acid"),
        (ATC, "M05BB01", "etidronate"),
        (ATC, "M05BB02", "risedronate"),
        (ATC, "M05BB03", "alendronate"),
        (ATC, "M05BB08", "zoledronic_acid"),
        (ATC, "M05BB09", "ibandronate"),
        (ATC, "L01XK52", "abiraterone"),
        (ATC, "L02BX53", "abiraterone"),
        (SNOMED, "7335511000001105", "zoledronic_acid_4mg"),
        (SNOMED, "36151611000001104", "zoledronic_acid_4mg"),
        (SNOMED, "39720811000001105", "zoledronic_acid_5mg"),
        (SNOMED, "7540311000001108", "ibandronate_iv_6mg"),
        (SNOMED, "228701001", "strontium_89"),
        (HCPCS, "J3489", "zoledronic_acid"),
        (HCPCS, "Q5136", "denosumab"),
        (NDC, "00078043561", "zoledronic_acid_5mg"),
        (NDC, "69367019050", "zoledronic_acid"),
        (NDC, "50419020801", "radium_223"),
        (MIMIC, "ZOLE4/100", "zoledronic_acid_4mg"),
        (MIMIC, "DENO60I", "denosumab_60mg"),
        (HCPCS, "J3590", None),
        (ATC, "M05BA05", None),
        (ATC, "V10BX03", None),
        (SNOMED, "764675000", None),
    ],
)
def test_what_a_drug_code_decides(knowledge: Knowledge, system: str, code: str, concept: str | None) -> None:
    assert meaning(knowledge, system, code) == concept


@pytest.mark.parametrize(
    ("system", "code", "substance"),
    [
        (ATC, "M05BA05", "tiludronate"),
        (ATC, "V10BX03", "rhenium_186_etidronate"),
        (ATC, "V10AX02", "samarium_153_hydroxyapatite"),
        (ATC, "M05BX03", "strontium_ranelate"),
        (SNOMED, "764675000", "samarium_153_imaging"),
        (HCPCS, "J3590", None),
    ],
)
def test_other_substances(knowledge: Knowledge, system: str, code: str, substance: str | None) -> None:
    assert knowledge.other_codes.get((system, code)) == substance


@pytest.mark.parametrize(
    ("code", "measurement"),
    [
        ("2160-0", "creatinine"),
        ("44784-7", "creatinine"),
        ("110658-2", "creatinine"),
        ("2161-8", None),
        ("17861-6", "calcium_total"),
        ("29265-6", "calcium_corrected"),
        ("34907-6", None),
        ("1995-0", "calcium_ionised"),
        ("19072-8", None),
        ("13959-2", None),
        ("35591-7", "clearance"),
        ("2164-2", None),
        ("35592-5", None),
        ("33914-3", "egfr"),
        ("97952-6", None),
        ("96591-3", None),
        ("3142-7", "weight"),
        ("50064-5", None),
        ("24323-8", None),
        ("2106-3", None),
    ],
)
def test_labs_are_measured_or_at_least_known(knowledge: Knowledge, code: str, measurement: str | None) -> None:
    found = [m.name for m in knowledge.measurements.values() if any(c.code == code for c in m.codes)]
    assert found == ([measurement] if measurement else [])
    assert (LOINC, code) in knowledge.known_lab_codes


def test_no_code_is_both_measured_and_only_known(knowledge: Knowledge) -> None:
    rows = (shipped() / "terminology" / "known_labs.csv").read_text(encoding="utf-8").splitlines()
    measured = {code.code for m in knowledge.measurements.values() for code in m.codes}
    assert not {row["code"] for row in csv.DictReader(rows)} & measured


def test_conditions(knowledge: Knowledge) -> None:
    sets = {name: {c.code for c in s.codes} for name, s in knowledge.value_sets.items()}
    assert sets["osteonecrosis_of_jaw"] == {"M87.180", "10064658"}
    assert sets["hypercalcemia_of_malignancy"] == {"E83.52", "66931009"}
    assert sets["dental"] == {"34043003", "122856003", "225362009", "274788003", "Z01.20", "Z01.21"}
    assert {"C79.51", "C79.5", "94222008"} <= sets["bone_metastases"]
    assert {(SNOMED, "314990009"), (SNOMED, "61804006"), (LOINC, "2161-8")} <= knowledge.excluded_codes
    everything = set().union(*sets.values())
    assert not everything & {"314990009", "61804006", "E83.5", "237885008", "K10.2", "55162003", "103697008"}


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("urn:oid:2.16.840.1.113883.6.1", LOINC),
        ("urn:oid:2.16.840.1.113883.6.88", RXNORM),
        ("urn:oid:2.16.840.1.113883.6.285", HCPCS),
        ("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", HCPCS),
        ("https://dmd.nhs.uk", SNOMED),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "http://hl7.org/fhir/sid/icd-10"),
        ("http://fhir.de/CodeSystem/bfarm/atc", ATC),
        ("http://terminology.hl7.org/CodeSystem/mdr", "https://www.meddra.org"),
        (LOINC, LOINC),
    ],
)
def test_spellings_of_code_systems(knowledge: Knowledge, spelling: str, canonical: str) -> None:
    assert knowledge.systems[spelling] == canonical


def test_routes(knowledge: Knowledge) -> None:
    act = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
    routes = knowledge.routes
    assert routes[SNOMED, "47625008"] == routes[act, "IVPUSH"] == routes["", "iv drip"] == "intravenous"
    assert (
        routes[SNOMED, "34206005"] == routes["http://standardterms.edqm.eu", "20066000"] == routes["", "subcut"] == "subcutaneous"
    )
    assert routes[act, "NGT"] == "enteral"


@pytest.mark.parametrize(
    ("written", "eleven"),
    [
        ("0078-0387-25", "00078038725"),
        ("55513-730-01", "55513073001"),
        ("50419-2080-1", "50419208001"),
        ("55513-0730-01", "55513073001"),
        ("00078038725", "00078038725"),
        ("0078038725", None),
        ("0078-387-25-1", None),
        ("0078-0387-2x", None),
        ("-0387-25", None),
        ("", None),
    ],
)
def test_ndc_in_eleven_digits(written: str, eleven: str | None) -> None:
    assert ndc_11(written) == eleven


def test_ndc_product() -> None:
    assert ndc_product("0078-0387") == ndc_product("0078-0387-25") == ndc_product("00078038725") == "000780387"
    assert ndc_product("00780387") is None


def test_codes_as_they_are_compared() -> None:
    assert comparable(ICD_10_CM, "C79.51") == (ICD_10_CM, "C7951")
    assert comparable(NDC, "0078-0387-25") == comparable(NDC, "00078038725")
    assert comparable(LOINC, "2160-0") == (LOINC, "2160-0")


def test_no_display_that_a_licence_forbids(knowledge: Knowledge) -> None:
    codes = [c for concept in (*knowledge.products.values(), *knowledge.drugs.values()) for c in concept.codes]
    assert not [c for c in codes if c.system == ATC and c.display]
    assert not [c for c in codes if (c.display or "").startswith("[") or "DDD" in (c.note or "")]
    assert {c.status for c in codes} == {"verified", "partial", "unverified"}
