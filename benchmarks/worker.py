"""The process that measures one contender: `python -m benchmarks.worker WORKLOAD CONTENDER SECONDS`.

It prints one JSON line when it is warm, then answers each line on its input with one line:
`round` gives {"value": figure}; end of input ends it.  Any failure gives {"error": traceback} and ends it.
Whatever the measured code prints goes to the standard error, so that it cannot disturb the protocol.
"""

import json
import os
import sys
import traceback
from typing import Any, TextIO

from benchmarks.contenders import Contender, limit_cores
from benchmarks.timing import Round, Timed
from benchmarks.workloads import implementation_of


def main(name: str, contender: Contender, seconds: float) -> int:
    """Serve rounds until the input ends.  Returns the exit status."""
    answers = _private_output()
    limit_cores()
    try:
        measure = prepare(name, contender, seconds)
        contender.check_alone()
        _send(answers, {"versions": contender.versions()})
        for _ in sys.stdin:
            value = measure()
            contender.check_alone()
            _send(answers, {"value": value})
    except Exception:  # reported to the parent, which goes on with the next workload
        _send(answers, {"error": traceback.format_exc()})
        return 1
    return 0


def prepare(name: str, contender: Contender, seconds: float) -> Round:
    """Build the workload and warm it up."""
    outcome = implementation_of(name, contender)(contender)
    if isinstance(outcome, Timed):
        return outcome.calibrated(seconds)
    outcome()
    return outcome


def _private_output() -> TextIO:
    """The original standard output, with descriptor 1 pointed at the standard error for everyone else."""
    private = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return private


def _send(stream: TextIO, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Contender.parse(sys.argv[2]), float(sys.argv[3])))
