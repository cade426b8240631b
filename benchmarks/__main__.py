"""Run the benchmarks: `python -m benchmarks [SUITE | WORKLOAD ...]`; `--help` lists the options."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import machine, report
from benchmarks.contenders import Contender
from benchmarks.race import Entry, race
from benchmarks.registry import SUITES, Suite, Workload, by_hand
from benchmarks.workloads import WORKLOADS

QUICK_ROUNDS, QUICK_SECONDS = 3, 0.1
SLOW_SHARE = 3  # a workload whose rounds take seconds runs this many times fewer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was chosen and print one table.  Returns 1 if something failed (or, if strict, missed a goal)."""
    options = _parser().parse_args(arguments)
    if options.list:
        print("\n".join(f"{name:20} suite: {suite.left.name}" for name, suite in SUITES.items()))
        print("\n".join(f"{w.name:20} {w.title}" for w in WORKLOADS.values()))
        return 0
    seconds = QUICK_SECONDS if options.quick else options.seconds
    chosen = [WORKLOADS[name] for name in options.names if name in WORKLOADS] or list(WORKLOADS.values())
    rows: list[report.Row] = []
    races: dict[str, list[Entry]] = {}
    for suite in _suites(options):
        for workload in chosen:
            print(f"{workload.name}, {suite.left.name}: {workload.title}", file=sys.stderr, flush=True)
            contenders = [suite.left, *suite.right]
            contenders += [c for c in by_hand(workload.name, suite.left.backend) if c not in contenders]
            rounds = -(-suite.rounds // SLOW_SHARE) if workload.slow else suite.rounds
            entries = race(workload, contenders, rounds=rounds, seconds=seconds)
            races[f"{workload.name}, {suite.left.name}"] = entries
            rows += report.rows_of(workload, entries)
            _tell_failures(workload, entries)
    described = machine.describe(entry.versions for entries in races.values() for entry in entries)
    print(f"{report.table(rows)}\n\n{described}", flush=True)
    report.write_json(options.json, rows, races, described)
    if options.markdown:
        options.markdown.write_text(report.markdown(rows, described))
    failed = any(row.error for row in rows)
    return int(failed or (options.strict and any(row.met is False for row in rows)))


def _suites(options: argparse.Namespace) -> list[Suite]:
    """The named suites, or the one on the left contender's backend, with what other options change in them."""
    named = [name for name in options.names if name in SUITES] or [options.left.backend if options.left else "jax"]
    suites: list[Suite] = []
    for name in named:
        suite = SUITES.get(name, SUITES["jax"])
        suites.append(
            replace(
                suite,
                left=options.left or suite.left,
                right=tuple(options.right or suite.right),
                rounds=QUICK_ROUNDS if options.quick else options.rounds or suite.rounds,
            )
        )
    return suites


def _tell_failures(workload: Workload, entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.error:
            print(f"{entry.contender.name} failed at {workload.name}:\n{entry.error}\n", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("names", nargs="*", metavar="SUITE | WORKLOAD", help="from --list (default: jax, all workloads)", type=_name)
    add("--left", type=_contender, help="who is measured (default: the suite's, such as keratin-jax)")
    add(
        "--right", type=_contender, nargs="+", metavar="CONTENDER",
        help="against whom: PACKAGE-BACKEND[:option=value,...] (default: the suite's, such as keras-jax)",
    )  # fmt: skip
    add("--rounds", type=_positive, help="rounds for each contender (default: the suite's, 7 or 9)")
    add("--seconds", type=float, default=0.3, help="length of a round (default: %(default)s)")
    add("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds of {QUICK_SECONDS} s: a smoke test")
    add("--json", type=Path, default=Path(__file__).parent / "results.json", help="(default: benchmarks/results.json)")
    add("--markdown", type=Path, help="also write the table as Markdown to this file")
    add("--strict", action="store_true", help="exit with 1 if a goal is missed")
    add("--list", action="store_true", help="list the suites and workloads and stop")
    return parser


def _contender(text: str) -> Contender:
    try:
        return Contender.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _name(text: str) -> str:
    if text not in WORKLOADS and text not in SUITES:
        raise argparse.ArgumentTypeError(f"unknown name {text!r}; there are {', '.join([*SUITES, *WORKLOADS])}")
    return text


def _positive(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, received {text}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
