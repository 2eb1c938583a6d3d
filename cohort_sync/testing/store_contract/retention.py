"""`prune`: what is older than its time goes."""

from cohort_sync.testing.store_contract.driving import Driver
from cohort_sync.testing.store_contract.samples import dead_letter, entity, guard


class RetentionContract:
    """`prune`: what is older than its time, a chunk at a time, and nothing else."""

    def test_history_goes_by_the_time_at_which_a_version_was_replaced(self, driver: Driver) -> None:
        for version in range(1, 6):
            driver.put(entity("a", version))
        assert driver.prune(history=300) == 1
        assert [row.valid_to for row in driver.read(lambda r: r.history("a"))] == [500, 400, 300]
        assert driver.prune(history=301) == 1
        assert driver.prune(history=301) == 0
        assert driver.read(lambda r: r.instances(["a"]))["a"].version == 5

    def test_only_closed_dead_letters_go(self, driver: Driver) -> None:
        driver.write(dead_letters=[dead_letter(n, created=10 * n) for n in range(1, 6)], dead_letter_states={})
        driver.write(dead_letter_states={1: "replayed", 3: "discarded", 5: "discarded"})
        assert driver.prune(dead_letters=50) == 2
        assert [row.id for row in driver.read(lambda r: r.dead_letters(None))] == [2, 4, 5]

    def test_guards_go_by_when_they_were_written_last(self, driver: Driver) -> None:
        driver.now = 100
        driver.write(guards={("s", name): guard("s", name) for name in ("a", "b")})
        driver.now = 200
        driver.write(guards={("s", name): guard("s", name, 1) for name in ("b", "c")})
        assert driver.prune(guards=100) == 0
        assert driver.prune(guards=200) == 1
        assert set(driver.read(lambda r: r.guards("s", ["a", "b", "c"]))) == {"b", "c"}

    def test_no_more_than_a_chunk_of_each_table_at_once(self, driver: Driver) -> None:
        for version in range(1, 9):
            driver.put(entity("a", version))
        driver.write(
            dead_letters=[dead_letter(n, state="discarded") for n in range(5)],
            guards={("s", str(n)): guard("s", str(n)) for n in range(4)},
        )
        gone = [driver.prune(10**6, 10**6, 10**6, chunk=3) for _ in range(4)]
        assert gone == [9, 6, 1, 0]
        assert driver.read(lambda r: (r.history("a"), r.dead_letters(None), r.guards("s", ["0", "1", "2", "3"]))) == ([], [], {})

    def test_the_oldest_history_goes_first(self, driver: Driver) -> None:
        for version in range(1, 5):
            driver.put(entity("b", version), entity("a", version))
        assert driver.prune(history=10**6, chunk=4) == 4
        assert driver.read(lambda r: [[row.version for row in r.history(guid)] for guid in ("a", "b")]) == [[3], [3]]
