"""The steps of a script, one for each poll; what they do to a flow stands in test_device_code.py."""

import pytest

from app.oauth.scripts import Step, step_for, steps_of

SCRIPT = ("pending", "slow_down*2", "pending*1", "approve testuser1")


def test_repetitions_are_written_out():
    """Each step has one word for one poll."""
    words = ["pending", "slow_down", "slow_down", "pending", "approve"]
    assert [step.action for step in steps_of(SCRIPT)] == words
    assert steps_of([]) == []


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("pending", Step("pending")),
        ("deny", Step("deny")),
        ("expire", Step("expire")),
        ("approve testuser1", Step("approve", "testuser1", None)),
        ("approve testuser1 openid", Step("approve", "testuser1", "openid")),
        ("approve a*b openid profile", Step("approve", "a*b", "openid profile")),
    ],
)
def test_each_word(text, step):
    """An approval names who, and may name what is granted."""
    assert steps_of([text]) == [step]


def test_the_step_of_a_poll():
    """It follows from how many came before; behind the last one there is none."""
    found = [step_for(SCRIPT, polls) for polls in range(6)]
    assert [step and step.action for step in found] == ["pending", "slow_down", "slow_down", "pending", "approve", None]
    assert step_for((), 0) is None
