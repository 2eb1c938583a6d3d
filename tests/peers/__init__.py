"""Scenarios against real peers: Apache Kafka and Egeria servers as released, each a process of ours on loopback."""
