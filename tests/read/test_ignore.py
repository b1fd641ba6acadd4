"""A folder may say which of its files are no FHIR; what is skipped can be asked for."""

from pathlib import Path

from bonefhir.read.sources import expand, ignored


def test_names_in_the_listing_are_skipped_and_told(tmp_path: Path) -> None:
    (tmp_path / "fhir").mkdir()
    for name in ("README.md", "key.csv", "fhir/README.md", "fhir/a.ndjson"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    (tmp_path / ".bonefhirignore").write_text("# no FHIR\nREADME.md\n*.csv\n", encoding="utf-8")
    assert [f.name for f in expand([str(tmp_path)])] == ["fhir/README.md", "fhir/a.ndjson"]
    assert ignored([str(tmp_path)]) == ["README.md", "key.csv"]


def test_a_file_that_is_named_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / ".bonefhirignore").write_text("*\n", encoding="utf-8")
    (tmp_path / "a.ndjson").write_text("{}", encoding="utf-8")
    assert [f.name for f in expand([str(tmp_path / "a.ndjson")])] == ["a.ndjson"]
