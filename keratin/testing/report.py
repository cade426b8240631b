"""Results of a run: as text, as JSON, and as a table of several backends.

Errors are relative, as `keratin.testing.check` defines them; one unit in the last place of float32 is 6e-8 to 1.2e-7.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

GRADIENTS = ("gradient", "ties")
"""Kinds of checks whose errors are those of gradients."""
VALUES = (
    *("value", "edges", "compiled", "vmapped", "unknown_batch", "native"),
    *("weighted", "stateless", "reset", "trajectory", "sweep"),
)
"""Kinds of checks whose errors are those of values. The other kinds hold or fail."""


@dataclasses.dataclass(frozen=True)
class Result:
    """How one check ended.

    Args:
        name, family, subject, kind: those of the check.
        outcome: "passed", "failed", "expected" (it fails as expected), "surprise" (it was expected to fail and does
            not), or "skipped".
        error: the largest relative error, where it passed.
        message: why it failed or was skipped, or the reason why it was expected to fail.
    """

    name: str
    family: str
    subject: str
    kind: str
    outcome: str
    error: float = 0.0
    message: str = ""


@dataclasses.dataclass(frozen=True)
class Run:
    """All results on one backend."""

    backend: str
    versions: str
    results: list[Result]

    @property
    def bad(self) -> list[Result]:
        """What should not be: failures, and checks that hold against the expectation."""
        return [r for r in self.results if r.outcome in ("failed", "surprise")]

    def write(self, path: str | Path) -> None:
        """Write the results as JSON."""
        Path(path).write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: str | Path) -> Run:
        """The results of a JSON file."""
        data: Any = json.loads(Path(path).read_text())
        return cls(data["backend"], data["versions"], [Result(**result) for result in data["results"]])


def rows(results: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    """Results by family and subject, in order."""
    found: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        found.setdefault((result.family, result.subject), []).append(result)
    return found


def cell(results: Sequence[Result]) -> str:
    """What a table says of one subject on one backend: the largest errors of values and of gradients.

    >>> cell([Result("ops/add/value", "ops", "add", "value", "passed", 2e-8)])
    '2.0e-08'
    """
    if all(r.outcome == "skipped" for r in results):
        return "–"
    failed = [r for r in results if r.outcome in ("failed", "surprise")]
    if failed:
        return "**fails**: " + ", ".join(sorted({r.kind for r in failed}))
    passed = [r for r in results if r.outcome == "passed"]
    values = [r.error for r in passed if r.kind in VALUES]
    gradients = [r.error for r in passed if r.kind in GRADIENTS and r.family != "layers"]
    text = _shown(max(values)) if values else "holds"
    if gradients:
        text += f" · {_shown(max(gradients))}"
    expected = sorted({r.kind for r in results if r.outcome == "expected"})
    return f"{text} (except {', '.join(expected)})" if expected else text


def _shown(error: float) -> str:
    return "0" if error == 0 else f"{error:.1e}"


def table(runs: Sequence[Run]) -> str:
    """A page in Markdown: one table per family, one row per subject, one column per backend."""
    lines = [
        "# Conformance",
        "",
        "The largest relative error of each op, layer, loss, metric and optimizer on each backend, in its values and,",
        "after the dot, in its gradients, as the suite `keratin.testing` measures them against references in float64",
        "(layers: the NumPy backend in float64; optimizers run in float64 where there is one). One unit in the last",
        "place of float32 is 6e-8 to 1.2e-7. Sizes below a floor count as the floor: see `keratin/testing/check.py`. A",
        'dash: not run there; "holds": there is nothing to measure. How to run the suite: [testing.md](testing.md).',
        "",
        "This page is written by `python tools/conformance_table.py`.",
        "",
        *(f"- {run.backend}: {run.versions}; {_counts(run)}" for run in runs),
    ]
    found = [rows(run.results) for run in runs]
    keys = list(dict.fromkeys(key for one in found for key in one))
    for family in dict.fromkeys(family for family, _ in keys):
        lines += ["", f"## {family.capitalize()}", ""]
        lines += ["| | " + " | ".join(run.backend for run in runs) + " |", "|---" * (len(runs) + 1) + "|"]
        for key in keys:
            if key[0] == family:
                cells = [cell(one[key]) if key in one else "–" for one in found]
                lines.append(f"| `{key[1]}` | " + " | ".join(cells) + " |")
    expected = [(run, r) for run in runs for r in run.results if r.outcome == "expected"]
    if expected:
        lines += ["", "## Expected failures", ""]
        lines += [f"- {run.backend}, `{r.name}`: {r.message}" for run, r in expected]
    return "\n".join(lines) + "\n"


def _counts(run: Run) -> str:
    count = {
        outcome: sum(r.outcome == outcome for r in run.results)
        for outcome in ("passed", "expected", "failed", "surprise")
    }
    text = f"{count['passed']} checks pass"
    if count["expected"]:
        text += f", {count['expected']} fail as expected"
    wrong = count["failed"] + count["surprise"]
    return f"{text}, {wrong} are wrong" if wrong else text
