"""The wait for the broker: growing pauses, patience, and an end when it is told to stop or when waiting cannot help."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cohort_sync.omrs.errors import FatalFault, TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.broker_wait import Backoff, wait_for_broker
from cohort_sync.stream.kafka_client import ClusterAnswer, ask_cluster

QUICK = Backoff(first=0.001, cap=0.004)
ANSWER = ClusterAnswer("cluster-1", ("localhost:9092",))


def test_a_port_that_says_nothing_may_be_no_broker() -> None:
    async def story() -> None:
        silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        with pytest.raises(TransientFault, match=r"no answer in time \(is there a Kafka broker at this address, and does kafka.security_protocol fit"):
            await ask_cluster(KafkaSettings(bootstrap_servers=(f"127.0.0.1:{port}",)), patience=0.2)
        silent.close()

    asyncio.run(story())


def answering_after(failures: int) -> Callable[[KafkaSettings], Awaitable[ClusterAnswer]]:
    left = [failures]

    async def ask(_settings: KafkaSettings) -> ClusterAnswer:
        if left[0] > 0:
            left[0] -= 1
            raise TransientFault("connecting to the Kafka broker localhost:9092 failed: refused")
        return ANSWER

    return ask


@given(st.integers(), st.floats(0.001, 5), st.floats(5, 60), st.floats(0, 0.5))
def test_pauses_grow_to_the_cap_and_never_past_it(seed: int, first: float, cap: float, jitter: float) -> None:
    pauses = list(islice(Backoff(first=first, cap=cap, jitter=jitter).pauses(random.Random(seed)), 40))
    assert all(0 < pause <= cap * (1 + jitter) for pause in pauses)
    assert pauses[0] == pytest.approx(first, rel=jitter + 1e-6)
    assert pauses[-1] == pytest.approx(cap, rel=jitter + 1e-6)


def test_each_attempt_is_told_until_the_broker_answers() -> None:
    with capture_logs() as logs:
        answer = asyncio.run(wait_for_broker(KafkaSettings(), stop=asyncio.Event(), backoff=QUICK, ask=answering_after(3)))
    assert answer == ANSWER
    waiting = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [entry["attempt"] for entry in waiting] == [1, 2, 3]
    assert all("does not answer yet; trying again in" in entry["event"] and "refused" in entry["reason"] for entry in waiting)
    assert logs[-1]["event"] == "The Kafka broker answers"
    assert logs[-1]["attempt"] == 4


def test_stop_ends_a_pause_at_once() -> None:
    async def scenario() -> tuple[ClusterAnswer | None, float]:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, stop.set)
        began = time.monotonic()
        answer = await wait_for_broker(KafkaSettings(), stop=stop, backoff=Backoff(first=30, cap=30), ask=answering_after(99))
        return answer, time.monotonic() - began

    answer, took = asyncio.run(scenario())
    assert answer is None
    assert took < 5


def test_stop_ends_an_attempt_that_hangs() -> None:
    async def hang(_settings: KafkaSettings) -> ClusterAnswer:
        await asyncio.sleep(60)
        return ANSWER

    async def scenario() -> ClusterAnswer | None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, stop.set)
        return await asyncio.wait_for(wait_for_broker(KafkaSettings(), stop=stop, ask=hang), 5)

    assert asyncio.run(scenario()) is None


def test_it_gives_up_only_when_told() -> None:
    async def scenario() -> None:
        await wait_for_broker(KafkaSettings(), stop=asyncio.Event(), backoff=QUICK, give_up_after=0.02, ask=answering_after(10**9))

    with pytest.raises(TransientFault, match=r"no Kafka broker answered at localhost:9092 within .* the last reason: .*refused"):
        asyncio.run(scenario())


def test_what_waiting_cannot_mend_is_raised_at_once() -> None:
    attempts = []

    async def refuse(_settings: KafkaSettings) -> ClusterAnswer:
        attempts.append(1)
        raise FatalFault("the broker did not accept the credentials")

    with pytest.raises(FatalFault, match="credentials"):
        asyncio.run(wait_for_broker(KafkaSettings(), stop=asyncio.Event(), backoff=QUICK, ask=refuse))
    assert len(attempts) == 1
