"""The code in docs/ runs."""

import pathlib
import re

import pytest

from tests.marks import needs_gradients

DOCS = pathlib.Path(__file__).parent.parent / "docs"
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{i}")
    for page in sorted(DOCS.glob("*.md"))
    for i, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@needs_gradients
@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs(block):
    exec(compile(block, "docs", "exec"), {"__name__": "docs"})
