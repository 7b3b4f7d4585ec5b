"""What a revision does by itself does not count as a difference to another one."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from probes.comparison.noise import Round, compare, is_decided

Answer = Callable[[random.Random, float], Any]  # what is answered, at a moment in seconds
ROUNDS = 6


def rounds(serving: Answer, candidate: Answer, seed: int, count: int = ROUNDS) -> list[Round]:
    """Rounds as they are asked: in an order by chance, a tenth of a second after each other."""
    chance, found, now = random.Random(seed), list[Round](), 1_000.0  # noqa: S311 - a simulation
    for _ in range(count):
        order = [("primary", serving), ("secondary", serving), ("candidate", candidate)]
        chance.shuffle(order)
        answers = {}
        for role, answer in order:
            now += chance.uniform(0.05, 0.15)
            answers[role] = answer(chance, now)
        found.append(Round(**answers))
    return found


def body(**fields: object) -> dict[str, Any]:
    return {"status": 200, "headers": {}, "body": fields}


NOISES: dict[str, Answer] = {
    "nothing": lambda _chance, _now: body(a=1),
    "an id": lambda chance, _now: body(id=chance.random()),
    "whole seconds": lambda _chance, now: body(at=int(now)),
    "half seconds": lambda _chance, now: body(at=int(2 * now)),
    "a coin": lambda chance, _now: body(coin=chance.random() < 0.5),
    "a field now and then": lambda chance, _now: body(**({"more": 1} if chance.random() < 0.3 else {})),
    "a list of any length": lambda chance, _now: body(items=[0] * chance.randrange(4)),
    "a type by chance": lambda chance, _now: body(value=chance.choice([None, "x"])),
}


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_equal_revisions_do_not_differ(noise: Answer) -> None:
    """The rate of false differences is held: at most one in a thousand comparisons, for every kind of noise."""
    wrong = sum(bool(compare("q", rounds(noise, noise, seed)).found) for seed in range(2_000))
    assert wrong <= 2


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_a_difference_beside_noise_is_found(noise: Answer) -> None:
    def another(chance: random.Random, now: float) -> dict[str, Any]:
        answer: dict[str, Any] = noise(chance, now)
        return answer | {"body": answer["body"] | {"new": 1}}

    assert [one.name for one in compare("q", rounds(noise, another, 7)).found] == ["body.new added"]


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_asking_on_changes_no_finding(noise: Answer) -> None:
    """A comparison that stops where nothing more can be found finds what all rounds find."""

    def another(chance: random.Random, now: float) -> dict[str, Any]:
        answer: dict[str, Any] = noise(chance, now)
        return answer | {"body": answer["body"] | ({"new": 1} if chance.random() < 0.9 else {})}

    for seed in range(300):
        asked = rounds(noise, another, seed)
        stop = next((n for n in range(ROUNDS) if is_decided(asked[:n])), ROUNDS)
        assert bool(compare("q", asked[:stop]).found) == bool(compare("q", asked).found)


def test_equal_revisions_are_asked_one_round() -> None:
    asked = rounds(NOISES["an id"], NOISES["an id"], 1)
    assert [is_decided(asked[:n]) for n in (0, 1)] == [False, True]


def test_a_value_that_always_differs_may_change_its_type_or_vanish_but_not_unseen() -> None:
    text = rounds(NOISES["an id"], lambda chance, _now: body(id=str(chance.random())), 1)
    gone = rounds(NOISES["an id"], lambda _chance, _now: body(), 1)
    assert [one.name for one in compare("q", text).found] == ["body.id type"]
    assert [one.name for one in compare("q", gone).found] == ["body.id missing"]


def test_the_value_of_a_volatile_field_says_nothing_and_its_absence_does() -> None:
    changed = rounds(lambda *_: body(Trace_Id="a"), lambda *_: body(Trace_Id="b"), 1)
    gone = rounds(lambda *_: body(Trace_Id="a"), lambda *_: body(), 1)
    assert not compare("q", changed, {"trace_id"}).found
    assert [one.name for one in compare("q", gone, {"trace_id"}).found] == ["body.Trace_Id missing"]


def test_a_serving_revision_that_answers_itself_in_two_ways_is_no_measure() -> None:
    def flapping(chance: random.Random, _now: float) -> object:
        return {"status": chance.choice([200, 500])}

    assert "answered itself differently" in compare("q", rounds(flapping, flapping, 3)).unsteady
    assert not compare("q", rounds(NOISES["a coin"], NOISES["a coin"], 3)).unsteady


def test_no_rounds_are_no_equality() -> None:
    assert compare("q", []).unsteady == "it was never asked"


def test_too_few_rounds_prove_nothing() -> None:
    few = rounds(lambda *_: body(a=1), lambda *_: body(a=2), 1, count=3)
    assert not compare("q", few).found
