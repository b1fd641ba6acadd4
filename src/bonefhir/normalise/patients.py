"""Patients → sex as an interval, and the dates between which they were born and died."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.normalise import times
from bonefhir.normalise.concepts import files_of


def normalise(patients: pa.Table, file_names: pa.Array) -> pa.Table:
    """Any gender but male and female leaves the sex unknown: [0, 1]."""
    gender = np.asarray(patients["gender"].to_pylist(), dtype=object)
    birth, death = times.parse(patients["birth_date"]), times.parse(patients["deceased_date_time"])
    columns = {
        "patient_id": pc.binary_join_element_wise("Patient", patients["id"], "/"),
        "gender": patients["gender"],
        "female_low": np.where(gender == "female", 1.0, 0.0),
        "female_high": np.where(gender == "male", 0.0, 1.0),
        "birth_date": patients["birth_date"],
        "birth_first": pa.array(birth.first),
        "birth_last": pa.array(birth.last),
        "deceased": np.asarray(patients["deceased_boolean"].fill_null(False)) | death.known,
        "deceased_first": pa.array(death.first),
        "deceased_last": pa.array(death.last),
        "source_file": files_of(patients, file_names),
        "source_line": patients["line"],
    }
    return tables.build(tables.PATIENTS, columns)
