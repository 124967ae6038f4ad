"""What content.learned knows, learned anew from the example messages: `make learn`.

Written to content/data/learned.txt, with the fingerprint of what it was learned from, so that a
test can say when the two no longer belong together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from content import learned
from content.by_rules import by_rules
from content.flags import LEVELS
from content.learned import NEEDS_EMERGENCY, NEEDS_TODAY, Learned, rarity, row
from content.letters import tokens
from content.library import LEARNED, read
from content.reading import DATA, Layers
from content.understood import EMERGENCY
from tests.answers.examples import Message, examples, fingerprint

SEVERAL = 3
"""In how many messages a word, pair or run of letters stands that is learned."""
URGENT = LEVELS.index("today")


def seen(messages: Iterable[Message]) -> frozenset[str]:
    """Words that several examples hold that are not judged: those are full of slips."""
    words = ({token.text for token in tokens(each.text)} for each in messages if each.level is None)
    often = Counter(word for each in words for word in each)
    return frozenset(word for word, times in often.items() if times >= SEVERAL + 1)


def learn(messages: Sequence[Message]) -> Learned:
    """The weights: a linear support vector machine for topics, logistic regression for danger."""

    words = seen(messages)
    library = read(Layers(), Learned(words=words))
    found = [by_rules(library, each.text, each.hours).features for each in messages]
    often = Counter(feature for features in found for feature in features)
    rare = {
        feature: rarity(times / len(messages))
        for feature, times in often.items()
        if times >= SEVERAL or feature.startswith("@")
    }
    kept = [{it: rare[it] for it in sorted(features) if it in rare} for features in found]
    vectors = DictVectorizer()
    rows = normalize(vectors.fit_transform(kept))
    about = [i for i, each in enumerate(messages) if each.topic]
    topics = LinearSVC(C=1, random_state=0)
    topics.fit(rows[about], [messages[i].topic for i in about])
    outputs = [*topics.classes_]
    weights, bias = [*topics.coef_], [*topics.intercept_]
    effects = {key for key, topic in library.topics.items() if topic.kind == "effect"}
    urgency = [_urgency(each, effects) for each in messages]
    told = [i for i, level in enumerate(urgency) if level is not None]
    for output, least in ((NEEDS_TODAY, URGENT), (NEEDS_EMERGENCY, URGENT + 1)):
        line = LogisticRegression(C=30, max_iter=2000, class_weight="balanced")
        line.fit(rows[told], [(urgency[i] or 0) >= least for i in told])
        outputs.append(output)
        weights.append(line.coef_[0])
        bias.append(line.intercept_[0])
    names = vectors.get_feature_names_out()
    weights = [each * [rare[name] for name in names] for each in weights]
    scales = [abs(each).max() for each in weights]
    return Learned(
        outputs=tuple(outputs),
        scales=tuple(map(float, scales)),
        bias=tuple(map(float, bias)),
        rows={
            name: row(
                rare[name], (each[i] / scale for each, scale in zip(weights, scales, strict=True))
            )
            for i, name in enumerate(names)
        },
        words=words,
        fingerprint=fingerprint(),
    )


def _urgency(message: Message, effects: set[str]) -> int | None:
    if message.level is not None:
        return message.level
    if message.topic == EMERGENCY:
        return URGENT + 1
    return None if message.topic in effects else 0


def main() -> None:
    messages = list(examples())
    made = learn(messages)
    (DATA / LEARNED).write_text(learned.as_text(made), "utf-8")
    print(f"{len(messages)} messages, {len(made.rows)} features")  # noqa: T201  a command line


if __name__ == "__main__":
    main()
