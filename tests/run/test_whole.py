"""Keys of ids are looked up in order: as if each were compared with all."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.whole import _among

keys = st.lists(st.sampled_from([0, 1, 5, 1 << 63, (1 << 64) - 6, (1 << 64) - 2, (1 << 64) - 1]), max_size=6)


@given(keys, keys)
def test_keys_that_are_wanted_are_found(here: list[int], wanted: list[int]) -> None:
    found = _among(np.array(here, dtype=np.uint64), np.array(sorted(set(wanted)), dtype=np.uint64))
    assert found.tolist() == [key in wanted for key in here]
