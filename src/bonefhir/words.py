"""Columns of few words, as codes: products, routes, units, indications of a million doses."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bonefhir.coded import NOTHING, Texts, texts
from bonefhir.interval import Flags, Integers


@dataclass(frozen=True)
class Words:
    """Of each row a word, or None: the index of its kind."""

    kinds: tuple[str | None, ...]
    codes: Integers

    @classmethod
    def of(cls, words: npt.NDArray[np.object_]) -> "Words":
        codes, kinds = pd.factorize(words, use_na_sentinel=False)
        return cls(tuple(None if pd.isna(kind) else kind for kind in kinds), codes)

    @classmethod
    def told(cls, found: Texts) -> "Words":
        """Of texts, of which there are few."""
        codes = np.where(found.codes == NOTHING, len(found.texts), found.codes)
        return cls((*found.texts.to_pylist(), None), codes.astype(np.int64))

    @classmethod
    def either(cls, flags: Flags, word: str, other: str) -> "Words":
        """The word where the flag is set."""
        return cls((other, word), flags.astype(np.int64))

    @classmethod
    def one(cls, word: str | None, rows: int) -> "Words":
        return cls((word,), np.zeros(rows, dtype=np.int64))

    @classmethod
    def together(cls, parts: Sequence["Words"]) -> "Words":
        """One after the other."""
        kinds = tuple(dict.fromkeys(kind for part in parts for kind in part.kinds))
        place = {kind: number for number, kind in enumerate(kinds)}
        codes = [np.array([place[kind] for kind in part.kinds], dtype=np.int64)[part.codes] for part in parts]
        return cls(kinds, np.concatenate([np.empty(0, dtype=np.int64), *codes]))

    def __getitem__(self, rows: Integers | Flags) -> "Words":
        return Words(self.kinds, self.codes[rows])

    def __len__(self) -> int:
        return len(self.codes)

    def among(self, words: Collection[str | None]) -> Flags:
        return np.array([kind in words for kind in self.kinds], dtype=bool)[self.codes]

    def each(self, told: Callable[[str | None], Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Of each row what is told of its word; of words that no row has, nothing is asked."""
        found = np.zeros(len(self.kinds), dtype=dtype)
        for code in np.flatnonzero(np.bincount(self.codes, minlength=len(self.kinds))).tolist():
            found[code] = told(self.kinds[code])
        return found[self.codes]

    def texts(self) -> Texts:
        return texts(self.kinds, self.codes)
