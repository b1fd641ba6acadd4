"""What is taken for a site."""

import pyarrow as pa

from bonefhir.report.slices import FILES, NO_FOLDER, sites


def test_a_site_is_a_folder_or_a_file_without_one() -> None:
    files = ["north/a.ndjson", "north/b.ndjson", "south/x/a.ndjson", "east.ndjson"]
    assert sites(pa.array(files)).to_pylist() == ["north", "north", "south/x", "east.ndjson"]


def test_an_export_in_pieces_is_of_one_site() -> None:
    pieces = [f"{number}.json" for number in range(FILES)]
    assert sites(pa.array([*pieces, "north/a.json"])).to_pylist() == [*pieces, "north"]
    more = [*pieces, "more.json"]
    assert sites(pa.array([*more, "north/a.json"])).to_pylist() == [NO_FOLDER] * len(more) + ["north"]


def test_no_files_have_no_sites() -> None:
    assert sites(pa.array([], pa.string())).to_pylist() == []
