"""One line, read: each phrase finds its field, each field its value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

from bot.care.session_line.moments import Moments
from bot.care.session_line.pieces import Piece, label_of, split
from bot.care.session_line.values import (
    AHEAD,
    ASK_ABOVE_MM,
    DEEPEST_MM,
    NAME_LENGTH,
    NOT_KNOWN,
    USE_LENGTH,
    Field,
    Line,
    ProblemKey,
    Understood,
)
from bot.care.session_line.words import (
    AREA_IN,
    AREAS,
    BARE_NUMBER,
    COUNT,
    DECIMAL_ALONE,
    DEPTH,
    DEVICE_IN,
    DEVICES,
    NO_VISIT_WORDS,
    NOT_KNOWN_WORDS,
    NUMBER_ALONE,
    TIMELIKE,
    USE_NO_COLON,
    may_hold_count,
    misspelt,
    nearly_one_of,
    several_areas,
)
from content.library import Library
from content.rules import with_needs

FIELDS: tuple[Field, ...] = get_args(Field)
SEVERAL: tuple[Field, ...] = ("marks_easily", "overrides")
"""Fields that may be given in several phrases."""
KEPT_HOURS = re.compile(r"(\w+)=(\d+)")


class Reader(Moments):
    """Gathers what one line says: `fields`, `choices`, `problems`."""

    def __init__(
        self, *, written_at: datetime, zone: ZoneInfo, language: str, library: Library | None
    ) -> None:
        super().__init__(written_at=written_at, zone=zone, language=language)
        self._library = library
        self._overrides: dict[str, float] = {}

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
        understood = Understood(
            name=fields["name"],
            ended=self.ended,
            not_over_yet=self.ended > self.written_at,
            area=AREAS[fields.get("area", "face")],
            device=DEVICES[fields.get("device", "needling").casefold()],
            depth_mm=None if depth == NOT_KNOWN else float(depth.removesuffix(" mm")),
            number=int(number),
            of=int(of),
            next=self.visit,
            use=fields.get("use"),
            assumed=tuple(name for name in given if name not in fields),
            inside_use=tuple(self._inside_use(fields.get("use", ""))),
            marks_easily="marks_easily" in fields,
        )
        if not (self._library and self._overrides):
            return understood
        whole = with_needs(self._library.rules, understood.session, self._overrides)
        return replace(understood, overrides=whole)

    def _inside_use(self, use: str) -> Iterator[str]:
        for piece in split(use):
            label, phrase = label_of(piece) or (None, piece)
            if label == "next":
                name: Field | None = "next" if self._visits(phrase) else None
            else:
                name = self._whole(phrase)
            if name and (name in SEVERAL or name not in self.fields):
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
        if self._whole(phrase) or DECIMAL_ALONE.fullmatch(phrase):
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
        if found := self._taken_apart(phrase) or misspelt(phrase):
            return found
        own = self._library.spoken.read(phrase) if self._library else None
        self.problem(own if isinstance(own, str) else "not_understood", phrase)
        return []

    def _fault(self, phrase: str) -> ProblemKey | None:
        """What may be meant, but has to be written more clearly."""
        if USE_NO_COLON.match(phrase):
            return "use_no_colon"
        if NUMBER_ALONE.fullmatch(phrase):
            return "number_alone"
        if DECIMAL_ALONE.fullmatch(phrase):
            return "depth_no_unit"
        holds_count = may_hold_count(phrase) and self._dates(phrase, "past")
        return "count_or_date" if holds_count else None

    def _whole(self, phrase: str) -> Field | None:
        """The one field that the whole phrase is, dates apart."""
        word = " ".join(phrase.casefold().split())
        if word in DEVICES:
            return "device"
        if word in AREAS or several_areas(word):
            return "area"
        if DEPTH.fullmatch(phrase):
            return "depth"
        if COUNT.fullmatch(phrase):
            return "number"
        if re.match(r"no\s", word) and NO_VISIT_WORDS.fullmatch(word):
            return "next"
        return self._own(phrase)

    def _own(self, phrase: str) -> Field | None:
        """Whether it says how this session differs from others of its kind."""
        if self._library is None:
            return None
        if self._library.spoken.says_marks_easily(phrase):
            return "marks_easily"
        return "overrides" if isinstance(self._library.spoken.read(phrase), dict) else None

    def _taken_apart(self, phrase: str) -> list[tuple[Field, str]]:
        """Face 1.0mm 2/4: fields without commas, where nothing is left but a time."""
        patterns: dict[Field, re.Pattern[str]] = {
            "depth": DEPTH,
            "number": COUNT,
            "device": DEVICE_IN,
            "area": AREA_IN,
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

    # What a field says

    def read(self, parts: list[tuple[Field, str]], answers: Mapping[str, str]) -> None:
        """Each field once, the answers in place of what was written."""
        phrases: dict[Field, list[str]] = {name: [] for name in FIELDS}
        for name, phrase in parts:
            phrases[name].append(phrase)
        self._confirmed = frozenset(answers)
        self._move_far_date_to_next(phrases)
        for name, written in phrases.items():
            if name in answers:
                self._read_field(name, answers[name])
            elif name in SEVERAL:
                for phrase in written:
                    self._read_field(name, phrase)
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
            if TIMELIKE.search(name):
                self.problem("no_commas", name, "name")
            elif not any(problem.key == "count_or_date" for problem in self.problems):
                self.problem("no_time", field="ended")

    def _read_field(self, name: Field, phrase: str) -> None:
        readers: dict[Field, Callable[[str], None]] = {
            "name": self._read_name,
            "ended": self.read_end,
            "area": self._read_area,
            "device": self._read_device,
            "depth": self._read_depth,
            "number": self._read_number,
            "next": self.read_next,
            "use": self._read_use,
            "marks_easily": self._read_marks,
            "overrides": self._read_overrides,
        }
        readers[name](phrase)

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

    def _read_marks(self, _phrase: str) -> None:
        self.fields["marks_easily"] = "yes"

    def _read_overrides(self, phrase: str) -> None:
        """Hours that staff set, as they write them or as they are kept: "heat=240; sun=336"."""
        for key, hours in self._hours_set(phrase).items():
            if self._overrides.setdefault(key, hours) != hours:
                self.problem("twice", phrase, "overrides")
                return
        self.fields["overrides"] = "; ".join(
            f"{key}={hours:.0f}" for key, hours in self._overrides.items()
        )

    def _hours_set(self, phrase: str) -> dict[str, float]:
        said = self._library.spoken.read(phrase) if self._library else None
        if isinstance(said, dict):
            return said
        return {key: float(hours) for key, hours in KEPT_HOURS.findall(phrase)}

    def _read_area(self, phrase: str) -> None:
        if several_areas(phrase.casefold()):
            self.problem("one_area", phrase, "area")
        elif area := nearly_one_of(phrase, AREAS):
            self.fields["area"] = area
        else:
            self.problem("not_understood", phrase, "area")

    def _read_device(self, phrase: str) -> None:
        if device := nearly_one_of(phrase, DEVICES):
            self.fields["device"] = device
        else:
            self.problem("not_understood", phrase, "device")

    def _read_depth(self, phrase: str) -> None:
        if NOT_KNOWN_WORDS.fullmatch(phrase):
            self.fields["depth"] = NOT_KNOWN
            return
        match = DEPTH.fullmatch(phrase)
        number = match["mm"] if match else phrase
        if not BARE_NUMBER.fullmatch(number):
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
        match = COUNT.fullmatch(phrase)
        if match is None:
            alone = NUMBER_ALONE.fullmatch(phrase) or phrase.isdecimal()
            self.problem("number_alone" if alone else "not_understood", phrase, "number")
            return
        number, of = int(match["number"]), int(match["of"])
        if not (number and of):
            self.problem("number_zero", phrase, "number")
        elif number > of:
            self.problem("number_over_of", phrase, "number")
        else:
            self.fields["number"] = f"{number}/{of}"
