"""Four invented hospitals, each with habits of its own."""

from bonefhir.sample.hospitals.aldhelm import Aldhelm
from bonefhir.sample.hospitals.base import Hospital
from bonefhir.sample.hospitals.harbor import Harbor
from bonefhir.sample.hospitals.lakeside import Lakeside
from bonefhir.sample.hospitals.rosental import Rosental

HOSPITALS: dict[str, Hospital] = {hospital.key: hospital for hospital in (Lakeside(), Rosental(), Aldhelm(), Harbor())}

__all__ = ["HOSPITALS", "Hospital"]
