"""What checks/ says, as typed objects: the only form in which the rest of the program sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Code:
    """A code of a concept.

    system      canonical URI
    status      'verified', 'partial' or 'unverified': how far the code's meaning has been checked
    """

    system: str
    code: str
    kind: str
    status: str
    display: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Unit:
    """A UCUM unit: `code`, the kind of quantity it measures, and the factor to the kind's reference unit.

    The factor is exact within the kind ('mass_concentration', 'substance_concentration', 'mass', 'bsa_normalised_flow', …).
    """

    code: str
    quantity_kind: str
    factor: float


@dataclass(frozen=True)
class Strength:
    """An amount, an amount per volume or an activity per volume that only one product has. `tolerance` is relative."""

    value: float
    unit: str
    product: str


@dataclass(frozen=True)
class Drug:
    """An active ingredient.

    names       whole words that name it in a text, lower case
    codes       ingredient-level codes
    default     product chosen when nothing decides
    parts_limit largest labelled amount, mg: parts of one dose may sum to it plus 10 %; None: no limit applies
    """

    name: str
    names: tuple[str, ...]
    codes: tuple[Code, ...]
    products: tuple[str, ...]
    default: str
    amount_unit: str
    plausible: tuple[float, float] | None
    parts_limit: float | None


@dataclass(frozen=True)
class Product:
    """A drug with its own label.

    indications             labelled ones, the first is the default
    brands                  whole words or phrases that name it in a text, lower case
    codes                   product-specific codes
    strengths               strengths by which a text or a Medication names it
    label_amounts           amounts that only this product's label has, in the drug's unit
    amount_above            the product of any amount above this; None: no such rule
    creatinine_window_days  days for which a creatinine counts
    """

    name: str
    drug: str
    title: str
    indications: tuple[str, ...]
    brands: tuple[str, ...]
    codes: tuple[Code, ...]
    strengths: tuple[Strength, ...]
    label_amounts: tuple[float, ...]
    amount_above: float | None
    creatinine_window_days: int
    has_rules: bool
    file: str


@dataclass(frozen=True)
class Source:
    label: str
    section: str
    revision: str
    note: str | None = None


@dataclass(frozen=True)
class Example:
    """One row of a rule's table of examples. A blank cell is a quantity that is missing.

    verdict     'pass', 'fail', 'indeterminate' or 'not_applicable'
    """

    inputs: Mapping[str, str]
    verdict: str
    reasons: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Rule:
    """indications: empty means every indication of its products. doses: 'all', 'first' or 'later'."""

    id: str
    version: str
    products: tuple[str, ...]
    indications: tuple[str, ...]
    profiles: tuple[str, ...]
    severity: str
    kind: str
    doses: str
    parameters: Mapping[str, Any]
    statement: str
    source: Source
    guidance: str
    examples: tuple[Example, ...]
    file: str
    line: int
    override: str | None = None

    @property
    def evidence_key(self) -> str:
        """Rules of one kind with equal parameters rest on the same evidence."""
        return f"{self.kind}:{sorted((k, str(v)) for k, v in self.parameters.items())}"

    @property
    def citation(self) -> str:
        """'Zometa US PI 2.2, Table 1', 'Pamidronate US PI, Warnings', as printed in messages."""
        joint = ", " if self.source.section[:1].isupper() else " "
        return f"{self.source.label}{joint}{self.source.section}"


@dataclass(frozen=True)
class Measurement:
    """A lab or vital sign.

    unit        canonical UCUM unit
    si_unit     the unit in which labels print their SI limits, if they do; else None
    factors     unit code -> factor to canonical, between mass, substance and equivalents, beside conversion within the kind
    kinds       kinds of quantity that its values may have
    plausible   inclusive range, canonical unit
    text_words  words by one of which an uncoded Observation names this lab, unless it holds one of text_words_not
    """

    name: str
    title: str
    unit: str
    si_unit: str | None
    kinds: tuple[str, ...]
    factors: Mapping[str, float]
    plausible: tuple[float, float]
    suspect_unit: str | None
    codes: tuple[Code, ...]
    text_words: tuple[str, ...]
    text_words_not: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValueSet:
    """Conditions or procedures that mean the same to a rule. `phrases`: whole phrases of a text, lower case."""

    name: str
    resource_type: str
    codes: tuple[Code, ...]
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Knowledge:
    """Everything under checks/ and a site's own folders.

    systems         any spelling of a code system (URI, OID, alias) -> canonical URI
    units           unit text or UCUM code -> Unit; `ucum` holds those that are UCUM codes as they stand
    rejected_units  unit text -> why it is never guessed
    routes          (system, code) or ('', lower-case text) -> route name
    other_codes     (system, code) -> substance: known, but none of ours
    excluded_codes  (system, code) of rows of kind exclude
    known_lab_codes (system, code) of every lab code of the terminology, used or not
    overrides       what a site changed, for the report
    """

    drugs: Mapping[str, Drug]
    products: Mapping[str, Product]
    rules: tuple[Rule, ...]
    measurements: Mapping[str, Measurement]
    value_sets: Mapping[str, ValueSet]
    systems: Mapping[str, str]
    units: Mapping[str, Unit]
    ucum: Mapping[str, Unit]
    rejected_units: Mapping[str, str]
    routes: Mapping[tuple[str, str], str]
    other_codes: Mapping[tuple[str, str], str]
    excluded_codes: frozenset[tuple[str, str]]
    known_lab_codes: frozenset[tuple[str, str]]
    digest: str
    overrides: tuple[str, ...] = ()
