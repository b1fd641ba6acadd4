"""What is measured: codes, units and the values at which rules turn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """per: so many of it are one canonical unit. limits: values at which a rule turns, in this unit."""

    code: str
    per: float
    aliases: tuple[str, ...] = ()
    limits: tuple[float, ...] = ()
    step: float = 0.01


@dataclass(frozen=True)
class Analyte:
    codes: tuple[tuple[str, str], ...]
    units: tuple[Unit, ...]
    usual: tuple[float, float]
    decimals: int
    implausible: float
    other_kind: str


MG_DL = ("mg/dl", "MG/DL", "mg/100mL", "mg%")

ANALYTES = {
    "creatinine": Analyte(
        (
            ("2160-0", "Creatinine"),
            ("38483-4", "Creatinine [Mass/volume] in Blood"),
            ("14682-9", "Creatinine"),
            ("35203-9", "Creat"),
        ),
        (
            Unit("mg/dL", 1, MG_DL, (1.0, 1.3, 1.4, 1.5, 1.9, 2.4, 3.0, 4.5, 1.1)),
            Unit("umol/L", 88.42, ("µmol/L", "μmol/L", "mcmol/L"), (124, 88, 132, 168, 212, 265, 400, 97), 1),
            Unit("mg/L", 10, ("mg/l",), (14, 30), 0.1),
            Unit("mmol/L", 0.08842, ("mmol/l",), (0.124, 0.132, 0.265), 0.001),
        ),
        (0.6, 2.2),
        2,
        88.0,
        "g",
    ),
    "calcium_total": Analyte(
        (("17861-6", "Calcium [Mass/volume] in Serum or Plasma"), ("2000-8", "Calcium"), ("49765-1", "Calcium")),
        (
            Unit("mg/dL", 1, MG_DL, (8.5, 12.0, 13.5, 7.0, 8.9, 9.2)),
            Unit("mmol/L", 1 / 4.008, ("mmol/l", "mM"), (2.12, 3.0, 2.2, 1.75)),
            Unit("meq/L", 2 / 4.008, ("mEq/L",), (4.25, 6.0), 0.1),
        ),
        (7.8, 13.0),
        1,
        2.3,
        "g",
    ),
    "calcium_corrected": Analyte(
        (("29265-6", "Calcium corrected for albumin"), ("46099-8", "Calcium corrected")),
        (
            Unit("mg/dL", 1, MG_DL, (8.5, 12.0, 13.5, 7.0)),
            Unit("mmol/L", 1 / 4.008, ("mmol/l",), (2.12, 3.0, 2.99, 3.01)),
        ),
        (7.8, 13.0),
        1,
        2.3,
        "g",
    ),
    "calcium_ionised": Analyte(
        (("1995-0", "Calcium.ionized"), ("1994-3", "Calcium.ionized"), ("17863-2", "Calcium.ionized")),
        (
            Unit("mmol/L", 1, ("mmol/l",), (1.12, 0.9)),
            Unit("mg/dL", 4.008, MG_DL, (4.5, 3.6)),
            Unit("meq/L", 2, ("mEq/L",), (2.24, 1.8)),
        ),
        (0.9, 1.4),
        2,
        5.0,
        "g",
    ),
    "albumin": Analyte(
        (("1751-7", "Albumin"), ("61151-7", "Albumin BCG"), ("2862-1", "Albumin")),
        (Unit("g/dL", 1, ("g/dl", "gm/dL"), (2.0, 4.0, 5.0)), Unit("g/L", 10, ("g/l",), (20, 40, 50), 1)),
        (2.2, 4.8),
        1,
        40.0,
        "mg/dL/g",
    ),
    "weight": Analyte(
        (("29463-7", "Body weight"), ("3141-9", "Body weight Measured"), ("3142-7", "Body weight Stated")),
        (
            Unit("kg", 1, ("kgs", "KG", "kilogram")),
            Unit("[lb_av]", 1 / 0.45359237, ("lb", "lbs", "pounds")),
            Unit("g", 1000, ("gram", "gm")),
            Unit("[oz_av]", 1 / 0.028349523125, ("oz",)),
        ),
        (45.0, 110.0),
        1,
        1.0,
        "cm",
    ),
    "height": Analyte(
        (("8302-2", "Body height"), ("3137-7", "Body height Measured")),
        (Unit("cm", 1, ("centimeter",)), Unit("m", 0.01), Unit("[in_i]", 1 / 2.54, ("inch",))),
        (140.0, 200.0),
        0,
        300.0,
        "kg",
    ),
    "vitamin_d": Analyte(
        (("1989-3", "25-OH vitamin D"), ("62292-8", "25-OH vitamin D"), ("14635-7", "25-OH vitamin D3")),
        (
            Unit("ng/mL", 1, ("ng/ml",), (20, 30)),
            Unit("nmol/L", 2.496, ("nmol/l", "nM"), (50, 75)),
            Unit("ug/L", 1, ("µg/L",), (20,)),
        ),
        (10.0, 50.0),
        1,
        500.0,
        "U/L",
    ),
    "haemoglobin": Analyte(
        (("718-7", "Hemoglobin"),),
        (
            Unit("g/dL", 1, ("g/dl",), (10.0,)),
            Unit("g/L", 10, ("g/l",), (100,), 1),
            Unit("mmol/L", 1 / 1.6114, ("mmol/l",), (6.2,)),
        ),
        (8.0, 14.0),
        1,
        100.0,
        "kg",
    ),
    "platelets": Analyte(
        (("777-3", "Platelets"), ("26515-7", "Platelets")),
        (
            Unit("10*9/L", 1, ("10^9/L", "x10^9/L", "Gpt/L"), (100, 60, 50), 1),
            Unit("10*3/uL", 1, ("K/uL", "thou/uL", "K/µL"), (100, 60, 50), 1),
            Unit("/uL", 1000, ("/mm3", "cells/uL"), (100000, 60000, 50000), 1000),
        ),
        (30.0, 250.0),
        0,
        5000.0,
        "g/dL",
    ),
    "neutrophils": Analyte(
        (("751-8", "Neutrophils"), ("26499-4", "Neutrophils")),
        (
            Unit("10*9/L", 1, ("10^9/L",), (1.5, 1.0), 0.1),
            Unit("10*3/uL", 1, ("K/uL",), (1.5, 1.0), 0.1),
            Unit("/uL", 1000, (), (1500,), 100),
        ),
        (0.5, 6.0),
        1,
        300.0,
        "%",
    ),
    "leucocytes": Analyte(
        (("6690-2", "Leukocytes"), ("26464-8", "Leukocytes")),
        (Unit("10*9/L", 1, ("10^9/L",), (2.4,), 0.1), Unit("10*3/uL", 1, ("K/uL",), (2.4,), 0.1)),
        (1.5, 9.0),
        1,
        700.0,
        "g/dL",
    ),
    "egfr": Analyte(
        (("98979-8", "eGFR"), ("33914-3", "GFR"), ("62238-1", "GFR"), ("69405-9", "GFR")),
        (
            Unit("mL/min/{1.73_m2}", 1, ("mL/min/1.73m2", "mL/min/1.73 m²", "ml/min/1.73m2"), (30,)),
            Unit("mL/s/{1.73_m2}", 1 / 60, ("mL/s/1.73m2",), (0.5,)),
        ),
        (20.0, 90.0),
        0,
        -1.0,
        "mL/min",
    ),
    "clearance": Analyte(
        (("35591-7", "Creatinine clearance (Cockcroft-Gault)"),),
        (
            Unit("mL/min", 1, ("ml/min", "cc/min"), (10, 30, 35, 40, 49, 50, 60)),
            Unit("mL/s", 1 / 60, ("ml/s",), (0.5, 1.0), 0.001),
        ),
        (20.0, 90.0),
        0,
        -1.0,
        "mL/min/{1.73_m2}",
    ),
}

SITE_CODES = {
    "creatinine": "LAB-CREA",
    "calcium_total": "LAB-CA",
    "calcium_ionised": "LAB-ICA",
    "albumin": "LAB-ALB",
    "weight": "LAB-WT",
}
"""Codes of a hospital, as site.csv has them."""

NOT_THIS_LAB = (
    ("2161-8", "Creatinine in Urine"),
    ("2164-2", "Creatinine clearance in 24 hour"),
    ("19072-8", "Calcium.ionized at pH 7.4"),
    ("34907-6", "Calcium corrected for total protein"),
    ("50064-5", "Ideal body weight"),
    ("78006-4", "GFR"),
    ("17862-4", "Calcium in Urine"),
    ("3094-0", "Urea nitrogen"),
    ("24321-2", "Basic metabolic panel"),
)

UNMAPPED = (
    "Creatinine",
    "Kreatinin / creatinine, serum",
    "CALCIUM total",
    "Creatinine clearance",
    "Calcium, urine",
    "Creatinine concentration",
    "Calcium/creatinine ratio",
    "eGFR creatinine",
    "Creatine kinase",
    "Calcium-ionised",
    "Kidney stone calcium",
    "creatinine (enzymatic)",
)
