"""What a message is most like, of the messages in data/examples: for words that no phrase holds.

A linear classifier over words, pairs of words and runs of letters: complement naive Bayes (Rennie
and others, "Tackling the poor assumptions of naive Bayes text classifiers", ICML 2003). It is made
from the examples when they are read, knows nothing else, and says the same every time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import log
from statistics import fmean, pstdev
from typing import NamedTuple

from content.letters import Token, tokens

SMOOTHING = 0.3
RUNS = (3, 4, 5)
"""Lengths of the runs of letters."""
MOST_WORDS = 60
"""Words looked at; of a longer message the first and the last."""
SHOWN = 3


class Example(NamedTuple):
    """A message, what it is about, and how much it counts."""

    text: str
    topic: str
    weight: float = 1.0


class Likeness:
    """How like the examples of each topic a message is."""

    def __init__(self, examples: Iterable[Example]) -> None:
        """Nothing is worked out before `learn`, or the first question: that takes half a second."""
        self._examples = tuple(examples)
        self._by_feature: dict[str, dict[str, float]] = {}
        self._others: dict[str, float] = {}
        self._pull = lru_cache(maxsize=20_000)(self._pull_of)

    def learn(self) -> None:
        """Make it ready to answer at once."""
        if self._others or not self._examples:
            return
        by_feature: dict[str, dict[str, float]] = defaultdict(dict)
        sums: dict[str, float] = defaultdict(float)
        for example in self._examples:
            for feature in _features(tokens(example.text)):
                known = by_feature[feature]
                known[example.topic] = known.get(example.topic, 0.0) + example.weight
                sums[example.topic] += example.weight
        everything = sum(sums.values())
        room = SMOOTHING * len(by_feature)
        self._by_feature = dict(by_feature)
        self._others = {
            topic: log(everything - mine + room) for topic, mine in sorted(sums.items())
        }

    def scores(self, said: Sequence[Token]) -> Mapping[str, float]:
        """By topic, in standard deviations above the mean of all topics; {} for nothing known."""
        self.learn()
        features = [feature for feature in _features(said) if feature in self._by_feature]
        if not features or len(self._others) < 2:
            return {}
        raw = {topic: others * len(features) for topic, others in self._others.items()}
        for feature in features:
            for topic, pull in self._pull(feature).items():
                raw[topic] += pull
        mean, spread = fmean(raw.values()), pstdev(raw.values())
        return {topic: (score - mean) / (spread or 1.0) for topic, score in raw.items()}

    def words_for(self, said: Sequence[Token], topic: str) -> tuple[str, ...]:
        """The words of the examples that speak most for `topic`: for whoever asks why."""
        self.learn()
        words = {token.text for token in said if token.text in self._by_feature}
        pulls = {word: self._pull(word).get(topic, 0.0) for word in sorted(words)}
        return tuple(sorted(pulls, key=lambda word: -pulls[word])[:SHOWN])

    def _pull_of(self, feature: str) -> Mapping[str, float]:
        """How much less the other topics say it than all do, for each topic that says it."""
        by_topic = self._by_feature[feature]
        everywhere = sum(by_topic.values())
        return {
            topic: log(everywhere + SMOOTHING) - log(everywhere - mine + SMOOTHING)
            for topic, mine in by_topic.items()
        }


def _features(said: Sequence[Token]) -> set[str]:
    words = [token.text for token in said if token.text.isalpha()]  # numbers are read elsewhere
    if len(words) > MOST_WORDS:
        words = words[: MOST_WORDS // 2] + words[-MOST_WORDS // 2 :]
    found = {*words, *(f"{first} {second}" for first, second in pairwise(words))}
    for word in set(words):
        found.update(_runs(word))
    return found


@lru_cache(maxsize=20_000)
def _runs(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(
        padded[start : start + size] for size in RUNS for start in range(len(padded) - size + 1)
    )
