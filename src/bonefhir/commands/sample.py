"""`bonefhir sample`: synthetic patients with an answer key, for trying the program and for testing a site's own pipeline."""

import argparse


def run(options: argparse.Namespace) -> int:
    from bonefhir.sample.write import write

    write(options.folder, options.patients, options.seed)
    print(f"{options.patients} synthetic patients and their answer key: {options.folder}")
    return 0
