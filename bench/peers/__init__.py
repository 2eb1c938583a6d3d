"""Measurements beside real servers: Apache Kafka and Egeria as released, each in a process of its own, one after the other in one run."""
