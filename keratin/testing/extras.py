"""SciPy's functions for references, with a word on what to install."""

from __future__ import annotations

from typing import Any

from keratin.errors import BackendError

try:
    import scipy.special as _special
except ModuleNotFoundError as error:
    raise BackendError(
        "The conformance suite needs SciPy for its references.",
        received=str(error),
        hint='pip install "keratin[testing]"',
    ) from error

special: Any = _special
