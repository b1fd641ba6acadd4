"""`python -m bonefhir.contract [FOLDER]` writes every schema, by default to schemas/."""

import sys

from bonefhir.contract.files import write

sys.exit(write(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
