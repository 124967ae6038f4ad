"""Time zones by the city that people name, in English and in every language of the texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from rapidfuzz import fuzz, process

from content.letters import folded

LIKE_ENOUGH = 80
"""Of 100: how like a city's name a misspelt one must be to be offered."""
OFFERED = 4


def zones_of(written: str, languages: Sequence[str]) -> tuple[str, ...]:
    """The IANA zones of a city ("Nueva York", "madrid", "Europe/Madrid"); () for none.

    With more after it ("London, Ontario") it may be another city of that name: `zones_like`.
    """
    return _cities(tuple(languages)).get(_plain(written), ())


def zones_like(written: str, languages: Sequence[str]) -> tuple[str, ...]:
    """The zones of a few cities that are spelt like it, the likest first."""
    cities = _cities(tuple(languages))
    name = _plain(written.partition(",")[0])
    found = process.extract(
        name, cities.keys(), scorer=fuzz.ratio, score_cutoff=LIKE_ENOUGH, limit=OFFERED
    )
    return tuple(dict.fromkeys(zone for name, _, _ in found for zone in cities[name]))[:OFFERED]


def is_zone(name: str) -> bool:
    """Whether it is the IANA name of a zone."""
    return name in available_timezones()


def city(zone: str, language: str) -> str:
    """'Nueva York': the city a zone is named after."""
    named = Locale.parse(language).time_zones.get(zone, {}).get("city")
    return str(named or zone.rpartition("/")[2].replace("_", " "))


@cache
def _cities(languages: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    aliases: Mapping[str, str] = get_global("zone_aliases")
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for zone in sorted(available_timezones()):
        area, _, place = zone.rpartition("/")
        if not area or area.startswith("Etc"):
            continue
        known = aliases.get(zone, zone)
        for name in (zone, place, *(city(known, it) for it in languages)):
            found[_plain(name)][known] = None
    return {name: tuple(zones) for name, zones in found.items()}


def _plain(name: str) -> str:
    return " ".join(folded(name).replace("_", " ").split())
