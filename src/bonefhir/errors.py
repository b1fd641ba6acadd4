"""The program's errors: what a user can mend, with the exit code that a shell sees.

A fact in the data is never an exception: it becomes a reject, a finding or a data-quality row.
No message may hold a value of a patient; where, what and what to do is enough.
"""


class BonefhirError(Exception):
    """Something that the user of the program can mend. Printed as one line, without traceback."""

    exit_code = 1
    transient = False
    """Another try may pass."""


class CommandLineError(BonefhirError):
    """A command, option or setting that cannot be used."""

    exit_code = 2


class InputError(BonefhirError):
    """The input as a whole cannot be read (or, with --strict, any part of it)."""

    exit_code = 3


class UnreachableError(InputError):
    """A source behind a URL broke off while it was read. No reject: nobody knows what the file holds."""

    transient = True


class KnowledgeError(BonefhirError):
    """A file under checks/ is wrong. Holds every fault found, one per line, each with file and place."""

    exit_code = 4

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))

    def __reduce__(self) -> tuple[type["KnowledgeError"], tuple[list[str]]]:
        """It travels between processes with its faults, not with their text."""
        return type(self), (self.faults,)


class OutputError(BonefhirError):
    """The output folder cannot be written."""

    exit_code = 5


class PartsError(OutputError):
    """The place behind a URL where a run leaves its parts cannot be read or written."""

    transient = True


class LostProcessError(OutputError):
    """One of the processes of a run was ended from outside, as a system does that has no memory left."""

    transient = True


class AccountingError(BonefhirError):
    """The ledger does not add up, or an internal promise is broken: a defect of bonefhir, never of the data."""

    exit_code = 70
