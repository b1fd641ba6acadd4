"""What a command prints in one form and writes in others: `--format`, and `--report FORMAT=FILE`."""

from collections.abc import Collection
from pathlib import Path

from bonefhir.errors import CommandLineError, OutputError


def wanted(text: str, formats: Collection[str]) -> tuple[str, Path]:
    """'sarif=out.sarif'."""
    form, _, path = text.partition("=")
    if form not in formats or not path:
        raise CommandLineError(f"--report {text}: must be FORMAT=FILE; formats are {', '.join(formats)}")
    return form, Path(path)


def write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
