"""Run the conformance suite on each backend, or read its results, and write docs/conformance.md.

python tools/conformance_table.py                      # runs every backend that is installed, one after the other
python tools/conformance_table.py jax.json torch.json  # merges results of `python -m keratin.testing --json FILE`
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from keratin.backends.select import BACKENDS
from keratin.testing.report import Run, table

PAGE = Path(__file__).parent.parent / "docs" / "conformance.md"


def main() -> int:
    """Write the page; ends with 1 if a check is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE")
    files = parser.parse_args().files
    runs = [Run.read(file) for file in files] if files else [run for name in BACKENDS if (run := measured(name))]
    PAGE.write_text(table(runs))
    for run in runs:
        for result in run.bad:
            print(f"{run.backend}: {result.name}: {result.message}")
    return 1 if any(run.bad for run in runs) else 0


def measured(backend: str) -> Run | None:
    """The results on a backend, None where it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.json"
        command = [sys.executable, "-m", "keratin.testing", "--json", str(file)]
        subprocess.run(command, env={**os.environ, "KERATIN_BACKEND": backend}, stdout=subprocess.DEVNULL, check=False)
        return Run.read(file) if file.exists() else None


if __name__ == "__main__":
    sys.exit(main())
