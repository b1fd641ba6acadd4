"""All scenarios; importing the package fills the registry, in the order of the modules."""

from bonefhir.sample.scenarios import (  # noqa: F401
    administration,
    calcium,
    conditions,
    creatinine,
    denosumab,
    hypercalcaemia,
    products,
    radium,
    records,
    renal,
    unknowns,
)
from bonefhir.sample.scenarios.registry import LOCAL, WHOLE, LocalScenario, WholeScenario

__all__ = ["LOCAL", "WHOLE", "LocalScenario", "WholeScenario"]
