"""SARIF 2.1.0: findings for code scanning. The log may be uploaded: it holds no value and no id of a patient or a dose."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from bonefhir import __version__
from bonefhir.report.ci import Finding, Help
from bonefhir.report.visible import visible

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
ROOT = "SRCROOT"
MOST = 25_000
"""Results of one run that GitHub takes; a log with more is refused as a whole."""


def log(findings: Sequence[Finding], rules: Mapping[str, Help]) -> dict[str, Any]:
    shown = findings[:MOST]
    known = {f.rule_id: rules.get(f.rule_id) or Help(f.statement, "", "", f.severity) for f in shown}
    order = sorted(known)
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if len(shown) < len(findings):
        words = f"{len(findings) - len(shown)} further findings are left out: a log holds at most {MOST}."
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": words}}]
    driver = {
        "name": "bonefhir",
        "semanticVersion": __version__,
        "rules": [_rule(name, known[name]) for name in order],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "bonefhir/"},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder in which bonefhir was called."}}},
        "results": [_result(finding, order.index(finding.rule_id)) for finding in shown],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, known: Help) -> dict[str, Any]:
    source = f"Source: {known.source}." if known.source else ""
    words = [part for part in (known.statement, source, known.guidance) if part]
    return {
        "id": name,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "shortDescription": {"text": known.statement},
        "fullDescription": {"text": " ".join(words[:2])},
        "help": {"text": "\n\n".join(words), "markdown": "\n\n".join([f"**{words[0]}**", *words[1:]])},
        "defaultConfiguration": {"level": LEVELS[known.severity]},
        "properties": {"tags": ["medication-safety"], "problem.severity": _problem(known.severity)},
    }


def _problem(severity: str) -> str:
    """GitHub's word."""
    return "recommendation" if severity == "info" else severity


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    said = f"A dose fails {finding.rule_id}: {finding.statement}" if finding.dose_id else finding.statement
    region = {"startLine": finding.line, "startColumn": finding.column}
    return {
        "ruleId": finding.rule_id,
        "ruleIndex": rule,
        "level": LEVELS[finding.severity],
        "message": {"text": visible(said)},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(finding.path), "region": region}}],
        "partialFingerprints": {"ruleAndDose/v1": fingerprint(finding)},
    }


def fingerprint(finding: Finding) -> str:
    """The same for a rule and a dose wherever the dose moves to. A hash, as ids of doses may name patients."""
    identity = f"{finding.rule_id}\0{finding.dose_id or finding.path}"
    return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _artifact(path: str) -> dict[str, str]:
    """Relative paths are those of the repository, as code scanning shows them."""
    if PurePath(path).is_absolute():
        return {"uri": PurePath(path).as_uri()}
    return {"uri": quote(os.fsencode(PurePath(path).as_posix())), "uriBaseId": ROOT}
