"""checks/README.md: the catalogue of all rules as a pharmacist reads it. `python -m bonefhir.knowledge.catalogue` writes it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from bonefhir.knowledge.kind_words import in_words, plain
from bonefhir.knowledge.load import load, shipped
from bonefhir.knowledge.model import Knowledge, Product, Rule

INTRODUCTION = "introduction.md"
_SEVERITY = {"error": "**error**", "warning": "warning", "info": "info"}


def render(knowledge: Knowledge, introduction: str) -> str:
    """The same text for the same rules; nothing in it depends on the day or the machine."""
    parts = [introduction.strip(), "", "# Products and rules", "", *_contents(knowledge)]
    for product in _products(knowledge):
        parts += ["", f"## {product.title}", "", *_product(knowledge, product)]
        for rule in (r for r in knowledge.rules if r.products == (product.name,)):
            parts += _rule(rule)
    parts += ["", "## Rules for several products"]
    for rule in (r for r in knowledge.rules if len(r.products) > 1):
        parts += _rule(rule)
    return "\n".join([*parts, *_labs(knowledge)]) + "\n"


def _products(knowledge: Knowledge) -> list[Product]:
    return sorted(knowledge.products.values(), key=lambda product: product.title)


def _contents(knowledge: Knowledge) -> Iterable[str]:
    yield "| product | labelled indications (the first is assumed if none is found) | creatinine counts for | rules |"
    yield "|---|---|---|---|"
    for product in _products(knowledge):
        rules = sum(product.name in rule.products for rule in knowledge.rules)
        indications = ", ".join(plain(one) for one in product.indications) or "–"
        yield f"| {product.title} | {indications} | {product.creatinine_window_days} days | {rules} |"


def _product(knowledge: Knowledge, product: Product) -> Iterable[str]:
    drug = knowledge.drugs[product.drug]
    yield f"`{product.name}`, drug `{product.drug}`. Names: {', '.join((*drug.names, *product.brands))}."
    facts = [f"{plain(strength.value)} {strength.unit}" for strength in product.strengths]
    if facts:
        yield f"Strengths that tell this product: {', '.join(facts)}."
    if product.label_amounts:
        yield f"Amounts that only this label has: {', '.join(plain(a) for a in product.label_amounts)} {drug.amount_unit}."
    shared = [rule.id for rule in knowledge.rules if len(rule.products) > 1 and product.name in rule.products]
    if shared:
        yield f"Also: {', '.join(shared)}, under “Rules for several products”."
    if not product.has_rules:
        yield "No rules of its own: it is recognised, and counts as another product for rules that name it."


def _rule(rule: Rule) -> Sequence[str]:
    whom = f" Products: {', '.join(rule.products)}." if len(rule.products) > 1 else ""
    only = f" Only for {plain(rule.indications)}." if rule.indications else ""
    source = f"{rule.citation}; revision: {rule.source.revision}" + (f"; {rule.source.note}" if rule.source.note else "")
    return (
        "",
        f"### {rule.id}",
        "",
        f"{rule.statement}{whom}",
        "",
        f"- {_SEVERITY[rule.severity]}, profiles {', '.join(rule.profiles)}, kind `{rule.kind}`: {in_words(rule)}{only}",
        f"- Source: {source}.",
        f"- How it may be wrong: {rule.guidance}",
    )


def _labs(knowledge: Knowledge) -> Iterable[str]:
    yield from ("", "# Labs and vital signs", "", "| name | unit | plausible | other units | codes |", "|---|---|---|---|---|")
    for lab in sorted(knowledge.measurements.values(), key=lambda m: m.name):
        low, high = (plain(bound) for bound in lab.plausible)
        others = ", ".join(f"{unit} × {factor:.6g}" for unit, factor in lab.factors.items()) or "–"
        range_ = f"{low} and more" if high == "inf" else f"{low} to {high}"
        yield f"| {lab.title} (`{lab.name}`) | {lab.unit} | {range_} | {others} | {len(lab.codes)} |"


def shipped_text() -> str:
    """README.md of the shipped checks as it should be."""
    return render(load(), (shipped() / INTRODUCTION).read_text(encoding="utf-8"))


def write(path: Path) -> None:
    path.write_text(shipped_text(), encoding="utf-8")


if __name__ == "__main__":
    write(shipped() / "README.md")
