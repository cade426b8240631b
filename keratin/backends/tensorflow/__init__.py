"""TensorFlow as a backend.

Importing TensorFlow prints how it was built to the terminal, before any log level applies. Here that is left out; all
else that is printed meanwhile comes through.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager

_NOISE = re.compile(rb"WARNING: All log messages before absl|I0000 .*(port|cudart_stub|cpu_feature_guard)\.cc")


@contextmanager
def _quiet() -> Generator[None]:
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # no such file: nothing to keep quiet
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            for line in file:
                if not _NOISE.match(line):
                    os.write(2, line)


if "tensorflow" not in sys.modules:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    with _quiet():
        import tensorflow as tensorflow
