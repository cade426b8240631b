"""Run the benchmarks: `python -m benchmarks [WORKLOAD ...]`; `--help` lists the options."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, report
from benchmarks.contenders import Contender
from benchmarks.race import Entry, race
from benchmarks.registry import BARE, Workload
from benchmarks.workloads import WORKLOADS

QUICK_ROUNDS, QUICK_SECONDS = 3, 0.1
SLOW_SHARE = 3  # a workload whose rounds take seconds runs this many times fewer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen workloads and print one table.  Returns 1 if something failed (or, if strict, missed)."""
    options = _parser().parse_args(arguments)
    if options.list:
        print("\n".join(f"{w.name:20} {w.title}" for w in WORKLOADS.values()))
        return 0
    seconds = QUICK_SECONDS if options.quick else options.seconds
    rounds = QUICK_ROUNDS if options.quick else options.rounds
    rows: list[report.Row] = []
    races: dict[str, list[Entry]] = {}
    for workload in [WORKLOADS[name] for name in options.workloads or WORKLOADS]:
        print(f"{workload.name}: {workload.title}", file=sys.stderr, flush=True)
        contenders = _contenders(workload, options.left, options.right)
        count = -(-rounds // SLOW_SHARE) if workload.slow else rounds
        entries = race(workload, contenders, rounds=count, seconds=seconds)
        races[workload.name] = entries
        rows += report.rows_of(workload, entries)
        for entry in entries:
            if entry.error:
                print(f"{entry.contender.name} failed at {workload.name}:\n{entry.error}\n", file=sys.stderr)
    described = machine.describe(entry.versions for entries in races.values() for entry in entries)
    print(f"{report.table(rows)}\n\n{described}", flush=True)
    report.write_json(options.json, rows, races, described)
    if options.markdown:
        options.markdown.write_text(report.markdown(rows, described))
    failed = any(row.error for row in rows)
    return int(failed or (options.strict and any(row.met is False for row in rows)))


def _contenders(workload: Workload, left: Contender, right: Sequence[Contender]) -> list[Contender]:
    """The left side, the right sides, and code by hand on the left side's backend where there is some."""
    by_hand = [Contender("bare", left.backend)] if (workload.name, left.backend) in BARE else []
    return [left, *right, *by_hand]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("workloads", nargs="*", metavar="WORKLOAD", help="names from --list (default: all)", type=_workload_name)
    add("--left", type=_contender, default="keratin-jax", help="who is measured (default: %(default)s)")
    add(
        "--right", type=_contender, nargs="+", default=[Contender("keras", "jax")], metavar="CONTENDER",
        help="against whom: PACKAGE-BACKEND[:option=value,...] (default: keras-jax)",
    )  # fmt: skip
    add("--rounds", type=_positive, default=9, help="rounds for each contender (default: %(default)s)")
    add("--seconds", type=float, default=0.3, help="length of a round (default: %(default)s)")
    add("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds of {QUICK_SECONDS} s: a smoke test")
    add("--json", type=Path, default=Path(__file__).parent / "results.json", help="(default: benchmarks/results.json)")
    add("--markdown", type=Path, help="also write the table as Markdown to this file")
    add("--strict", action="store_true", help="exit with 1 if a goal is missed")
    add("--list", action="store_true", help="list the workloads and stop")
    return parser


def _contender(text: str) -> Contender:
    try:
        return Contender.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _workload_name(text: str) -> str:
    if text not in WORKLOADS:
        raise argparse.ArgumentTypeError(f"unknown workload {text!r}; there are {', '.join(WORKLOADS)}")
    return text


def _positive(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, received {text}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
