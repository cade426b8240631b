"""`python -m keratin.testing`: run the suite on the backend that KERATIN_BACKEND names.

Prints the largest relative error of each op, layer, loss, metric and optimizer, in values and, after the dot, in
gradients. Ends with 1 if a check fails, or holds although it is listed as an expected failure.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from keratin.testing.conformance import FAMILIES, checks
from keratin.testing.report import Result, cell, rows, table
from keratin.testing.runner import run


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments say.  Gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m keratin.testing", description=__doc__)
    parser.add_argument("--family", choices=FAMILIES, help="only this family")
    parser.add_argument("--kind", help="only checks of this kind, such as value or gradient")
    parser.add_argument("--subject", help="only this op or class, such as softmax or Dense")
    parser.add_argument(
        "--sweeps", type=int, metavar="N", default=0, help="sweep shapes, dtypes and axes, N examples each"
    )
    parser.add_argument("--json", metavar="FILE", help="write all results")
    parser.add_argument("--markdown", metavar="FILE", help="write the table")
    options = parser.parse_args(arguments)

    chosen = checks(options.family, options.kind)
    if options.sweeps:
        from keratin.testing import sweeps

        chosen += sweeps.suite(options.sweeps)
    chosen = [check for check in chosen if options.subject in (None, check.subject)]
    finished = run(chosen, _tell)
    for (family, subject), results in rows(finished.results).items():
        print(f"{family:<11} {subject:<40} {cell(results)}")
    print(f"{finished.backend}: {len(finished.results)} checks, {len(finished.bad)} wrong")
    if options.json:
        finished.write(options.json)
    if options.markdown:
        Path(options.markdown).write_text(table([finished]))
    return 1 if finished.bad else 0


def _tell(result: Result) -> None:
    if result.outcome in ("failed", "surprise"):
        print(f"{result.name}: {result.message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
