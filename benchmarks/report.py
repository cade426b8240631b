"""From figures to rows, and from rows to a table on the screen, in Markdown and in JSON."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.race import Entry
from benchmarks.registry import Goal, Workload

HEADINGS = ("workload", "contender", "figure", "against", "figure", "ratio", "middle half", "best", "goal", "met")


@dataclass(frozen=True)
class Row:
    """One comparison.  `quicker` ratios are reference over contender, `within` ratios contender over reference.

    `ratio` is the median over neighbouring rounds and decides the goal; `best` compares the best round of each, which
    is nearer to what a quiet machine shows.
    """

    workload: str
    unit: str
    contender: str
    value: float | None
    reference: str | None
    reference_value: float | None
    ratio: float | None
    quartiles: tuple[float, float] | None
    best: float | None
    goal: str
    met: bool | None
    error: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of HEADINGS."""
        spread = "" if self.quartiles is None else "-".join(map(_digits, self.quartiles))
        met = "failed" if self.error else {None: "", True: "yes", False: "NO"}[self.met]
        ratio, best = ("" if number is None else f"{_digits(number)}x" for number in (self.ratio, self.best))
        return (
            self.workload, self.contender, _figure(self.value, self.unit), self.reference or "",
            _figure(self.reference_value, self.unit), ratio, spread, best, self.goal, met,
        )  # fmt: skip


def rows_of(workload: Workload, entries: Sequence[Entry]) -> list[Row]:
    """The first entry against each of the others, and against its goals without a reference."""
    left, references = entries[0], entries[1:]
    backend = left.contender.backend
    rows = [_value_row(workload, left, g) for g in workload.goals if g.kind == "value" and g.backend == backend]
    return rows + [_ratio_row(workload, left, reference) for reference in references]


def table(rows: Sequence[Row]) -> str:
    """The rows in aligned columns."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([text[0], "  ".join("-" * width for width in widths), *text[1:]])


def markdown(rows: Sequence[Row], machine: str) -> str:
    """The rows as a Markdown table with the machine under it."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(row.cells() for row in rows)]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return (
        f"{body}\n\nMedians; the ratio is the median of the ratios of neighbouring rounds, which take turns; "
        f"best compares the best round of each. "
        f"A goal with >= counts how many times quicker, one with <= how many times slower. {machine}\n"
    )


def write_json(path: Path, rows: Sequence[Row], races: dict[str, list[Entry]], machine: str) -> None:
    """Everything that was measured, each round's figure too."""
    content = {
        "machine": machine,
        "rows": [asdict(row) for row in rows],
        "rounds": {
            name: [
                {"contender": entry.contender.name, "values": entry.values, "versions": entry.versions}
                for entry in entries
            ]
            for name, entries in races.items()
        },
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


def _value_row(workload: Workload, left: Entry, goal: Goal) -> Row:
    value = _median(left.values)
    met = None if value is None else goal.is_met(value)
    name = left.contender.name
    return Row(workload.name, workload.unit, name, value, None, None, None, None, None, goal.text, met, left.error)


def _ratio_row(workload: Workload, left: Entry, reference: Entry) -> Row:
    sides = left.contender, reference.contender
    goals = [g for g in workload.goals if g.package == sides[1].package and all(g.backend == s.backend for s in sides)]
    goal = goals[0] if goals else None
    slower = goal.kind == "within" if goal else reference.contender.package == "bare"
    above, below = (left, reference) if slower else (reference, left)
    ratios = [a / b for a, b in zip(above.values, below.values, strict=False) if b > 0]
    ratio = _median(ratios)
    quartiles = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else None
    return Row(
        workload.name, workload.unit, left.contender.name, _median(left.values),
        reference.contender.name, _median(reference.values),
        ratio, None if quartiles is None else (quartiles[0], quartiles[2]),
        min(above.values) / min(below.values) if ratios else None,
        goal.text if goal else "", None if goal is None or ratio is None else goal.is_met(ratio),
        left.error or reference.error,
    )  # fmt: skip


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _figure(value: float | None, unit: str) -> str:
    return "" if value is None else f"{_digits(value)} {unit}"


def _digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
