"""Conditions known by their text: whole phrases, and what denies them."""

import pytest

from bonefhir.knowledge.load import load
from bonefhir.normalise.value_sets import ValueSetMatcher

MATCHER = ValueSetMatcher(load([]), "Condition")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Bone metastases of the spine", {"bone_metastases"}),
        ("No pain. Bone metastases", {"bone_metastases"}),
        ("no evidence of bone metastases", set()),
        ("bone metastases ruled out", set()),
        ("Bone metastases, ruled out", set()),
        ("Bone metastases (excluded)", set()),
        ("Bone metastases. Ruled out: fracture", {"bone_metastases"}),
        ("High-risk multiple myeloma", {"multiple_myeloma"}),
        ("risk of multiple myeloma", set()),
        ("at-risk for osteoporosis", set()),
        ("Osteoporosis, screening", set()),
    ],
)
def test_phrases(text: str, named: set[str]) -> None:
    assert MATCHER.match_texts((text,)) == named
