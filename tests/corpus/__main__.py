"""Writes the corpus of bad inputs into a folder."""

import sys
from pathlib import Path

from tests.corpus import cases
from tests.corpus.make import write_all

print(len(write_all(Path(sys.argv[1]))), "files:", cases.__doc__)
