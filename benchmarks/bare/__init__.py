"""The workloads written by hand on an engine, with no package in between: what there is to reach.

`registry.BARE` names them; only the worker of a bare contender imports these modules, as they import an engine.
"""
