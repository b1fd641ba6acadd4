"""What became of resources, in books that are added up over all buckets: fates per file, rejects, findings on data quality."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.normalise import quality
from bonefhir.normalise.inputs import Input


@dataclass(frozen=True)
class Books:
    """per_file: one row per file, one column per fate. rejects: REJECTS. quality: DATA_QUALITY."""

    per_file: npt.NDArray[np.int64]
    rejects: pa.Table
    quality: pa.Table


def books(inputs: Sequence[Input], file_names: pa.Array, quality_found: Sequence[pa.Table] = ()) -> Books:
    """quality_found: what else there is to say than of versions and while reading."""
    found = [quality.of_resources(each.name, each.resources, each.quality, file_names) for each in inputs]
    found += [quality.while_reading(each.name, each.resources, each.fates.fate, file_names) for each in inputs]
    return Books(
        np.sum([each.fates.per_file(len(file_names)) for each in inputs], axis=0),
        pa.concat_tables([each.fates.rejects() for each in inputs]),
        pa.concat_tables([*found, *quality_found]),
    )
