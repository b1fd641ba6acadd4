"""Synthetic patients with planted faults and an answer key: `write(folder, patients, seed)`."""

from bonefhir.sample.write import write

__all__ = ["write"]
