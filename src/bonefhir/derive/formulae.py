"""The clinical formulae, on intervals. Each is monotone in each input, so the corners of the inputs bound it."""

import numpy as np
import numpy.typing as npt

from bonefhir.interval import Floats, Interval


def cockcroft_gault(age: Interval, weight: Interval, creatinine: Interval, female: Interval) -> Interval:
    """Creatinine clearance in mL/min, one row per dose.

    age         completed years on the day of the dose
    weight      kg, the weight policy has been applied
    creatinine  mg/dL, > 0
    female      0 or 1; [0, 1] where sex is unknown
    NaN bounds where an input is missing. Falls with age, creatinine and female, grows with weight.

    Source: Cockcroft and Gault 1976, doi:10.1159/000180580.
    """
    return Interval(
        _cockcroft_gault(age.high, weight.low, creatinine.high, female.high),
        _cockcroft_gault(age.low, weight.high, creatinine.low, female.low),
    )


def _cockcroft_gault(age: Floats, weight: Floats, creatinine: Floats, female: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((140 - age) * weight * (1 - 0.15 * female) / (72 * creatinine))


def ckd_epi_2021(age: Interval, creatinine: Interval, female: Interval) -> Interval:
    """eGFR in mL/min/1.73 m², CKD-EPI 2021 by creatinine; age in completed years >= 18, creatinine in mg/dL.

    Falls with age, creatinine and female.

    Source: Inker et al. 2021, doi:10.1056/NEJMoa2102953.
    """
    return Interval(_ckd_epi_2021(age.high, creatinine.high, female.high), _ckd_epi_2021(age.low, creatinine.low, female.low))


def _ckd_epi_2021(age: Floats, creatinine: Floats, female: Floats) -> Floats:
    woman = female >= 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = creatinine / np.where(woman, 0.7, 0.9)
        low = np.minimum(relative, 1.0) ** np.where(woman, -0.241, -0.302)
        high = np.maximum(relative, 1.0) ** -1.200
        return np.asarray(142 * low * high * 0.9938**age * np.where(woman, 1.012, 1.0))


def corrected_calcium(calcium: Interval, albumin: Interval) -> Interval:
    """Total calcium in mg/dL corrected for albumin in g/dL: Ca + 0.8 × (4.0 − albumin).

    Source: Zometa US PI 1.1.
    """
    return Interval(calcium.low + 0.8 * (4.0 - albumin.high), calcium.high + 0.8 * (4.0 - albumin.low))


def ideal_weight(height: Interval, female: Interval) -> Interval:
    """kg, from the height in cm: 50 (women 45.5) + 2.3 per inch over 60 inches.

    Source: Devine 1974.
    """
    return Interval(_devine(height.low, female.high), _devine(height.high, female.low))


def _devine(height: Floats, female: Floats) -> Floats:
    return np.asarray(50 - 4.5 * female + 2.3 * (height / 2.54 - 60))


def adjusted_weight(actual: Interval, ideal: Interval) -> Interval:
    """kg: ideal + 0.4 × (actual − ideal) where the actual weight is the greater, else the actual weight. NaN without either."""
    return Interval(_adjusted(actual.low, ideal.low), _adjusted(actual.high, ideal.high))


def _adjusted(actual: Floats, ideal: Floats) -> Floats:
    return np.asarray(np.where(actual <= ideal, actual, 0.6 * ideal + 0.4 * actual))


def completed_years(birth: npt.NDArray[np.datetime64], day: npt.NDArray[np.datetime64]) -> Floats:
    """Age on a day; NaN where a date is missing. Born on 29 February: a year older on 1 March of a common year."""
    known = ~(np.isnat(birth) | np.isnat(day))
    year_b, month_b, day_b = _civil(birth)
    year_d, month_d, day_d = _civil(day)
    before_birthday = (month_d < month_b) | ((month_d == month_b) & (day_d < day_b))
    return np.where(known, year_d - year_b - before_birthday, np.nan)


def _civil(dates: npt.NDArray[np.datetime64]) -> tuple[Floats, Floats, Floats]:
    days = np.where(np.isnat(dates), np.datetime64("1970-01-01"), dates.astype("datetime64[D]"))
    months = days.astype("datetime64[M]")
    years = days.astype("datetime64[Y]")
    return (
        years.astype(np.float64) + 1970,
        (months - years).astype(np.float64) + 1,
        (days - months).astype(np.float64) + 1,
    )
