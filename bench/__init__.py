"""Measurements (`make bench`): ratios from one run, results as JSON in build/bench.json, machine and versions recorded. Never part of the tests."""
