"""Our own member among the peers: the worker as an operator runs it, its commands, and a look into its store."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import InstanceRow, Kind
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.store.stored import entity_of, proxy_of, relationship_of

from .egeria import TOPIC_URL_ROOT
from .omrs_json import JsonObject
from .processes import ManagedProcess, PeerProcessError, free_port

COMMAND = Path(sys.executable).with_name("cohort-sync")


class OurMember:
    """One worker in a process of its own; store and configuration lie in its directory and outlive its runs."""

    def __init__(
        self,
        directory: Path,
        *,
        name: str,
        collection_id: str,
        cohort: str,
        kafka: str,
        sources: Sequence[tuple[str, str, Sequence[str]]] = (),
        release: str = "4.2",
        learn: str = "all",
        archives: Sequence[Path] = (),
        only: Sequence[str] = (),
        reachable: bool = False,
        more: str = "",
    ) -> None:
        """`sources`: (name, mapper, topics) of each; `learn`: which types the cohort may teach; `only`: the types of the release that it knows, if not all;
        `reachable`: whether its registration says where others can call it; `more`: further TOML, put before the sources."""
        self.name = name
        self.collection_id = collection_id
        self.config = directory / "cohort-sync.toml"
        self.store = directory / "store.db"
        self.url = f"http://127.0.0.1:{free_port()}"
        directory.mkdir(parents=True, exist_ok=True)
        parts = [
            _table("member", name=name, metadata_collection_id=collection_id),
            _table("cohort", name=cohort, topic_root=TOPIC_URL_ROOT),
            _table("kafka", bootstrap_servers=[kafka]),
            _table("store", path=str(self.store)),
            _table("types", release=release, learn=learn, archives=[str(path) for path in archives], only=list(only)),
            _table("http", port=int(self.url.rpartition(":")[2])),
            _table("registration", connection="plain", address=f"{self.url}/servers/{name}") if reachable else "",
            more,
            *(_table("[sources]", name=name, mapper=mapper, topics=list(topics)) for name, mapper, topics in sources),
        ]
        self.config.write_text("\n".join(parts), encoding="utf-8")
        self.process = ManagedProcess(name, [str(COMMAND), "worker", "--config", str(self.config)], directory)

    def start(self, *, timeout: float = 30.0) -> None:
        """Starts the worker; returns when it says that it is ready."""
        self.process.start()
        self.process.wait_until(self._ready, timeout=timeout, what=f"{self.url}/readyz says so")

    def stop(self) -> None:
        """SIGTERM; the worker drains within 20 s or is killed after 25."""
        self.process.stop(grace=25.0)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def command(self, *words: str) -> Any:
        """What `cohort-sync <words> --config FILE --json` prints; PeerProcessError with its complaint when it fails."""
        line = [str(COMMAND), *words, "--config", str(self.config), "--json"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise PeerProcessError(f"{' '.join(line)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def instance(self, guid: str) -> JsonObject | None:
        """What our store has under this GUID, soft-deleted or not: entity, proxy or relationship; None for nothing."""
        found = self._read(lambda reader: [_json(reader, row) for row in reader.instances([guid]).values()])
        return found[0] if found else None

    def homed(self, collection_id: str | None = None) -> dict[str, JsonObject]:
        """By GUID, every entity and relationship of this home (ours, when none is given); soft-deleted ones left out."""
        home = collection_id or self.collection_id

        def look(reader: Reader) -> dict[str, JsonObject]:
            live = (row for row in reader.scan(home) if row.status != "DELETED" and row.kind != Kind.PROXY)
            return {row.guid: _json(reader, row) for row in live}

        return self._read(look)

    def learned_types(self) -> dict[str, int]:
        """The types that our store has from the cohort, attribute types too: version by name."""
        return self._read(lambda reader: {row.name: row.version for row in reader.types()})

    def _ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=2.0).status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def _read(self, query: Callable[[Reader], Any]) -> Any:
        async def look() -> Any:
            store = SqliteStore(str(self.store), read_only=True)
            await store.open()
            try:
                return await store.read(query)
            finally:
                await store.close()

        return asyncio.run(look())


def _json(reader: Reader, row: InstanceRow) -> JsonObject:
    if row.kind == Kind.RELATIONSHIP:
        return json.loads(msgspec.json.encode(relationship_of(row)))
    classifications = reader.classifications([row.guid]).get(row.guid, [])
    bean = entity_of(row, classifications) if row.kind == Kind.ENTITY else proxy_of(row, classifications)
    return json.loads(msgspec.json.encode(bean))


def _table(header: str, /, **values: str | int | list[str]) -> str:
    # A JSON text, number or list of texts is a TOML one as well.
    return "\n".join([f"[{header}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""])
