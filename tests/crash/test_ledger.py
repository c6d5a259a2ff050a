"""The ledger finds what is missing, what has come back, and every half of a request."""

from tests.crash.ledger import Ledger

KEY, MAPPING, USER = ("key", "a"), ("mapping", "a"), ("user", "a")


def ledger(**under_way):
    """Return a ledger that knows a key and its mapping; `after` is a change that was never answered."""
    found = Ledger({KEY: (5, 5), MAPPING: ("never",)})
    if under_way:
        found.asked(under_way["after"])
    return found


def test_what_was_answered_has_to_be_there():
    """A missing row and one in another state are told; what nobody has answered is not asked for."""
    there = {KEY: (5, 5), MAPPING: ("never",), USER: ()}
    assert ledger().failures(there) == []
    assert ledger().failures({MAPPING: (3,)}) == [
        "key a was answered as 5 5 and is not there",
        "mapping a was answered as never and is 3",
    ]


def test_what_was_answered_as_deleted_must_not_come_back():
    """A deletion is an answer like any other."""
    kept = ledger()
    kept.answered(kept.asked({KEY: None}))
    assert kept.failures({MAPPING: ("never",)}) == []
    assert kept.failures({MAPPING: ("never",), KEY: (5, 5)}) == ["key a was answered as not there and is 5 5"]


def test_a_name_that_comes_with_the_answer_is_known_from_then_on():
    """Such as a fingerprint."""
    kept = ledger()
    kept.answered(kept.asked({USER: ()}), {("fingerprint", "f"): ("a",)})
    assert kept.answers == 1
    assert kept.failures({KEY: (5, 5), MAPPING: ("never",), USER: ()}) == [
        "fingerprint f was answered as a and is not there"
    ]


def test_a_request_without_an_answer_has_happened_or_not():
    """Both are right, and what was found is known from then on."""
    before, after = {KEY: (5, 5), MAPPING: ("never",)}, {}
    for found, happened in ((before, 0), (after, 1)):
        kept = ledger(after={KEY: None, MAPPING: None})
        assert kept.failures(found) == []
        assert kept.settle(found) == (happened, 1)
        assert (kept.failures(found), kept.under_way) == ([], [])
        assert len(kept.failures(after if found is before else before)) == 2


def test_half_of_a_request_is_found():
    """One of two rows, or a state that was never asked for."""
    kept = ledger(after={KEY: None, MAPPING: None})
    assert kept.failures({KEY: (5, 5)}) == [
        "a request without an answer has happened by half: key a is 5 5, mapping a is not there"
    ]
    kept = ledger(after={KEY: (7, 7)})
    assert kept.failures({KEY: (7, 5), MAPPING: ("never",)}) == [
        "a request without an answer has happened by half: key a is 7 5"
    ]
