"""What whole messages taught: which topic one is about, and whether it sounds like danger.

A linear classifier over words, pairs of words, runs of letters, and the signs that the rules gave
(content.by_rules): what counts is what was said *and* what the rules made of it. It is learned
once, by `make learn`, from the messages in data/examples and those of the tests, and kept in
data/learned.txt, so that nothing is learned while patients wait and every machine says the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from math import log, sqrt

from content.letters import Token

RUNS = (3, 4, 5)
"""Lengths of the runs of letters."""
MOST_WORDS = 60
"""Words looked at; of a longer message the first and the last."""
NEEDS_TODAY, NEEDS_EMERGENCY = "!today", "!emergency"
"""What is learned besides topics: that a message needs `today` or more, and that it needs
`emergency`."""
STEPS = 46
"""A weight is kept as one of 2 * 46 + 1 signs, finer near 0: 46 * sqrt(share of the largest)."""
TENTH, LEAST = 10, 33
"""How rare a feature is stands before its weights, in tenths, from this sign on."""
_MIDDLE = 79


def features(said: Sequence[Token], signs: Iterable[str]) -> frozenset[str]:
    """Words, pairs of words and runs of letters of a message, and the `signs` (no word is one)."""
    words = [token.text for token in said if token.text.isalpha()]  # numbers are read elsewhere
    if len(words) > MOST_WORDS:
        words = words[: MOST_WORDS // 2] + words[-MOST_WORDS // 2 :]
    found = {*words, *(f"{first} {second}" for first, second in pairwise(words)), *signs}
    for word in set(words):
        padded = f"^{word}$"
        found.update(
            f"~{padded[start : start + size]}"
            for size in RUNS
            for start in range(len(padded) - size + 1)
        )
    return frozenset(found)


@dataclass(frozen=True)
class Judged:
    """What a message sounds like. Scores are distances from the line: above 0 it is more so."""

    topics: Mapping[str, float]
    """By topic, `emergency` and `unknown`, the likeliest first."""
    today: float
    """That it needs `today` or more."""
    emergency: float

    @property
    def main(self) -> str:
        """The likeliest topic."""
        return next(iter(self.topics))


@dataclass(frozen=True)
class Learned:
    """The weights of each feature for each output."""

    outputs: tuple[str, ...] = ()
    scales: tuple[float, ...] = ()
    """The largest weight of each output."""
    bias: tuple[float, ...] = ()
    rows: Mapping[str, str] = field(default_factory=dict)
    """For each feature, how rare it is, and a sign for each output."""
    words: frozenset[str] = frozenset()
    """Words that several examples hold: they are no slips of others ("patting" and "panting")."""
    fingerprint: str = ""
    """Of what it was learned from."""

    @cached_property
    def _value(self) -> dict[str, int]:
        """A sign's share of the largest weight, times STEPS * STEPS: whole, so that a sum of many
        is the same in any order.
        """  # noqa: D205
        return {chr(_MIDDLE + it): it * abs(it) for it in range(-STEPS, STEPS + 1)}

    @cached_property
    def _weights(self) -> Callable[[str], tuple[int, ...]]:
        """How rare a feature is, squared, and its weights; those said often are kept."""
        value = self._value

        def weights(feature: str) -> tuple[int, ...]:
            row = self.rows[feature]
            return ((ord(row[0]) - LEAST) ** 2, *(value[sign] for sign in row[1:]))

        return lru_cache(maxsize=50_000)(weights)

    def knows(self, feature: str) -> bool:
        return feature in self.rows

    def judge(self, found: Collection[str]) -> Judged | None:
        """What a message with these features sounds like; None: nothing in it is known."""
        rows = [self._weights(feature) for feature in found if feature in self.rows]
        if not rows:
            return None
        rare, *sums = map(sum, zip(*rows, strict=True))
        size = sqrt(rare) / TENTH * STEPS * STEPS
        scores = {
            output: total * scale / size + bias
            for output, total, scale, bias in zip(
                self.outputs, sums, self.scales, self.bias, strict=True
            )
        }
        today, emergency = scores.pop(NEEDS_TODAY), scores.pop(NEEDS_EMERGENCY)
        order = sorted(scores, key=lambda topic: (-scores[topic], topic))
        return Judged({topic: scores[topic] for topic in order}, today, emergency)

    @cached_property
    def version(self) -> str:
        """Changes with every weight, and with nothing else."""
        return hashlib.sha256(as_text(replace(self, fingerprint="")).encode()).hexdigest()


def as_text(learned: Learned) -> str:
    """What `from_text` reads: five lines about all, then a line a feature."""
    head = [
        f"fingerprint\t{learned.fingerprint}",
        " ".join(sorted(learned.words)),
        "\t".join(learned.outputs),
        "\t".join(f"{scale:.6g}" for scale in learned.scales),
        "\t".join(f"{bias:.6g}" for bias in learned.bias),
    ]
    return (
        "\n".join([*head, *(f"{key}\t{learned.rows[key]}" for key in sorted(learned.rows))]) + "\n"
    )


def from_text(text: str) -> Learned:
    """What was learned. Raises ValueError for what is no such text."""
    fingerprint, words, outputs, scales, bias, *lines = text.splitlines()
    learned = Learned(
        outputs=tuple(outputs.split("\t")),
        scales=tuple(map(float, scales.split("\t"))),
        bias=tuple(map(float, bias.split("\t"))),
        rows=dict(line.split("\t", 1) for line in lines),
        words=frozenset(words.split()),
        fingerprint=fingerprint.partition("\t")[2],
    )
    size, signs = len(learned.outputs), {chr(_MIDDLE + it) for it in range(-STEPS, STEPS + 1)}
    if not {NEEDS_TODAY, NEEDS_EMERGENCY} < set(learned.outputs):
        raise ValueError("nothing says whether a message is urgent")
    if len(learned.scales) != size or len(learned.bias) != size:
        raise ValueError("an output has no scale or no bias")
    if not lines or any(len(row) != size + 1 for row in learned.rows.values()):
        raise ValueError("a feature has not one sign for each output")
    if not signs.issuperset("".join(row[1:] for row in learned.rows.values())):
        raise ValueError("a sign is none")
    if any(ord(row[0]) <= LEAST for row in learned.rows.values()):
        raise ValueError("a feature is not rare at all")
    return learned


def rarity(share: float) -> float:
    """How rare a feature is that stands in this share of the messages, in whole tenths, at least
    one: what everybody says ("my", "is") says little.
    """  # noqa: D205
    return max(round(-log(share) * TENTH), 1) / TENTH


def row(rare: float, shares: Iterable[float]) -> str:
    """How a feature is written: how rare it is, and its weights, each as a share of the largest of
    its output (-1 to 1).
    """  # noqa: D205
    return chr(LEAST + round(rare * TENTH)) + "".join(map(_sign, shares))


def _sign(share: float) -> str:
    return chr(_MIDDLE + round(STEPS * (sqrt(abs(share)) if share > 0 else -sqrt(abs(share)))))
