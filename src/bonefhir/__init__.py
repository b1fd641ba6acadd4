"""Checks every dose of a bone-modifying agent in FHIR data against its label.

The public names are those of `__all__`; everything else may change at any time. `import bonefhir` alone loads nothing heavy: a
name brings what it needs when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bonefhir.errors import BonefhirError
    from bonefhir.knowledge.load import load_rules
    from bonefhir.knowledge.model import Rule
    from bonefhir.pipeline import Summary, audit
    from bonefhir.settings import Settings

__version__ = "0.1.0"

__all__ = ["BonefhirError", "Rule", "Settings", "Summary", "__version__", "audit", "load_rules"]

_HOMES = {
    "BonefhirError": "errors",
    "Rule": "knowledge.model",
    "Settings": "settings",
    "Summary": "pipeline",
    "audit": "pipeline",
    "load_rules": "knowledge.load",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bonefhir' has no attribute {name!r}")
    return getattr(import_module(f"bonefhir.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
