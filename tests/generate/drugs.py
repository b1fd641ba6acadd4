"""The drugs that are given: how each is named, coded, dosed and spaced; the values at which its rules turn."""

from dataclasses import dataclass

from tests.generate.writing import ATC, HCPCS, LOCAL, NDC, ROUTES, RXNORM, SNOMED, UNII, Resource


@dataclass(frozen=True)
class Drug:
    """What stands in a record of a drug. specific: codes of one product; ingredient: codes of all; texts: names alone.

    amounts     label amounts and those at which a rule turns, in `unit`
    days        intervals between doses at which a rule turns
    strengths   (mg, mL) of a Medication's ingredient
    """

    specific: tuple[tuple[str, str, str], ...]
    ingredient: tuple[tuple[str, str, str], ...]
    texts: tuple[str, ...]
    amounts: tuple[float, ...]
    days: tuple[int, ...]
    route: str
    minutes: tuple[int, ...] = (15, 30, 14, 16, 5)
    strengths: tuple[tuple[float, float | None], ...] = ()
    unit: str = "mg"
    reasons: tuple[str, ...] = ("bone_metastases", "multiple_myeloma", "hypercalcemia_of_malignancy", "osteoporosis", "paget")
    per_kg: float | None = None


DRUGS = {
    "zoledronic_acid_4mg": Drug(
        (
            (RXNORM, "351114", "5 ML zoledronic acid 0.8 MG/ML Injection"),
            (RXNORM, "1114085", "zoledronic acid 0.04 MG/ML"),
            (NDC, "0078-0387-25", "Zometa"),
            (NDC, "00078038725", "Zometa"),
            ("https://dmd.nhs.uk", "7335511000001105", "Zoledronic 4mg/5ml"),
        ),
        (
            (RXNORM, "77655", "zoledronic acid"),
            (ATC, "M05BA08", "zoledronic acid"),
            (UNII, "6XC1PAD3KF", "ZOLEDRONIC ACID"),
            (SNOMED, "395926009", "zoledronic acid"),
            (HCPCS, "J3489", "Injection, zoledronic acid, 1 mg"),
            (NDC, "69367-190-50", "zoledronic acid"),
            (LOCAL, "DRUG-ZOL", "zoledronic"),
        ),
        (
            "Zometa 4 mg/5 mL",
            "zoledronic acid",
            "Zoledronate 4 mg infusion",
            "ZOLEDRONIC ACID 0.8 MG/ML",
            "zoledronic acid 4 mg/100 mL",
        ),
        (4.0, 3.5, 3.3, 3.0, 4.06, 4.0601, 3.94, 3.36, 3.56, 4.4, 4.41, 4.5, 4.49, 3.6, 2.7, 2.0, 8.0, 40.0),
        (28, 21, 18, 17, 7, 6, 84, 365),
        "intravenous",
        (15, 14, 16, 30, 5),
        ((4.0, 5.0), (0.8, 1.0), (4.0, 100.0), (0.04, 1.0), (4.0, None)),
    ),
    "zoledronic_acid_5mg": Drug(
        ((RXNORM, "705824", "zoledronic acid 0.05 MG/ML"), (NDC, "0078-0435-61", "Reclast"), (LOCAL, "DRUG-ACL", "Acl")),
        ((RXNORM, "77655", "zoledronic acid"), (ATC, "M05BA08", "zoledronic acid")),
        ("Reclast", "Aclasta 5 mg/100 mL", "zoledronic acid 5 mg", "zoledronic acid"),
        (5.0, 4.92, 4.919, 5.08, 5.081, 4.5, 4.51, 5.5, 5.51),
        (365, 335, 334, 400, 180),
        "intravenous",
        (15, 14, 16, 30),
        ((5.0, 100.0), (0.05, 1.0)),
    ),
    "pamidronate": Drug(
        (),
        (
            (RXNORM, "11473", "pamidronate"),
            (ATC, "M05BA03", "pamidronic acid"),
            (RXNORM, "1737449", "Pamidronate Disodium 3 MG/ML"),
            (NDC, "61703-324-18", "pamidronate 30 mg"),
            (HCPCS, "J2430", "Injection, pamidronate disodium, per 30 mg"),
            (LOCAL, "DRUG-PAM", "pamidronate"),
        ),
        ("Pamidronate 90 mg", "Aredia", "pamidronic acid"),
        (90.0, 60.0, 30.0, 90.9, 90.91, 59.1, 59.09, 45.0, 89.1),
        (28, 21, 18, 17, 7, 6),
        "intravenous",
        (120, 119, 121, 240, 239, 90, 60),
        ((30.0, 10.0), (3.0, 1.0)),
    ),
    "ibandronate": Drug(
        (
            (RXNORM, "904952", "3 ML ibandronic acid 1 MG/ML Prefilled Syringe"),
            (RXNORM, "904932", "ibandronic acid 150 MG Oral Tablet"),
        ),
        ((RXNORM, "115264", "ibandronate"), (ATC, "M05BA06", "ibandronic acid")),
        ("ibandronic acid 3 mg/3 mL", "Bondronat", "ibandronate 6 mg", "Boniva", "Ibandronic acid 150 mg tablet"),
        (3.0, 6.0, 2.0, 4.0, 3.05, 3.051, 3.1, 3.11, 6.09, 6.1, 2.09, 4.09, 19.9, 20.0, 150.0, 50.0),
        (90, 83, 82, 28, 21, 18, 17),
        "intravenous",
        (15, 14, 60, 59),
        ((3.0, 3.0), (6.0, 6.0), (2.0, 2.0), (150.0, None)),
    ),
    "denosumab_120mg": Drug(
        ((RXNORM, "1046398", "1.7 ML denosumab 70 MG/ML Injection"), (NDC, "55513-730-01", "Xgeva")),
        (
            (RXNORM, "993449", "denosumab"),
            (ATC, "M05BX04", "denosumab"),
            (LOCAL, "DRUG-DEN", "den"),
            (HCPCS, "J0897", "Injection, denosumab, 1 mg"),
        ),
        ("Xgeva", "denosumab 120 mg/1.7 mL", "Denosumab (Xgeva)", "denosumab"),
        (120.0, 119.0, 121.8, 121.81, 118.2, 118.19, 108.0, 107.99, 132.0, 90.0, 90.01, 100.0),
        (28, 25, 24, 7),
        "subcutaneous",
        (5, 15),
        ((120.0, 1.7), (70.0, 1.0)),
        reasons=("bone_metastases", "multiple_myeloma", "giant_cell_tumor_of_bone", "osteoporosis"),
    ),
    "denosumab_60mg": Drug(
        (
            (RXNORM, "993452", "1 ML denosumab 60 MG/ML Prefilled Syringe"),
            (NDC, "55513071001", "Prolia"),
            (LOCAL, "DRUG-PRO", ""),
        ),
        ((RXNORM, "993449", "denosumab"), (SNOMED, "446321003", "denosumab")),
        ("Prolia", "denosumab 60 mg/mL", "denosumab"),
        (60.0, 60.9, 60.91, 59.1, 59.09, 66.0, 54.0, 53.99),
        (182, 180, 170, 169, 210, 211),
        "subcutaneous",
        (5,),
        ((60.0, 1.0),),
        reasons=("osteoporosis", "bone_metastases", "multiple_myeloma"),
    ),
    "clodronate": Drug(
        (),
        ((ATC, "M05BA02", "clodronic acid"), (SNOMED, "387580009", "clodronate sodium")),
        ("clodronate", "Bonefos 800 mg"),
        (1600.0, 800.0),
        (1, 28, 29),
        "oral",
    ),
    "alendronate": Drug(
        (),
        ((RXNORM, "46041", "alendronate"), (ATC, "M05BB03", "alendronic acid and colecalciferol")),
        ("Fosamax 70 mg", "alendronic acid"),
        (70.0, 10.0),
        (7, 28, 29),
        "oral",
    ),
    "risedronate": Drug(
        (), ((RXNORM, "73056", "risedronate"), (ATC, "M05BB02", "risedronic acid")), ("Actonel",), (35.0,), (7, 28), "oral"
    ),
    "etidronate": Drug((), ((ATC, "M05BA01", "etidronic acid"),), ("etidronate",), (400.0,), (1, 28), "oral"),
    "radium_223": Drug(
        (),
        ((ATC, "V10XX03", "radium (223Ra) dichloride"), (HCPCS, "A9606", "Radium ra-223 dichloride")),
        ("Xofigo", "radium-223"),
        (),
        (28, 25, 24),
        "intravenous",
        (1,),
        unit="kBq",
        per_kg=55.0,
        reasons=("bone_metastases",),
    ),
    "strontium_89": Drug(
        (),
        ((ATC, "V10BX01", "strontium (89Sr) chloride"),),
        ("Metastron", "strontium-89 chloride"),
        (148000.0, 133200.0, 133199.0, 162800.0),
        (90, 89),
        "intravenous",
        (1,),
        unit="kBq",
        per_kg=1500.0,
        reasons=("bone_metastases",),
    ),
    "samarium_153": Drug(
        (),
        ((ATC, "V10BX02", "samarium (153Sm) lexidronam"), (RXNORM, "177906", "samarium Sm 153 lexidronam")),
        ("Quadramet",),
        (),
        (90,),
        "intravenous",
        (1,),
        unit="kBq",
        per_kg=37000.0,
        reasons=("bone_metastases",),
    ),
    "abiraterone": Drug(
        (),
        ((ATC, "L02BX03", "abiraterone"), (ATC, "L01XK52", "niraparib and abiraterone")),
        ("Zytiga 250 mg",),
        (1000.0,),
        (1, 28),
        "oral",
    ),
}

OTHER_SUBSTANCES = ((ATC, "M05BA05", "tiludronic acid"), (ATC, "M05BX03", "strontium ranelate"), (RXNORM, "313988", "Furosemide"))

ROUTE_FORMS: dict[str, tuple[Resource, ...]] = {
    "intravenous": (
        {"coding": [{"system": SNOMED, "code": "47625008", "display": "Intravenous route"}]},
        {"coding": [{"system": ROUTES, "code": "IV"}]},
        {"text": "IV"},
        {"coding": [{"system": LOCAL, "code": "7"}], "text": "Intravenous infusion"},
        {"coding": [{"system": LOCAL, "code": "7", "display": "IVPB"}]},
    ),
    "subcutaneous": (
        {"coding": [{"system": SNOMED, "code": "34206005"}]},
        {"coding": [{"system": ROUTES, "code": "SQ"}]},
        {"text": "SubCut"},
    ),
    "oral": (
        {"coding": [{"system": SNOMED, "code": "26643006"}]},
        {"text": "by mouth"},
        {"coding": [{"system": ROUTES, "code": "PO"}]},
    ),
    "intramuscular": ({"coding": [{"system": SNOMED, "code": "78421000"}]}, {"text": "IM"}),
}
