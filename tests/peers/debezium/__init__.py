"""Real sources of change events: MariaDB and PostgreSQL under Debezium's connectors on Kafka Connect, each a process of ours on loopback."""
