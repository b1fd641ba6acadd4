"""The forms of the files that are written or read: JSON Schemas and a Data Package. `python -m bonefhir.contract` writes them."""
