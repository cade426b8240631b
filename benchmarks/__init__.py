"""Keratin's benchmarks: each workload against Keras and hand-written code, in turn, in one run.

`python -m benchmarks` runs all of them; README.md in this folder says how they measure and how to add one.
"""
