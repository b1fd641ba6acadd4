"""The clinical formulae on plain numbers, to be printed with the numbers put in and asked what would change a verdict.

A second way to the numbers of the tables: a test holds the two against each other for every dose of the sample.
"""

from typing import NamedTuple

FEMALE = 0.85


class Person(NamedTuple):
    """Completed years, kg, and whether a woman."""

    age: float
    weight: float
    female: bool


def cockcroft_gault(person: Person, creatinine: float) -> float:
    """mL/min, from creatinine in mg/dL.

    Source: Cockcroft and Gault 1976, doi:10.1159/000180580.
    """
    return (140 - person.age) * person.weight * (FEMALE if person.female else 1.0) / (72 * creatinine)


def creatinine_for(person: Person, clearance: float) -> float:
    """The creatinine in mg/dL at which cockcroft_gault gives this clearance."""
    return cockcroft_gault(person, 1.0) / clearance


class CkdEpi(NamedTuple):
    """Constants of CKD-EPI 2021 for a sex, and the exponent on its side of kappa."""

    kappa: float
    exponent: float
    factor: float


def ckd_epi(female: bool, creatinine: float) -> CkdEpi:
    kappa, low, factor = (0.7, -0.241, 1.012) if female else (0.9, -0.302, 1.0)
    return CkdEpi(kappa, low if creatinine <= kappa else -1.200, factor)


def ckd_epi_2021(age: float, female: bool, creatinine: float) -> float:
    """mL/min/1.73 m², from creatinine in mg/dL.

    Source: Inker et al. 2021, doi:10.1056/NEJMoa2102953.
    """
    constants = ckd_epi(female, creatinine)
    return float(142 * (creatinine / constants.kappa) ** constants.exponent * 0.9938**age * constants.factor)


def corrected_calcium(calcium: float, albumin: float) -> float:
    """mg/dL, from total calcium in mg/dL and albumin in g/dL.

    Source: Zometa US PI 1.1.
    """
    return calcium + 0.8 * (4.0 - albumin)


def albumin_for(calcium: float, corrected: float) -> float:
    """The albumin in g/dL at which corrected_calcium gives this value."""
    return 4.0 - (corrected - calcium) / 0.8


def ideal_weight(height: float, female: bool) -> float:
    """kg, from cm.

    Source: Devine 1974.
    """
    return (45.5 if female else 50.0) + 2.3 * (height / 2.54 - 60)


def adjusted_weight(actual: float, ideal: float) -> float:
    return ideal + 0.4 * (actual - ideal) if actual > ideal else actual
