"""Dates, keys, characters and nesting: small readers of text, against a slow and obvious reading."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.read import characters, depth, elements, keys, moments
from bonefhir.read.memo import Memo

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\:é ', max_size=2), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "text",
    [
        "2025",
        "2025-06",
        "2025-06-10",
        "2024-02-29",
        "2025-06-10T09:30:00Z",
        "2025-06-10T09:30:00.123456789+14:00",
        "2025-06-10T23:59:60-05:30",
        "2025-06-10T09:30:00",
        "2025-06-10T09:30Z",
        "2025-06-10T09:30:00-00:00",
        "0001-01-01",
    ],
)
def test_dates_that_are_understood(text: str) -> None:
    assert moments.date_time(f'"{text}"'.encode()) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000",
        "0000-01-01",
        "25-06-10",
        "2025-13",
        "2025-00-10",
        "2025-02-29",
        "2025-06-31",
        "2025-6-1",
        "06/10/2025",
        " 2025-06-10",
        "2025-06-10 ",
        "2025-06-10T",
        "2025-06-10T09Z",
        "2025-06-10 09:30:00Z",
        "2025-06-10T24:00:00Z",
        "2025-06-10T09:60:00Z",
        "2025-06-10T09:30:00+15:00",
        "2025-06-10T09:30:00z",
        "2025-06T09:30:00Z",
        "２０２５-06-10",
        "20250610",
        "10 June 2025",
    ],
)
def test_dates_that_are_none(text: str) -> None:
    assert moments.date_time(json.dumps(text, ensure_ascii=False).encode()) is None


@pytest.mark.parametrize("raw", [b"20250610", b"null", b"{}", b"true", b'"2025-06-10'])
def test_only_a_string_is_a_date(raw: bytes) -> None:
    assert moments.date_time(raw) is None


@given(st.dates(min_value=date(1, 1, 1)))
def test_every_day_of_the_calendar_is_a_date(day: date) -> None:
    assert moments.day(f'"{day.isoformat()}"'.encode()) == day.isoformat()
    assert moments.day(f'"{day.isoformat()}T10:00:00Z"'.encode()) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2025-06-10T09:30", "2025-06-10T09:30:00Z"),
        ("2025-06-10T09:30:15", "2025-06-10T09:30:15Z"),
        ("2025-06-10T09:30:15.5", "2025-06-10T09:30:15.5Z"),
        ("2025-06-10T09:30+02:00", "2025-06-10T09:30:00+02:00"),
        ("2025-06-10T09:30:00Z", "2025-06-10T09:30:00Z"),
        ("2025-06-10", "2025-06-10"),
        ("2025-06-10T09", "2025-06-10T09"),
    ],
)
def test_times_are_completed(before: str, after: str) -> None:
    assert json.loads(moments.complete(json.dumps({"x": [before]}).encode())) == {"x": [after]}


def duplicated(text: bytes) -> bool:
    """Obvious: looks at every object's pairs."""
    found = []

    def hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found.append(len({key for key, _ in pairs}) < len(pairs))
        return dict(pairs)

    json.loads(text, object_pairs_hook=hook)
    return any(found)


@given(JSON, st.booleans(), st.booleans(), st.booleans())
def test_duplicate_keys_are_found_wherever_they_are(value: Any, ascii_only: bool, spaced: bool, planted: bool) -> None:
    separators = (", ", ": ") if spaced else (",", ":")
    text = json.dumps([value, {"a": 1, "zz": value}], ensure_ascii=ascii_only, separators=separators).encode()
    if planted:
        text = text.replace(b'"zz"', b'"a"')
    assert keys.repeated(text) == duplicated(text) == planted
    cleaned, twice = keys.without_repeated(text)
    assert twice == ({"a"} if planted else set())
    assert json.loads(cleaned) == [value, {} if planted else {"a": 1, "zz": value}]


@pytest.mark.parametrize(
    "text",
    [b'{"a" : 1,"a":2}', b'{"a":1, "\\u0061":2}', b'{"a"\n:1,"a":2}', b'{"a":1e400,"a":2}', b'{"x":"\\":","a":[{"b":1,"b":1}]}'],
)
def test_duplicate_keys_cannot_hide(text: bytes) -> None:
    assert keys.repeated(text)


def test_digits_survive_the_removal_of_duplicates() -> None:
    cleaned, _ = keys.without_repeated(b'{"a":1,"a":2,"b":1.10,"c":100000000000000000000000000000.0}')
    assert cleaned == b'{"b":1.10,"c":100000000000000000000000000000.0}'


@given(JSON)
def test_depth(value: Any) -> None:
    def levels(each: Any) -> int:
        inner = each.values() if isinstance(each, dict) else each if isinstance(each, list) else None
        return 0 if inner is None else 1 + max(map(levels, inner), default=0)

    text = json.dumps(value).encode()
    for limit in range(6):
        assert depth.exceeds(text, limit) == (levels(value) > limit)


@given(st.text(st.characters(codec=None, max_codepoint=0xFFFF) | st.sampled_from('\\"\0\ud800\udc00\udfff\u202e'), max_size=8))
def test_mending_changes_only_what_cannot_be_written(text: str) -> None:
    raw = json.dumps(text).encode()
    mended, places = characters.mend(raw)
    assert len(mended) == len(raw)
    paired = json.loads(raw)
    broken = any(0xD800 <= ord(c) <= 0xDFFF or c == "\0" for c in paired)
    assert bool(places) == broken
    assert not broken or characters.suspect(raw)
    if not broken:
        assert json.loads(mended) == paired
    json.loads(mended).encode("utf-8")


@given(st.text(max_size=6))
def test_plain_text_means_the_same(text: str) -> None:
    escaped = "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else json.dumps(c)[1:-1] for c in text)
    plain = characters.plain(f'"{escaped}"'.encode())
    assert json.loads(plain) == text
    assert all(b"\\u00%02x" % ord(c) not in plain for c in text if c.isalnum() and c.isascii())


@pytest.mark.parametrize("text", ["\u202e", "\u2066", "\\u202E", "\\u2069"])
def test_bidi(text: str) -> None:
    assert characters.bidi(f"a{text}b".encode())
    assert not characters.bidi("aéb\\u2014\u2014".encode())


@pytest.mark.parametrize(
    ("raw", "value"),
    [("1.10", "1.10"), ("0", "0"), ("-3", "-3"), ("1e2", "1e2"), ("1.100000000000000000000001", "1.100000000000000000000001")],
)
def test_the_digits_of_a_quantity_survive(raw: str, value: str) -> None:
    assert elements.QUANTITY[f'{{"value":{raw}}}'.encode()].value == value


@pytest.mark.parametrize(
    ("raw", "reason", "path"),
    [
        ('{"value":"1.1"}', "not-fhir", "value"),
        ('{"value":null}', "not-fhir", "value"),
        ('{"value":true}', "not-fhir", "value"),
        ('{"value":[1]}', "not-fhir", "value"),
        ('{"value":1e400}', "not-fhir", "value"),
        ('{"value":1e-400}', "not-fhir", "value"),
        ('{"value":1.' + "0" * 64 + "}", "too-large", "value"),
        ('{"value":1,"unit":5}', "not-fhir", "unit"),
        ('{"value":1,"unit":null}', "not-fhir", "unit"),
        ('{"value":1,"comparator":"~"}', "bad-code", "comparator"),
        ('{"value":1,"value":2}', "duplicate-keys", None),
        ("[]", "not-fhir", None),
        ("null", "not-fhir", None),
    ],
)
def test_a_quantity_is_not_coerced(raw: str, reason: str, path: str | None) -> None:
    fault = elements.as_read(elements.QUANTITY[raw.encode()]).fault
    assert fault is not None
    assert (fault.reason, fault.path) == (reason, path)


def test_a_concept_keeps_what_names_it() -> None:
    raw = json.dumps({"coding": [{"system": "s", "version": "1", "code": "c", "userSelected": True}], "text": "t", "id": "x"})
    assert json.loads(elements.CONCEPT[raw.encode()]) == {"coding": [{"system": "s", "code": "c"}], "text": "t"}


def test_codings_beyond_the_limit_are_a_warning() -> None:
    same = elements.CONCEPT[json.dumps({"coding": [{"code": "a"}] * 300}).encode()]
    many = elements.CONCEPT[json.dumps({"coding": [{"code": str(n)} for n in range(300)]}).encode()]
    assert (len(json.loads(same.value)["coding"]), same.warnings) == (1, ("many-codings",))
    assert (len(json.loads(many.value)["coding"]), many.fault) == (200, None)


@pytest.mark.parametrize("code", [" 2160-0", "2160-0 ", "a  b", "", "a\tb"])
def test_a_code_with_blanks_is_a_fault_but_legible(code: str) -> None:
    read = elements.CONCEPT[json.dumps({"coding": [{"code": code}]}).encode()]
    assert (read.fault.reason, read.fault.path) == ("not-fhir", "coding.code")
    assert json.loads(read.value)["coding"][0]["code"] == " ".join(code.split())


def test_a_memo_is_bounded_in_number_and_in_bytes() -> None:
    memo = Memo(len, count=3, size=100)
    for number in range(10):
        assert memo[b"%d" % number] == 1
        assert len(memo) <= 3
    for number in range(10):
        assert memo[b"%060d" % number] == 60
        assert sum(map(len, memo)) <= 160
    assert memo[b"x" * 5000] == 5000
    assert b"x" * 5000 not in memo
