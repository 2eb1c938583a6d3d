from collections.abc import Callable

from aiokafka.protocol.metadata import MetadataRequest as _MetadataRequest

MetadataRequest: Callable[..., _MetadataRequest]

class AIOKafkaClient:
    async def close(self) -> None: ...
