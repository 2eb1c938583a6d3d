# Only what cohort-sync uses of kafka-python 3.0, which ships no types.
from kafka.admin import KafkaAdminClient as KafkaAdminClient
from kafka.structs import OffsetAndMetadata as OffsetAndMetadata, TopicPartition as TopicPartition
