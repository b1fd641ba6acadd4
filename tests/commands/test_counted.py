from bonefhir.commands.counted import counted


def test_one_is_not_plural() -> None:
    assert [counted(number, "dose") for number in (0, 1, 2)] == ["0 doses", "1 dose", "2 doses"]
