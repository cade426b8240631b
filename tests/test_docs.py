"""The code in docs/ runs; a block marked `backend=NAME` on that backend."""

import pathlib
import re

import pytest

from keratin.backends import select
from tests.marks import needs_gradients

DOCS = pathlib.Path(__file__).parent.parent / "docs"
BLOCKS = [
    pytest.param(backend, block, id=f"{page.stem}-{i}")
    for page in sorted(DOCS.glob("*.md"))
    for i, (backend, block) in enumerate(
        re.findall(r"```python(?: backend=(\w+))?\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    )
]


@needs_gradients
@pytest.mark.parametrize(("backend", "block"), BLOCKS)
def test_block_runs(backend, block):
    if backend not in ("", select.backend_name()):
        pytest.skip(f"about the backend {backend}")
    exec(compile(block, "docs", "exec"), {"__name__": "docs"})


def test_links_lead_somewhere():
    for page in sorted(DOCS.glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
