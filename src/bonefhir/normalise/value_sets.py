"""Which value sets a Condition, a reason or a Procedure belongs to: by code, else by a phrase of its text that is not denied."""

import re

from bonefhir.knowledge.codes import comparable
from bonefhir.knowledge.model import Knowledge
from bonefhir.normalise.concepts import CodeIndex, Concept, plain

_CLAUSE = re.compile(r"[,.;]")
_DENIED_BEFORE = re.compile(r"(?<!\w)(?:no|not|without|rule out|suspected|family history|history of)(?!\w)")
_DENIED_NEAR = frozenset({"screening", "risk", "at-risk", "prevention", "prophylaxis"})
_DENIED_AFTER = re.compile(r"^[\s,:()\-]*(?:screening|ruled out|excluded|unlikely)(?!\w)")
_WORD = re.compile(r"\w+(?:-\w+)*")
"""With its hyphens: a high-risk myeloma is a myeloma."""

Membership = dict[str, bool]
"""Value set → found by text only."""


class ValueSetMatcher:
    """`match` is called once per distinct concept."""

    def __init__(self, knowledge: Knowledge, resource_type: str) -> None:
        sets = [v for v in knowledge.value_sets.values() if v.resource_type == resource_type]
        self._codes = {v.name: CodeIndex((code, True) for code in v.codes) for v in sets}
        self._phrases = {v.name: _pattern(v.phrases) for v in sets if v.phrases}
        self._excluded = frozenset(comparable(*coding) for coding in knowledge.excluded_codes)

    def match(self, concept: Concept) -> Membership:
        found = {name: False for name, codes in self._codes.items() if any(codes.get(c) for c in concept.codings)}
        if any(coding in self._excluded for coding in concept.codings):
            return found
        return dict.fromkeys(self.match_texts(concept.texts), True) | found

    def match_texts(self, texts: tuple[str, ...]) -> set[str]:
        return {name for name, pattern in self._phrases.items() if any(_affirmed(pattern, plain(text)) for text in texts)}


def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    words = sorted(map(plain, phrases), key=lambda p: (-len(p), p))
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, words)) + r")(?!\w)")


def _affirmed(pattern: re.Pattern[str], text: str) -> bool:
    """At least one occurrence of a phrase is not denied in its clause."""
    for found in pattern.finditer(text):
        before = _CLAUSE.split(text[: found.start()])[-1]
        near = set(_WORD.findall(before)[-3:])
        if not (_DENIED_BEFORE.search(before) or near & _DENIED_NEAR or _DENIED_AFTER.search(text[found.end() :])):
            return True
    return False
