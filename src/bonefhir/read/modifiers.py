"""modifierExtension and implicitRules: elements that may turn a resource's meaning around. We know none of them."""

import json
from typing import Any

from bonefhir.read.contained import Fields
from bonefhir.read.fault import Fault

NAME = b"modifierExtension"


def fault(fields: Fields, text: bytes) -> Fault | None:
    """What forbids to process the resource; null: nothing."""
    if "implicitRules" in fields:
        return Fault("modifier-extension", "implicitRules", "rules that we do not know may change the resource's meaning")
    if NAME in text and _given(json.loads(text)):
        place = "" if "modifierExtension" in fields else ", inside another element"
        return Fault("modifier-extension", "modifierExtension", "an extension that we do not know may change the meaning" + place)
    return None


def _given(value: Any) -> bool:
    """There is a modifierExtension that is not empty, at any depth."""
    if isinstance(value, dict):
        return bool(value.get("modifierExtension")) or any(_given(member) for member in value.values())
    return isinstance(value, list) and any(_given(member) for member in value)
