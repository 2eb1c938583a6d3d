"""What a data record means: usually nothing. Its schema part tells the shape of its table; it is parsed only when its hash is new (spec mappers 2.4)."""

from cohort_sync.mapping.relational import put_owner, table_object
from cohort_sync.mapping.spi import Changes, Malformed, Meaning, Noop, Put, Remember, Step, Verb, View
from mappers.debezium.decoding import DIGEST_SIZE
from mappers.debezium.events import RowSeen
from mappers.debezium.positions import mark_of, place, read_clock, write_clock
from mappers.debezium.shapes import BadShape, table_of_schema

_SAME = Noop("the shape of the table is known")


def interpret_row(event: RowSeen, view: View) -> Meaning:
    """A new shape is the new state of the table. Each table has its own clock: its rows come in the order of the log, those of two tables need not."""
    memo = view.memo(event.memo_key)
    if memo[:DIGEST_SIZE] == event.digest:
        return _SAME
    try:
        table = table_of_schema(event.ref.name, event.schema, event.key)
    except BadShape as bad:
        return Malformed(str(bad), "$.schema" + bad.where)
    position, clock = place(read_clock(memo[DIGEST_SIZE:]), mark_of(event.source), event.time)
    where = event.ref.place
    verbs: tuple[Verb, ...] = (*put_owner(where), Put(table_object(where, table)), Remember(event.memo_key, event.digest + write_clock(clock)))
    step = Step(verbs=verbs, guards=(event.ref.key,), after=(where.database_key,))
    return Changes(position=position, steps=(step,), time=event.time)
