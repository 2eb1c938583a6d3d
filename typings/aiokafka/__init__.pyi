# Only what cohort-sync uses of aiokafka 0.14, which ships no types.
from aiokafka import client as client
from aiokafka.abc import ConsumerRebalanceListener as ConsumerRebalanceListener
from aiokafka.consumer import AIOKafkaConsumer as AIOKafkaConsumer
from aiokafka.producer import AIOKafkaProducer as AIOKafkaProducer
from aiokafka.structs import (
    ConsumerRecord as ConsumerRecord,
    OffsetAndMetadata as OffsetAndMetadata,
    OffsetAndTimestamp as OffsetAndTimestamp,
    RecordMetadata as RecordMetadata,
    TopicPartition as TopicPartition,
)
