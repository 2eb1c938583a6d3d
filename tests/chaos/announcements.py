"""What a topic proves about the outbox behind it: order, completeness, and that what came twice is the end of what had been sent (guarantee 2)."""

from collections.abc import Sequence


class Announcements:
    """The records of one sender on one topic, taken apart into what was announced, in order, and how often its end was sent again."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self.announced: list[bytes] = []
        self.repeats = 0
        """How often the sender went back: at most once for each time it was killed."""
        self.repeated = 0
        """How many records were sent again."""
        place: dict[bytes, int] = {}
        following = 0  # the place in `announced` of what has to come next
        for number, value in enumerate(values):
            if following < len(self.announced) and self.announced[following] == value:
                self.repeated += 1
            elif value in place:
                assert place[value] < following, f"record {number} goes forward over {place[value] - following} records that were not sent again"
                self.repeats += 1
                self.repeated += 1
                following = place[value]
            else:
                missing = len(self.announced) - following
                assert missing == 0, f"record {number} is new, but {missing} records of what was being sent again are missing before it"
                place[value] = following
                self.announced.append(value)
            following += 1
        assert following == len(self.announced), f"the topic ends while {len(self.announced) - following} records are still to be sent again"

    def holds(self, rows: Sequence[bytes]) -> bool:
        """Are these, the outbox of a sender that was killed, all announced, in their order and with nothing in between?"""
        if not rows:
            return True
        begin = self.announced.index(rows[0]) if rows[0] in self.announced else -1
        return begin >= 0 and self.announced[begin : begin + len(rows)] == list(rows)
