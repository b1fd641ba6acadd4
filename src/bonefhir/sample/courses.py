"""Courses of treatment without a fault: what every scenario starts from."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bonefhir.sample.case import Admission, Case, admit
from bonefhir.sample.model import Dose, Visit
from bonefhir.sample.people import person
from bonefhir.sample.renal import creatinine_for


@dataclass(frozen=True)
class Regimen:
    """amount in mg; minutes: infusion times that occur, empty for an injection; gap: days between doses."""

    product: str
    indication: str
    amount: float
    minutes: tuple[int, ...]
    route: str
    gap: int

    def every(self, days: int) -> "Regimen":
        return Regimen(self.product, self.indication, self.amount, self.minutes, self.route, days)

    def of(self, amount: float) -> "Regimen":
        return Regimen(self.product, self.indication, amount, self.minutes, self.route, self.gap)

    def against(self, indication: str, *minutes: int) -> "Regimen":
        return Regimen(self.product, indication, self.amount, minutes or self.minutes, self.route, self.gap)


SHORT = (15, 20, 25, 30)
ZOLEDRONIC = Regimen("zoledronic_acid_4mg", "bone_metastases", 4.0, SHORT, "intravenous", 28)
RECLAST = Regimen("zoledronic_acid_5mg", "osteoporosis", 5.0, SHORT, "intravenous", 371)
PAMIDRONATE = Regimen("pamidronate", "bone_metastases", 90.0, (120, 150, 180), "intravenous", 28)
XGEVA = Regimen("denosumab_120mg", "bone_metastases", 120.0, (), "subcutaneous", 28)
PROLIA = Regimen("denosumab_60mg", "osteoporosis", 60.0, (), "subcutaneous", 183)
XOFIGO = Regimen("radium_223", "bone_metastases", 0.0, (), "intravenous", 28)
KBQ_PER_KG = 55
HYPERCALCAEMIA = "hypercalcemia_of_malignancy"


@dataclass(frozen=True)
class Build:
    """The patient that a course needs: clearance in mL/min, age in years, creatinine in mg/dL, each within a range."""

    clearance: tuple[float, float] = (84, 128)
    age: tuple[int, int] = (44, 74)
    creatinine: tuple[float, float] = (0.6, 1.05)
    sex: str | None = None


COMFORTABLE = Build()
ROBUST = Build(clearance=(112, 138), age=(44, 60), creatinine=(0.65, 0.85))
"""Even half a milligram more creatinine leaves the clearance above 60 mL/min."""
ELDERLY_MAN = Build(clearance=(62, 110), age=(60, 82), creatinine=(0.7, 1.3), sex="male")
RENAL_BANDS = {3.5: (53.5, 56.5), 3.3: (43.5, 46.0), 3.0: (33.5, 36.0)}
"""Labelled dose of zoledronic acid 4 mg → clearances well inside its band."""


def reduced(amount: float) -> Build:
    return Build(clearance=RENAL_BANDS[amount], age=(62, 84), creatinine=(0.95, 2.3))


def begin(admission: Admission, build: Build = COMFORTABLE, start: date | None = None) -> tuple[Case, date]:
    """A case of that build, and the day of the first dose: a Monday to Thursday, unless given."""
    hospital, chance = admission.hospital, admission.chance
    if start is None:
        start = date(2022, 3, 7) + timedelta(days=7 * chance.randrange(0, 90) + chance.randrange(0, 4))
    while True:
        sex = build.sex or chance.choice(("female", "male"))
        age, weight = chance.randint(*build.age), round(chance.uniform(52, 102), 1)
        creatinine = hospital.rounded("creatinine", creatinine_for(chance.uniform(*build.clearance), age, weight, sex))
        if build.creatinine[0] <= creatinine <= build.creatinine[1]:
            someone = person(chance, hospital.names, sex, age, start)
            return admit(admission, someone, weight, creatinine), start


def prepare(case: Case, start: date, indication: str, tumour: str = "tumour") -> None:
    """What a careful clinic has on record before the first dose."""
    ago = case.chance.randrange
    if indication != "osteoporosis":
        case.diagnose(tumour, start - timedelta(days=ago(300, 900)))
    since = ago(3, 8) if indication == HYPERCALCAEMIA else ago(62, 200)
    case.diagnose(indication, start - timedelta(days=since))
    case.examine(start - timedelta(days=ago(10, 150)))
    if case.chance.random() < 0.7:
        drawn = case.morning(start - timedelta(days=ago(4, 50)))
        case.aside("vitamin_d", case.chance.uniform(26, 48), drawn)


def at(case: Case, on: date) -> datetime:
    """A time of day at which doses are given."""
    return datetime.combine(on, time(10, 0)) + timedelta(minutes=case.chance.randrange(0, 240, 5))


def dose(case: Case, regimen: Regimen, on: date) -> Dose:
    minutes = case.chance.choice(regimen.minutes) if regimen.minutes else None
    return case.give(regimen.product, regimen.amount, at(case, on), minutes, regimen.route)


def course(case: Case, regimen: Regimen, start: date, doses: int) -> list[Visit]:
    """So many visits, `regimen.gap` days apart; now and then a tablet that no rule asks for."""
    visits = [case.visit(dose(case, regimen, start + timedelta(days=n * regimen.gap))) for n in range(doses)]
    for visit in visits:
        if case.chance.random() < 0.15:
            tablet, mg = case.chance.choice((("furosemide", 40.0), ("naproxen", 500.0)))
            visit.doses.append(case.give(tablet, mg, visit.dose.start - timedelta(hours=2), None, "oral"))
    return visits


def treated(case: Case, regimen: Regimen, start: date, doses: int) -> list[Visit]:
    """Preparation and course."""
    prepare(case, start, regimen.indication)
    return course(case, regimen, start, doses)


def hypercalcaemic(case: Case, regimen: Regimen, start: date, corrected: float) -> Visit:
    """One dose for hypercalcaemia of malignancy, with the reason on it and labs of the day before."""
    case.record.albumin = case.chance.uniform(3.1, 3.6)
    case.record.calcium = corrected
    given = dose(case, regimen, start)
    given.reason = HYPERCALCAEMIA
    return case.visit(given, lead=1)


def radium(case: Case, start: date, doses: int) -> list[Visit]:
    """Injections of radium-223 for prostate cancer, each with its blood counts."""
    prepare(case, start, "bone_metastases", tumour="prostate_cancer")
    visits = course(case, XOFIGO, start, doses)
    for visit in visits:
        visit.dose.amount = KBQ_PER_KG * case.record.weight
        drawn = visit.lab("creatinine").at
        visit.drop("haemoglobin", "platelets")
        for analyte, least, most in (("haemoglobin", 10.6, 13.5), ("platelets", 125, 310), ("neutrophils", 2.0, 5.5)):
            visit.labs.append(case.measured(analyte, case.chance.uniform(least, most), drawn))
    return visits
