"""What people have decided about findings: the words, the record of every decision, and what it says on a day.

A decision belongs to the fingerprint of a finding, which is that of patient, dose, rule, verdict and evidence: it holds for a
re-run on the same records in any order, and falls away when what it rests on changes. All decisions ever made are kept, in the
order in which they were recorded; of one finding the last counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from bonefhir.knowledge.model import Rule
from bonefhir.report.identity import short_id
from bonefhir.report.rates import Share, wilson
from bonefhir.vocabulary import FAIL

ACCEPTED, DISPUTED, JUSTIFIED, WITHDRAWN = "accepted", "disputed", "justified", "withdrawn"
DECISIONS = (ACCEPTED, DISPUTED, JUSTIFIED)
"""accepted: the finding is right; disputed: it is wrong; justified: right, and the care had a reason."""

WORDS = (*DECISIONS, WITHDRAWN)
"""withdrawn: as if nobody had decided; what was decided before stays in the history."""

EXPIRED = "expired"


@dataclass(frozen=True)
class Decision:
    """finding: its fingerprint; rule_id, rule_version, verdict: of the finding, so that it counts when the run is gone.

    when, until     'YYYY-MM-DD'; until: the last day on which it holds, '' if it has no end
    recorded        ISO 8601, UTC: when `bonefhir adjudicate` took it in
    ended           it did not hold any more on the day that was asked for; never stored
    """

    finding: str
    rule_id: str
    rule_version: str
    verdict: str
    decision: str
    reason: str
    who: str
    when: str
    until: str
    recorded: str
    ended: bool = False

    @property
    def state(self) -> str:
        """The decision, or 'expired'."""
        return EXPIRED if self.ended else self.decision

    @property
    def id(self) -> str:
        """Short, and another one for every decision about a finding."""
        return short_id("d", self.finding, self.recorded, *self.said)

    @property
    def said(self) -> tuple[str, ...]:
        """What the person has decided: a second time the same is nothing new."""
        return self.decision, self.reason, self.who, self.when, self.until


@dataclass(frozen=True)
class Decisions:
    """What has been decided beside a run, as of a day.

    last        finding → the last decision about it, also if it was withdrawn
    standing    finding → what was decided about it: expired decisions marked as `ended`, withdrawn ones left out
    """

    history: Sequence[Decision]
    day: date
    last: Mapping[str, Decision] = field(init=False)
    standing: Mapping[str, Decision] = field(init=False)

    def __post_init__(self) -> None:
        last = {one.finding: one for one in self.history}
        today = self.day.isoformat()
        standing = {mark: one for mark, one in last.items() if one.decision != WITHDRAWN}
        marked = {mark: replace(one, ended=bool(one.until) and one.until < today) for mark, one in standing.items()}
        object.__setattr__(self, "last", last)
        object.__setattr__(self, "standing", marked)

    def held(self, finding: str) -> Decision | None:
        """The decision that holds on the day."""
        one = self.standing.get(finding)
        return None if one is None or one.ended else one


@dataclass(frozen=True)
class Decided:
    """How people have decided about the findings of one rule, in its version: of those that fail, which alone claim something."""

    accepted: int
    disputed: int
    justified: int

    @property
    def confirmed(self) -> int:
        return self.accepted + self.justified

    @property
    def all(self) -> int:
        return self.confirmed + self.disputed

    @property
    def precision(self) -> Share | None:
        """Share of the decided findings that people confirmed, with Wilson's interval."""
        return wilson(self.confirmed, self.all)


def day_of(text: str) -> date | None:
    """The day that 'YYYY-MM-DD' names; None for anything else, another form of ISO 8601 too."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def of_rules(history: Sequence[Decision], rules: Iterable[Rule]) -> dict[str, Decided]:
    """Rule → counts, of those of the rules about which, in their present version, anybody has decided; in their order."""
    found = by_rule(history)
    return {rule.id: one for rule in rules if (one := found.get((rule.id, rule.version)))}


def by_rule(history: Sequence[Decision]) -> Mapping[tuple[str, str], Decided]:
    """(rule, version) → counts of the last decision about each finding. Expired ones count: the judgement was made.

    The history is that of all runs beside the store, so a rule is known by more than the findings of one run.
    """
    words: dict[tuple[str, str], list[str]] = {}
    for one in {one.finding: one for one in history}.values():
        if one.verdict == FAIL and one.decision in DECISIONS:
            words.setdefault((one.rule_id, one.rule_version), []).append(one.decision)
    return {rule: Decided(*(said.count(word) for word in DECISIONS)) for rule, said in sorted(words.items())}
