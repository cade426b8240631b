"""Write keratin/testing/layers/answers.json: what each layer of the table gives in float64, by the NumPy backend."""

from __future__ import annotations

import json
import os

os.environ["KERATIN_BACKEND"] = "numpy"

from keratin.testing.check import unique
from keratin.testing.layers.answers import FILE, answer
from keratin.testing.layers.rows import ROWS


def main() -> None:
    """Write the file, one line per row."""
    lines: list[str] = []
    for name, row in zip(unique([row.name for row in ROWS]), ROWS, strict=True):
        parts = [[float(f"{x:.10g}") for x in part] for part in answer(row, "float64")]
        lines.append(f"{json.dumps(name)}: {json.dumps(parts)}")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
