"""The calcium before a dose of zoledronic acid or denosumab, and what albumin does to it."""

from bonefhir.sample.case import Case
from bonefhir.sample.model import Entry, Visit
from bonefhir.sample.scenarios.registry import BY_TOTAL_CALCIUM, local

ALL_CALCIUM = ("calcium", "corrected_calcium", "albumin")


def again(case: Case, visit: Visit, corrected: float, albumin: float) -> Entry:
    """The visit's calcium replaced."""
    case.calcium(visit, corrected, albumin, visit.lab(case.hospital.calcium).at)
    return visit.lab(case.hospital.calcium)


@local("calcium-missing", "No calcium before the dose")
def calcium_missing(case: Case, visit: Visit) -> Entry:
    visit.drop(*ALL_CALCIUM)
    case.fails(visit.dose, "ZA4-CA-BEFORE")
    case.unknown(visit.dose, ("no-calcium",), "ZA4-HYPOCA")
    return visit.dose


@local("albumin-missing", "A total calcium of about 8.9 mg/dL without albumin: low or not, depending on it", BY_TOTAL_CALCIUM)
def albumin_missing(case: Case, visit: Visit) -> Entry:
    lab = again(case, visit, 8.9, 4.0)
    visit.drop("albumin")
    case.unknown(visit.dose, ("albumin-unknown",), "ZA4-HYPOCA")
    return lab


@local("calcium-low-by-correction", "A normal total calcium that an albumin of 4.9 g/dL corrects to 8.1 mg/dL", BY_TOTAL_CALCIUM)
def calcium_low_by_correction(case: Case, visit: Visit) -> Entry:
    lab = again(case, visit, 8.1, 4.9)
    case.fails(visit.dose, "ZA4-HYPOCA")
    return lab


@local(
    "calcium-saved-by-correction", "A trap: a low total calcium that an albumin of 2.6 g/dL corrects to normal", BY_TOTAL_CALCIUM
)
def calcium_saved_by_correction(case: Case, visit: Visit) -> Entry:
    return again(case, visit, 9.1, 2.6)


@local("denosumab-hypocalcaemia", "Denosumab at a corrected calcium of 7.6 mg/dL", host="denosumab")
def denosumab_hypocalcaemia(case: Case, visit: Visit) -> Entry:
    lab = again(case, visit, 7.6, 3.9)
    case.fails(visit.dose, "DEN120-HYPOCA")
    return lab


@local("denosumab-calcium-missing", "No calcium before denosumab", host="denosumab")
def denosumab_calcium_missing(case: Case, visit: Visit) -> Entry:
    visit.drop(*ALL_CALCIUM)
    case.fails(visit.dose, "DEN120-CA-BEFORE")
    case.unknown(visit.dose, ("no-calcium",), "DEN120-HYPOCA")
    return visit.dose
