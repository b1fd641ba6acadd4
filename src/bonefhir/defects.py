"""What may be said about an exception that nobody expected: type and place. Its message may repeat a value of a patient."""

import traceback
from pathlib import Path


def described(error: BaseException) -> str:
    """One sentence, safe for a terminal, a log and Prefect's database."""
    inside = [frame for frame in traceback.extract_tb(error.__traceback__) if "bonefhir" in Path(frame.filename).parts]
    place = f"{Path(inside[-1].filename).name}:{inside[-1].lineno}" if inside else "an unknown place"
    return f"defect: {type(error).__name__} in {place}. Its message is withheld, as it may hold patient data. Please report it."
