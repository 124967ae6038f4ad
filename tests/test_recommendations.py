"""Which recommendations staff are asked about: those that name what a rule still forbids."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import content.library
from content.facts import Session
from content.recommendations import forbidden_until
from tests.counter import OWNER, PATIENT, Counter, counter, empty

__all__ = ["counter", "empty"]

ENDED = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
SHALLOW = Session(ended_at=ENDED, depth_mm=1.0)
DEEP = Session(ended_at=ENDED, depth_mm=1.5)


def hours(recommendation: str, session: Session = SHALLOW) -> float:
    return forbidden_until(content.library.load(), recommendation, session)


@pytest.mark.parametrize(
    "use",
    ["retinol 0.3%", "Retin-A", "RETINOID cream", "tretinoin at night", "Differin", "adapalene",
     "glycolic toner", "salicylic acid wash", "AHA/BHA serum", "AHAs", "azelaic acid 15%",
     "Benzoyl-peroxide", "a light peel", "peels", "face scrub", "exfoliating wash",
     "vitamin C serum", "Vit. C", "vitC", "vit-c", "L-ascorbic acid", "C E Ferulic",
     "ácido glicólico", "hyaluronic acid and glycolic acid"],
)  # fmt: skip
def test_actives_and_vitamin_c_wait_a_week(use: str) -> None:
    assert hours(use) == 168
    assert hours(use, DEEP) == 336


@pytest.mark.parametrize(
    "use",
    ["make-up from tomorrow", "makeup", "Make  up", "mineral foundation", "concealer", "tinted SPF",
     "BB-cream", "mascara", "lipstick", "maquillaje", "make-up remover, then make-up"],
)  # fmt: skip
def test_make_up_waits_three_days(use: str) -> None:
    assert hours(use) == 72


@pytest.mark.parametrize(
    "use",
    ["hyaluronic serum, SPF 50", "hyaluronic acid", "Ácido hialurónico", "gentle cleanser",
     "plain cream", "CICAPLAST B5", "SPF 30 mineral sunscreen", "thermal water", "ceramide cream",
     "amino acid cream", "no make-up", "fragrance-free cleanser", "no makeup before Friday",
     "makeup remover", "aloe vera", "cream until peeling stops", "aphasia", "ahaha", "",
     "placid balm", "repeel", "vitamin B5"],
)  # fmt: skip
def test_what_no_rule_forbids_is_not_asked_about(use: str) -> None:
    assert hours(use) == 0


def test_the_longest_of_several_counts() -> None:
    assert hours("make-up, then retinol") == 168


def test_it_is_shown_to_the_patient_from_then_and_not_before(counter: Counter) -> None:
    counter.say(OWNER, "/newsession Ana, today 13:30, 1.0 mm, use: retinol 0.3%")
    code = counter.press(OWNER, "After 7 days (as in the plan)")
    assert "retinol 0.3%" in code
    saved = counter.press(OWNER, "Save session")
    link = next(word for word in saved.split() if word.startswith("https://"))
    counter.say(PATIENT, f"/start {link.partition('=')[2]}")
    assert "retinol 0.3%" not in counter.press(PATIENT, "I agree")
    counter.now = datetime(2026, 11, 30, 13, 29, tzinfo=UTC)
    assert "retinol 0.3%" not in counter.say(PATIENT, "/plan")
    counter.now = datetime(2026, 11, 30, 13, 30, tzinfo=UTC)
    assert "retinol 0.3%" in counter.say(PATIENT, "/plan")


def test_what_is_allowed_at_once_is_shown_at_once(counter: Counter) -> None:
    counter.enrol(PATIENT, "Ana, today 13:30, 1.0 mm, use: plain cream")
    assert "plain cream" in counter.say(PATIENT, "/plan")
