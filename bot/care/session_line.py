"""What a receptionist wrote after /newsession, read into one session or asked about.

    text -> recommendation taken out -> pieces between commas -> (field, phrase) -> values checked

Everything is read at once: what was understood, what to ask with buttons, what was not understood.
A button's answer, and every value understood, is a canonical phrase (`Line.fields`): the line is
read again with the answers, and from the fields alone the same session comes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar, cast
from zoneinfo import ZoneInfo

from rapidfuzz.distance import OSA

from bot.care.dates import Prefer, Reading, read_date
from content.facts import Area, Device

Field = Literal["name", "ended", "area", "device", "depth", "number", "next", "use"]
ChoiceKey = Literal[
    "slashed_date",  # day and month, or month and day
    "which_weekday",  # this week's or next week's
    "morning_or_afternoon",  # 2:30
    "after_midnight",  # "today 23:50" written at 00:20: perhaps the evening before
    "deep",  # above 3 mm
    "is_it_next",  # a date far ahead without "next" before it
]
ProblemKey = Literal[
    "no_name",
    "name_too_long",
    "no_commas",  # one piece that holds a time: the commas are missing
    "no_time",
    "ended_too_far_ahead",
    "ended_long_ago",
    "next_no_time",
    "next_before_end",
    "next_in_past",
    "next_too_far_ahead",
    "number_over_of",
    "number_zero",
    "number_alone",  # "session 2": of how many?
    "count_or_date",  # "2/4 14:30"
    "depth_impossible",
    "depth_no_unit",  # "1,5"
    "one_area",  # one area a session
    "use_no_colon",
    "use_too_long",
    "twice",
    "not_understood",
]

NAME_LENGTH = 300
USE_LENGTH = 600
"""A recommendation is quoted among other words, and a message holds 4096 letters."""
AHEAD = timedelta(hours=12)
"""A session may end this long after the line was written (interface.md)."""
LONG_AGO = timedelta(days=60)
NEXT_WITHIN = timedelta(days=2 * 366)
ASK_ABOVE_MM = 3.0
DEEPEST_MM = 10.0
NO_VISIT = "none"
NOT_KNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A whole session, ready to be shown back and saved."""

    name: str
    ended: datetime
    """Aware, UTC."""
    not_over_yet: bool
    """It ends after the line was written: "not over yet? I count from ..."."""
    area: Area
    device: Device
    depth_mm: float | None
    number: int
    of: int
    next: datetime | None
    """The follow-up visit; aware, UTC."""
    use: str | None
    """What the clinician recommended, word for word."""
    assumed: tuple[Field, ...]
    """What was not given."""
    inside_use: tuple[str, ...]
    """Parts of the recommendation that read like fields: perhaps `next:` was meant."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """To be asked with buttons."""

    field: Field
    key: ChoiceKey
    phrase: str
    """What was written."""
    options: tuple[str, ...]
    """Canonical phrases, each clear: "2026-12-20 10:00", "1.5 mm"."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """To be said back, with an example."""

    key: ProblemKey
    phrase: str = ""
    field: Field | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was read of a line."""

    fields: dict[str, str]
    """Canonical phrases of what is clear, what was assumed left out."""
    choices: tuple[Choice, ...]
    problems: tuple[Problem, ...]
    understood: Understood | None
    """Only without an open choice or a problem."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What was read of a follow-up alone (/reschedule)."""

    next: datetime | None
    """Aware, UTC."""
    removed: bool
    """"remove", "none": there is to be no follow-up."""
    choices: tuple[Choice, ...]
    problems: tuple[Problem, ...]


Piece = tuple[Field | None, str]
"""A label, if there was one, and what was written."""
Word = TypeVar("Word", Area, Device)

_LABELS: dict[Field, str] = {
    "name": r"name|patient",
    "ended": r"ended|ends|end|end time|finished|done|time|date",
    "area": r"area|zone",
    "device": r"device|with",
    "depth": r"depth|needle depth|needle",
    "number": r"session|session no|session number|number|visit|no",
    "next": r"next|next visit|next session|next appointment|follow[ -]?up|follow[ -]?up visit",
    "use": r"use|recommended|recommendations?",
}
_BARE: tuple[Field, ...] = ("ended", "area", "device", "depth", "next")
"""Fields whose label may stand without its colon."""


def _any_label(fields: tuple[Field, ...]) -> str:
    """One named group a field, longer labels first."""
    groups = []
    for name in fields:
        words = sorted(_LABELS[name].split("|"), key=len, reverse=True)
        groups.append(f"(?P<{name}>{'|'.join(words)})")
    return rf"(?:{'|'.join(groups)})"


_LABEL = re.compile(rf"(?<!\w){_any_label(tuple(_LABELS))}\s*:", re.IGNORECASE)
_BARE_LABEL = re.compile(rf"{_any_label(_BARE)}\b[ .]*", re.IGNORECASE)
_USE = re.compile(rf"(?<!\w)(?:{_LABELS['use']})\s*:", re.IGNORECASE)
_GLUED_NEXT = re.compile(
    r"(?:(?<=[\d)])|(?<=\S)(?<!\bno)\s+)(?=(?:next|follow[ -]?up)\b)", re.IGNORECASE
)
_SEPARATOR = re.compile(r"[,\n\r，،、]")  # noqa: RUF001  the commas of other keyboards
_DECIMAL = re.compile(
    r"(?<![\d.:/-])(?<!of )(\d{1,2}),(?=\d{1,2}\s*(?:mm|millim)|\d{1,2}\s*(?:[,;\n]|$))",
    re.IGNORECASE,
)
_KEPT_COMMA = "\0"
"""Stands for a decimal comma while the pieces are taken apart."""

_MM = r"(?:mm|millimet(?:er|re)s?|milimetros?|milímetros?)\b\.?"
_DEPTH = re.compile(
    rf"(?<![\w.,:/])(?P<mm>[-\u2212]?\s?\d{{0,3}}(?:[.,]\d{{1,2}}|\d))\s*{_MM}", re.IGNORECASE
)
_BARE_NUMBER = re.compile(r"[-\u2212]?\d{0,3}(?:[.,]\d{1,2}|\d)")
_COUNT = re.compile(
    r"(?<![\w/.:-])(?:(?:session|visit|number|no)\b\.?\s*|#)?"
    r"(?P<number>\d{1,2})\s*(?:/|of|out of|de)\s*(?P<of>\d{1,2})(?![\w/:-]|\.\d)",
    re.IGNORECASE,
)
_NUMBER_ALONE = re.compile(r"(?:(?:session|visit|number|no)\b\.?\s*|#)\d{1,2}", re.IGNORECASE)
_COUNT_BESIDE_TIME = re.compile(r"(?<![\d/.-])(\d{1,2})/(\d{1,2})(?![\d/.-])")
_TIMELIKE = re.compile(
    r"\d[:.h]\d\d(?!\d)|\d\s*[ap]\.?m\b|\b(?:today|yesterday|now|hoy|ayer|ahora)\b", re.IGNORECASE
)
_DECIMAL_ALONE = re.compile(r"\d[.,]\d|0?[.,]\d{1,2}")
_USE_NO_COLON = re.compile(r"(?:use|recommend(?:ed|ations?)?)\s", re.IGNORECASE)
_NO_VISIT = re.compile(
    r"(?:next |follow[ -]?up )?(?:none|no|-|nothing|remove|cancel)"
    r"|no (?:next(?: visit)?|follow[ -]?up)",
    re.IGNORECASE,
)
_NOT_KNOWN = re.compile(r"unknown|not known|\?+|-", re.IGNORECASE)
_AND = re.compile(r"\s*(?:\band\b|\by\b|&|\+|/)\s*", re.IGNORECASE)

_AREA_WORDS: dict[Area, str] = {
    "face": "face|the face|full face|whole face|facial|cheek|cheeks|forehead|chin|jaw|jawline"
    "|cara|rostro",
    "neck": "neck|the neck|cuello",
    "body": "body|back|belly|tummy|abdomen|stomach|chest|arm|arms|hand|hands|leg|legs|thigh"
    "|thighs|buttocks|knees|cuerpo|espalda",
    "scalp": "scalp|head|hair|hairline|cuero cabelludo",
    "eyes": "eyes|eye|eye area|around eyes|around the eyes|under eyes|under the eyes|under-eyes"
    "|ojos|contorno de ojos",
}
_DEVICE_WORDS: dict[Device, str] = {
    "needling": "needling|microneedling|micro-needling|micro needling|needles|dermapen|skinpen"
    "|dermaroller",
    "RF": "rf|r.f.|radiofrequency|radio frequency|radio-frequency|rf needling|rf microneedling"
    "|rf micro-needling|microneedling rf|needling rf|radiofrecuencia|morpheus8|morpheus 8",
}
_AREAS = {word: area for area, words in _AREA_WORDS.items() for word in words.split("|")}
_DEVICES = {word: device for device, words in _DEVICE_WORDS.items() for word in words.split("|")}


def _one_of(words: Mapping[str, object]) -> re.Pattern[str]:
    longest_first = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{longest_first})(?![\w-])", re.IGNORECASE)


_AREA_IN = _one_of(_AREAS)
_DEVICE_IN = _one_of(_DEVICES)


def read_line(
    text: str,
    *,
    written_at: datetime,
    zone: ZoneInfo,
    language: str = "en",
    answers: Mapping[str, str] | None = None,
) -> Line:
    """Read what follows /newsession, written at `written_at` (aware, UTC) in a clinic in `zone`.

    `answers` (field -> canonical phrase) take the place of what the text says of those fields.
    """
    reader = _Reader(written_at=written_at, zone=zone, language=language)
    reader.read(_parts(text, reader), answers or {})
    return reader.line()


def read_visit(
    phrase: str,
    *,
    written_at: datetime,
    zone: ZoneInfo,
    language: str = "en",
    after: datetime | None = None,
) -> Visit:
    """Read "next 2026-12-20 10:00", "20 Dec 10:00", "remove"; `after` is the session's end, UTC."""
    reader = _Reader(written_at=written_at, zone=zone, language=language)
    label, value = _label(phrase.strip().rstrip(",")) or ("next", phrase)
    if label != "next":
        reader.problem("not_understood", phrase.strip(), "next")
    else:
        reader.ended = after
        reader.read_next(value)
    return Visit(
        next=reader.visit,
        removed=reader.fields.get("next") == NO_VISIT,
        choices=tuple(reader.choices),
        problems=tuple(reader.problems),
    )


def _parts(text: str, reader: _Reader) -> list[tuple[Field, str]]:
    """Every phrase of the line with the field it belongs to; the rest are `reader`'s problems."""
    rest, uses = _take_use(text.replace(_KEPT_COMMA, ""))
    raw = list(_split(rest))
    found: list[tuple[Field, str]] = [("use", use) for use in uses]
    if raw and _may_be_name(raw[0]) and not reader.reads_as_field(raw[0]):
        found.append(("name", raw.pop(0)))
    pieces = [_label(piece) or (None, piece) for piece in raw]
    for label, phrase in _joined_dates([piece for piece in pieces if piece[1]], reader):
        found += [(label, phrase)] if label else reader.fields_of(phrase)
    return found


def _may_be_name(piece: str) -> bool:
    """Not labelled: "ended 14:30" is, "Date Kenji" is a person."""
    bare = _BARE_LABEL.match(piece) and (re.search(r"\d", piece) or _TIMELIKE.search(piece))
    return not (_LABEL.match(piece) or bare)


class _Reader:
    """Gathers what one line says: `fields`, `choices`, `problems`."""

    def __init__(self, *, written_at: datetime, zone: ZoneInfo, language: str) -> None:
        self.written_at = written_at
        self.zone = zone
        self.language = language
        self.fields: dict[str, str] = {}
        self.choices: list[Choice] = []
        self.problems: list[Problem] = []
        self.ended: datetime | None = None
        self.visit: datetime | None = None
        self._confirmed: frozenset[str] = frozenset()
        """Fields whose value a button has answered: not asked about twice."""
        self._next_is_a_guess = False
        self._read_before: dict[tuple[str, Prefer], list[Reading]] = {}

    def problem(self, key: ProblemKey, phrase: str = "", field: Field | None = None) -> None:
        """One more thing to say back."""
        self.problems.append(Problem(key=key, phrase=phrase, field=field))

    def line(self) -> Line:
        """All that was read."""
        return Line(
            fields=dict(self.fields),
            choices=tuple(self.choices),
            problems=tuple(self.problems),
            understood=None if self.choices or self.problems else self._understood(),
        )

    def _understood(self) -> Understood | None:
        if self.ended is None:
            return None
        fields = self.fields
        number, of = fields.get("number", "1/1").split("/")
        depth = fields.get("depth", NOT_KNOWN)
        given: tuple[Field, ...] = ("area", "device", "depth", "number", "next")
        return Understood(
            name=fields["name"],
            ended=self.ended,
            not_over_yet=self.ended > self.written_at,
            area=_AREAS[fields.get("area", "face")],
            device=_DEVICES[fields.get("device", "needling").casefold()],
            depth_mm=None if depth == NOT_KNOWN else float(depth.removesuffix(" mm")),
            number=int(number),
            of=int(of),
            next=self.visit,
            use=fields.get("use"),
            assumed=tuple(name for name in given if name not in fields),
            inside_use=tuple(self._inside_use(fields.get("use", ""))),
        )

    def _inside_use(self, use: str) -> Iterator[str]:
        for piece in _split(use):
            label, phrase = _label(piece) or (None, piece)
            if label == "next":
                name: Field | None = "next" if self._visits(phrase) else None
            else:
                name = self._whole(phrase)
            if name and name not in self.fields:
                yield piece

    # What a phrase is

    def reads_as_field(self, phrase: str) -> bool:
        """Whether it says anything but a name."""
        return self._whole(phrase) is not None or bool(self._dates(phrase, "past"))

    def goes_with(self, before: Piece, phrase: str, others: list[Piece]) -> bool:
        """Whether `phrase` goes on with the date `before` it: "today", "14:30".

        A time after the next visit's date is the end of the session if nothing else is.
        """
        label, begun = before
        if self._whole(phrase) or _DECIMAL_ALONE.fullmatch(phrase):
            return False
        if label is None and self._whole(begun):
            return False
        together = f"{begun}, {phrase}"
        if label != "next":
            return bool(self._dates(together, "past"))
        needed = self._is_time(phrase) and not any(self._is_end(other) for other in others)
        return bool(self._visits(together)) and not needed

    def _is_time(self, phrase: str) -> bool:
        """Whether it is a time of day, with or without its date."""
        readings = self._dates(phrase, "past")
        return bool(readings) and readings[0].has_time

    def _is_end(self, piece: Piece) -> bool:
        """Whether a piece by itself says when the session ended."""
        label, phrase = piece
        return label == "ended" or (label is None and self._is_time(phrase))

    def fields_of(self, phrase: str) -> list[tuple[Field, str]]:
        """The fields that a phrase without a label gives; what is not understood is a problem."""
        if name := self._whole(phrase):
            return [(name, phrase)]
        if fault := self._fault(phrase):
            self.problem(fault, phrase)
            return []
        if self._dates(phrase, "past"):
            return [("ended", phrase)]
        if found := self._taken_apart(phrase) or _misspelt(phrase):
            return found
        self.problem("not_understood", phrase)
        return []

    def _fault(self, phrase: str) -> ProblemKey | None:
        """What may be meant, but has to be written more clearly."""
        if _USE_NO_COLON.match(phrase):
            return "use_no_colon"
        if _NUMBER_ALONE.fullmatch(phrase):
            return "number_alone"
        if _DECIMAL_ALONE.fullmatch(phrase):
            return "depth_no_unit"
        holds_count = _may_hold_count(phrase) and self._dates(phrase, "past")
        return "count_or_date" if holds_count else None

    def _whole(self, phrase: str) -> Field | None:
        """The one field that the whole phrase is, dates apart."""
        word = " ".join(phrase.casefold().split())
        if word in _DEVICES:
            return "device"
        if word in _AREAS or _several_areas(word):
            return "area"
        if _DEPTH.fullmatch(phrase):
            return "depth"
        if _COUNT.fullmatch(phrase):
            return "number"
        return "next" if re.match(r"no\s", word) and _NO_VISIT.fullmatch(word) else None

    def _taken_apart(self, phrase: str) -> list[tuple[Field, str]]:
        """Face 1.0mm 2/4: fields without commas, where nothing is left but a time."""
        patterns: dict[Field, re.Pattern[str]] = {
            "depth": _DEPTH,
            "number": _COUNT,
            "device": _DEVICE_IN,
            "area": _AREA_IN,
        }
        found: list[tuple[Field, str]] = []
        rest = phrase
        for name, pattern in patterns.items():
            if match := pattern.search(rest):
                found.append((name, match[0].strip()))
                rest = f"{rest[: match.start()]} {rest[match.end() :]}".strip()
        if rest and self._is_time(rest):
            return [*found, ("ended", rest)]
        return [] if rest else found

    def _dates(self, phrase: str, prefer: Prefer) -> list[Reading]:
        """Remembered: a phrase is looked at alone, beside its neighbours, then for its value."""
        if (phrase, prefer) not in self._read_before:
            self._read_before[phrase, prefer] = read_date(
                phrase,
                written_at=self.written_at,
                zone=self.zone,
                language=self.language,
                prefer=prefer,
            )
        return self._read_before[phrase, prefer]

    def _visits(self, phrase: str) -> list[Reading]:
        """With its "next" first: "next Tuesday" need not be "Tuesday"."""
        bare = _BARE_LABEL.sub("", phrase, count=1) if _BARE_LABEL.match(phrase) else phrase
        return self._dates(phrase, "future") or self._dates(bare, "future")

    # What a field says

    def read(self, parts: list[tuple[Field, str]], answers: Mapping[str, str]) -> None:
        """Each field once, the answers in place of what was written."""
        phrases: dict[Field, list[str]] = {name: [] for name in _LABELS}
        for name, phrase in parts:
            phrases[name].append(phrase)
        self._confirmed = frozenset(answers)
        self._move_far_date_to_next(phrases)
        for name, written in phrases.items():
            if name in answers:
                self._read_field(name, answers[name])
            elif written:
                self._read_field(name, written[0])
                for other in dict.fromkeys(written[1:]):
                    if other.casefold() != written[0].casefold():
                        self.problem("one_area" if name == "area" else "twice", other, name)
        self._miss(phrases, answers)

    def _move_far_date_to_next(self, phrases: dict[Field, list[str]]) -> None:
        """Of two dates without a label, one too far ahead for an end is rather the follow-up."""
        if phrases["next"] or len(phrases["ended"]) < 2:
            return
        for phrase in phrases["ended"]:
            readings = self._dates(phrase, "past")
            if readings and all(self._ahead(r.local) > AHEAD for r in readings):
                phrases["ended"].remove(phrase)
                phrases["next"].append(phrase)
                self._next_is_a_guess = "next" not in self._confirmed
                return

    def _miss(self, phrases: dict[Field, list[str]], answers: Mapping[str, str]) -> None:
        """What is needed and was not given."""
        name = next(iter(phrases["name"]), "")
        if not phrases["name"] and "name" not in answers:
            self.problem("no_name", field="name")
        if not phrases["ended"] and "ended" not in answers:
            if _TIMELIKE.search(name):
                self.problem("no_commas", name, "name")
            elif not any(problem.key == "count_or_date" for problem in self.problems):
                self.problem("no_time", field="ended")

    def _read_field(self, name: Field, phrase: str) -> None:
        match name:
            case "name":
                self._read_name(phrase)
            case "ended":
                self.read_end(phrase)
            case "area":
                self._read_area(phrase)
            case "device":
                self._read_device(phrase)
            case "depth":
                self._read_depth(phrase)
            case "number":
                self._read_number(phrase)
            case "next":
                self.read_next(phrase)
            case "use":
                self._read_use(phrase)

    def _read_name(self, phrase: str) -> None:
        name = phrase.strip()
        if not name:
            self.problem("no_name", field="name")
        elif len(name) > NAME_LENGTH:
            self.problem("name_too_long", name, "name")
        else:
            self.fields["name"] = name

    def _read_use(self, phrase: str) -> None:
        if len(phrase) > USE_LENGTH:
            self.problem("use_too_long", phrase, "use")
        else:
            self.fields["use"] = phrase

    def _read_area(self, phrase: str) -> None:
        if _several_areas(phrase.casefold()):
            self.problem("one_area", phrase, "area")
        elif area := _nearly(phrase, _AREAS):
            self.fields["area"] = area
        else:
            self.problem("not_understood", phrase, "area")

    def _read_device(self, phrase: str) -> None:
        if device := _nearly(phrase, _DEVICES):
            self.fields["device"] = device
        else:
            self.problem("not_understood", phrase, "device")

    def _read_depth(self, phrase: str) -> None:
        if _NOT_KNOWN.fullmatch(phrase):
            self.fields["depth"] = NOT_KNOWN
            return
        match = _DEPTH.fullmatch(phrase)
        number = match["mm"] if match else phrase
        if not _BARE_NUMBER.fullmatch(number):
            self.problem("not_understood", phrase, "depth")
            return
        mm = float(number.replace(",", ".").replace("\u2212", "-").replace(" ", ""))
        tenth = round(mm / 10, 3)
        if mm <= 0 or tenth > ASK_ABOVE_MM or (mm > DEEPEST_MM and "depth" in self._confirmed):
            self.problem("depth_impossible", phrase, "depth")
        elif mm > ASK_ABOVE_MM and "depth" not in self._confirmed:
            options = (f"{mm:g} mm", f"{tenth:g} mm") if mm <= DEEPEST_MM else (f"{tenth:g} mm",)
            self._ask("depth", "deep", phrase, options)
        else:
            self.fields["depth"] = f"{mm:g} mm"

    def _read_number(self, phrase: str) -> None:
        match = _COUNT.fullmatch(phrase)
        if match is None:
            alone = _NUMBER_ALONE.fullmatch(phrase) or phrase.isdecimal()
            self.problem("number_alone" if alone else "not_understood", phrase, "number")
            return
        number, of = int(match["number"]), int(match["of"])
        if not (number and of):
            self.problem("number_zero", phrase, "number")
        elif number > of:
            self.problem("number_over_of", phrase, "number")
        else:
            self.fields["number"] = f"{number}/{of}"

    # The two dates

    def read_end(self, phrase: str) -> None:
        """When the session ended; what was written in the small hours may mean the day before."""
        readings = [r for r in self._dates(phrase, "past") if r.has_time]
        if not readings:
            known = not phrase or self._dates(phrase, "past")
            self.problem("no_time" if known else "not_understood", phrase, "ended")
            return
        around = list(dict.fromkeys(local for r in readings for local in self._around(r)))
        possible = [local for local in around if self._may_be_end(local)]
        night = len(around) > len(readings)
        slashed = readings[0].doubt == "slashed_date"
        if possible and (night or len(possible) > 1 or (slashed and len(around) > 1)):
            key = "after_midnight" if night else readings[0].doubt or "slashed_date"
            self._ask_dates("ended", key, phrase, around if slashed else possible)
            return
        local = (possible or around)[0]
        ended = _utc(local, self.zone)
        if not possible:
            late = ended > self.written_at
            self.problem("ended_too_far_ahead" if late else "ended_long_ago", phrase, "ended")
            return
        self.ended = ended
        self.fields["ended"] = _canonical(local)

    def _may_be_end(self, local: datetime) -> bool:
        return -LONG_AGO <= self._ahead(local) <= AHEAD

    def _ahead(self, local: datetime) -> timedelta:
        """How long after the line was written."""
        return _utc(local, self.zone) - self.written_at

    def _around(self, reading: Reading) -> tuple[datetime, ...]:
        """The days a time may mean that was written without a date, or with "today"."""
        local = reading.local
        ahead = self._ahead(local)
        bare = reading.day == "unsaid"
        if not bare and reading.day != "today":
            return (local,)
        small_hours = self.written_at.astimezone(self.zone).hour < 6
        if (small_hours and ahead > timedelta(hours=3)) or (bare and ahead > AHEAD):
            return (local, local - timedelta(days=1))
        tomorrow = local + timedelta(days=1)
        soon = self._ahead(tomorrow) <= timedelta(hours=3)
        return (local, tomorrow) if bare and soon else (local,)

    def read_next(self, phrase: str) -> None:
        """The follow-up visit: after the session, ahead of now, with its hour."""
        if _NO_VISIT.fullmatch(phrase):
            self.fields["next"] = NO_VISIT
            return
        found = self._visits(phrase)
        readings = [r for r in found if r.has_time]
        if not readings:
            self.problem("next_no_time" if found else "not_understood", phrase, "next")
            return
        faults = {r.local: self._visit_fault(r.local) for r in readings}
        slashed = readings[0].doubt == "slashed_date"
        possible = [local for local, fault in faults.items() if not fault]
        if not possible:
            self.problem(faults[readings[0].local] or "not_understood", phrase, "next")
        elif slashed or len(possible) > 1:
            key = readings[0].doubt or "slashed_date"
            self._ask_dates("next", key, phrase, list(faults) if slashed else possible)
        elif self._next_is_a_guess:
            self._ask_dates("next", "is_it_next", phrase, possible)
        else:
            self.visit = _utc(possible[0], self.zone)
            self.fields["next"] = _canonical(possible[0])

    def _visit_fault(self, local: datetime) -> ProblemKey | None:
        visit = _utc(local, self.zone)
        if self.ended and visit <= self.ended:
            return "next_before_end"
        if visit <= self.written_at:
            return "next_in_past"
        return "next_too_far_ahead" if visit - self.written_at > NEXT_WITHIN else None

    def _ask_dates(self, name: Field, key: ChoiceKey, phrase: str, locals_: list[datetime]) -> None:
        self._ask(name, key, phrase, tuple(_canonical(local) for local in locals_))

    def _ask(self, name: Field, key: ChoiceKey, phrase: str, options: tuple[str, ...]) -> None:
        self.choices.append(Choice(field=name, key=key, phrase=phrase, options=options))


def _several_areas(phrase: str) -> bool:
    """Whether it names more than one: "face and neck"."""
    areas = {_AREAS.get(word) for word in _AND.split(phrase)}
    return len(areas) > 1 and None not in areas


def _may_hold_count(phrase: str) -> bool:
    """Whether it is like 2/4 14:30: the second of April, or of four sessions."""
    match = _COUNT_BESIDE_TIME.search(phrase)
    return match is not None and int(match[1]) <= int(match[2]) <= 12


def _misspelt(phrase: str) -> list[tuple[Field, str]]:
    """An area or a device that is one letter off."""
    if _nearly(phrase, _AREAS):
        return [("area", phrase)]
    return [("device", phrase)] if _nearly(phrase, _DEVICES) else []


def _take_use(text: str) -> tuple[str, list[str]]:
    """The line without its recommendations, and those: each up to the next label or line."""
    uses = []
    while start := _USE.search(text):
        line_end = text.find("\n", start.end())
        label = _LABEL.search(text, start.end())
        end = min(line_end if line_end >= 0 else len(text), label.start() if label else len(text))
        uses.append(text[start.end() : end].strip(" \t\r,;"))
        text = f"{text[: start.start()]}\n{text[end:]}"
    return text, [use for use in uses if use]


def _split(text: str) -> Iterator[str]:
    """The pieces between commas, none empty; `;` separates in a line without commas only."""
    text = _DECIMAL.sub(rf"\1{_KEPT_COMMA}", text)
    if not _SEPARATOR.search(text):
        text = text.replace(";", "\n")
    text = _LABEL.sub(lambda label: f"\n{label[0]}", text)
    for n, piece in enumerate(p for p in _SEPARATOR.split(text) if p.strip()):
        for part in _GLUED_NEXT.split(piece) if n else [piece]:
            yield part.replace(_KEPT_COMMA, ",").strip()


def _label(piece: str) -> tuple[Field, str] | None:
    """The field a piece names and its value; a bare "next" stays, "next Tuesday" needs it."""
    if match := _LABEL.match(piece):
        return cast(Field, match.lastgroup), piece[match.end() :].strip()
    if (match := _BARE_LABEL.match(piece)) and match.end() < len(piece):
        name = cast(Field, match.lastgroup)
        return name, piece if name == "next" else piece[match.end() :]
    return None


def _joined_dates(pieces: list[Piece], reader: _Reader) -> list[Piece]:
    """Puts "today", "14:30" and "next Dec 20", "2026", "10:00" together again."""
    joined: list[Piece] = []
    for n, (label, phrase) in enumerate(pieces):
        if label is None and joined and (before := joined[-1])[0] in (None, "ended", "next"):
            others = [*joined[:-1], *pieces[n + 1 :]]
            if reader.goes_with(before, phrase, others):
                joined[-1] = (before[0], f"{before[1]}, {phrase}")
                continue
        joined.append((label, phrase))
    return joined


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Wall time to UTC: a missing hour moves forward, one that comes twice is the first."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def _canonical(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H:%M}"


def _nearly(phrase: str, words: Mapping[str, Word]) -> Word | None:
    """The meaning of the word, or of the only words a letter away."""
    phrase = " ".join(phrase.casefold().split())
    if phrase in words or len(phrase) < 3:
        return words.get(phrase)
    near = {
        meaning
        for word, meaning in words.items()
        if len(word) > 2 and OSA.distance(phrase, word, score_cutoff=1) == 1
    }
    return near.pop() if len(near) == 1 else None
