"""Names that stay the same from run to run."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.knowledge.model import Rule
from bonefhir.report.json_texts import quoted

FINGERPRINT = re.compile("f[0-9a-f]{16}")
"""It begins with a letter: of digits alone, or of digits around an 'e', spreadsheets would make a number and round it."""


_PART = 1_024
"""Findings that are told at a time, as their texts are long."""


def resource_id(prefix: str, *parts: str) -> str:
    """An id of FHIR (at most 64 of A-Z a-z 0-9 - .) for what the parts name together."""
    return f"{prefix}-{_digest(parts)[:32]}"


def resource_ids(prefix: str, *parts: pa.Array) -> pa.Array:
    """The same of each row, a column for each part; none is null."""
    quotes = (quoted(part, show=False) for part in parts)
    texts = pc.binary_join_element_wise("[", pc.binary_join_element_wise(*quotes, ", "), "]", "").cast(pa.binary())
    digests = b"".join([hashlib.sha256(text).digest()[:16] for text in texts.to_pylist()]).hex().encode()
    offsets = np.arange(0, len(digests) + 1, 32, dtype=np.int32)
    named = pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(digests))
    return pc.binary_join_element_wise(f"{prefix}-", named, "")


def short_id(prefix: str, *parts: str) -> str:
    """For people to carry along in a table: a letter and eight digits."""
    return f"{prefix}{_digest(parts)[:8]}"


def fingerprint(finding: Mapping[str, Any]) -> str:
    """Of patient, dose, rule, verdict and evidence: a decision about a finding holds as long as what it rests on."""
    parts = [finding[name] for name in ("patient_id", "dose_id", "rule_id", "rule_version", "verdict", "evidence")]
    return f"f{_digest(parts)[:16]}"


def fingerprints(findings: pa.Table) -> list[str]:
    """The same of each finding of a table."""
    parts = (findings.slice(start, _PART) for start in range(0, len(findings), _PART))
    return [mark for part in parts for mark in _fingerprints(part)]


def _fingerprints(findings: pa.Table) -> list[str]:
    """A column at a time."""
    names = ("patient_id", "dose_id", "rule_id", "rule_version", "verdict")
    texts = [_as_json(findings[name].combine_chunks()) for name in names]
    evidence = findings["evidence"].combine_chunks()
    items = evidence.flatten()
    fields = sorted(field.name for field in evidence.type.value_type)
    cells = [pc.binary_join_element_wise(f'"{name}": ', _as_json(items.field(name)), "") for name in fields]
    entries = pc.binary_join_element_wise("{", pc.binary_join_element_wise(*cells, ", "), "}", "")
    lengths = pc.fill_null(pc.list_value_length(evidence), 0).to_numpy()
    offsets = pa.array(np.append(0, np.cumsum(lengths)), pa.int32())
    listed = pc.binary_join_element_wise("[", pc.binary_join(pa.ListArray.from_arrays(offsets, entries), ", "), "]", "")
    cited = pc.if_else(evidence.is_valid(), listed, "null")
    parts = pc.binary_join_element_wise("[", pc.binary_join_element_wise(*texts, cited, ", "), "]", "")
    return [f"f{_hash(part)[:16]}" for part in parts.to_pylist()]


def _as_json(values: pa.Array) -> pa.Array:
    """As json.dumps has it: null, too, and NaN."""
    if pa.types.is_string(values.type):
        return pc.if_else(values.is_valid(), quoted(values, show=False), "null")
    encoded = values.dictionary_encode()
    told = pa.array([json.dumps(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return pc.fill_null(told.take(encoded.indices), "null")


def rule_digest(rule: Rule) -> str:
    """Of all that decides about verdicts: another one also where a site has changed a parameter and no version."""
    parts = (rule.version, rule.severity, rule.products, rule.indications, rule.profiles, rule.doses, rule.evidence_key)
    return _digest([str(part) for part in parts])[:12]


def _digest(parts: object) -> str:
    return _hash(json.dumps(parts, sort_keys=True))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
