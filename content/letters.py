"""Letters to tokens: a message cut into words and numbers, without accents, case or punctuation."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 4_000
"""Characters looked at: of more, the head and the tail."""


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    end: str = ""
    """What stands after it: "", ",", "." or "?"."""


_TOKEN = re.compile(  # numbers and words; ends of sentences; commas, brackets and dashes; signs
    r"\d+(?:[.,:/]\d+)*|[^\W\d_]+|[.!?;\n…。！？]+|[,()،、–—]|(?<=\s)-+(?=\s)|[/%€£$+]"  # noqa: RUF001
)
_APOSTROPHE = re.compile(r"['’‘`´ʼ′]")  # noqa: RUF001
_DECIMAL_APOSTROPHE = re.compile(r"(?<=\d)\s?['’´](?=\d)")  # noqa: RUF001
_LAUGHING = re.compile("[\U0001f602\U0001f923\U0001f606]+")
_RUN = re.compile(r"(.)\1+")
_SPELT_OUT = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-]){4,}[^\W\d_](?![^\W_])")


def folded(text: str) -> str:
    """Small letters without accents: "Ácido" is "acido"."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def normal(text: str) -> str:
    """Lower case without accents, apostrophes or invisible characters."""
    text = _LAUGHING.sub(" lol ", _DECIMAL_APOSTROPHE.sub(".", text))
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(c for c in decomposed if unicodedata.category(c) not in {"Mn", "Cf", "Cs"})
    kept = _SPELT_OUT.sub(lambda found: re.sub(r"[ .\-]", "", found.group()), kept)
    return _APOSTROPHE.sub("", kept)


def cut(text: str) -> str:
    """`text`, or the head and the tail of one that is too long."""
    if len(text) <= LONGEST:
        return text
    return text[: LONGEST // 2] + "\n" + text[-LONGEST // 2 :]


def tokens(text: str) -> list[Token]:
    """The words and numbers of `text`, each with the punctuation that follows it."""
    found: list[Token] = []
    for piece in _TOKEN.findall(normal(cut(text))):
        if piece[0].isalnum() or piece in "%€£$+":
            found.append(Token(piece))
        elif piece == "/":
            found.append(Token("or"))
        elif found:
            found[-1] = Token(found[-1].text, _stronger(found[-1].end, piece))
    return found


def _stronger(before: str, piece: str) -> str:
    if "?" in piece or before == "?":
        return "?"
    return "," if piece[0] in ",()،、–—-" and before != "." else "."  # noqa: RUF001


def squeeze(word: str) -> str:
    """`word` with every doubled letter once: "swolllen", "swollen" and "swolen" are one."""
    return _RUN.sub(r"\1", word)
