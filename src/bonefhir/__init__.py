"""Checks every dose of a bone-modifying agent in FHIR data against its label."""

__version__ = "0.1.0"
