"""Cockcroft–Gault, forwards and backwards: patients are made for the clearance that a scenario needs."""

FEMALE = 0.85


def clearance(age: float, weight: float, creatinine: float, sex: str) -> float:
    """mL/min from completed years, kg and mg/dL. Source: Cockcroft and Gault 1976, doi:10.1159/000180580."""
    return (140 - age) * weight * (FEMALE if sex == "female" else 1) / (72 * creatinine)


def creatinine_for(target: float, age: float, weight: float, sex: str) -> float:
    """mg/dL that gives that clearance."""
    return clearance(age, weight, 1, sex) / target


def weight_for(target: float, age: float, creatinine: float, sex: str) -> float:
    """kg that gives that clearance."""
    return target / clearance(age, 1, creatinine, sex)
