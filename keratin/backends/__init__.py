"""One file per engine, each an implementation of the primitives and transforms of `spec`.

`spec` says what a backend supplies, `symbolic` runs it on shapes alone, `primitives` is what the bodies of ops call,
and `select` knows which engine is in use. Nothing outside this folder names an engine.
"""
