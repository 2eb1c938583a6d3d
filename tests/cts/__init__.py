"""Egeria's own exam: its conformance suite, as released, examining our worker in a cohort of Apache Kafka. `python -m cts --help` (PYTHONPATH=tests)."""
