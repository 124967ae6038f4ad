"""`/timezone`: where a patient is, since messages come by the clock there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.care.people import Known, who_is
from bot.care.sessions import settle
from bot.care.values import Button, Desk, Edit, Incoming, Outgoing, Reaction
from bot.chat.patient.questions import heeding
from content import cities, wording
from storage.database import Transaction
from storage.models import Patient


@heeding
def ask(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """`/timezone` alone says which clock counts; with a city it is that one's from now on."""
    known = who_is(tx, incoming.account)
    written = incoming.text.strip()
    if known.patient is None:
        return [_said(desk, known, incoming, now, "of_patients")]
    if not written:
        return [_said(desk, known, incoming, now, "which")]
    spoken = desk.library.texts.languages
    found = cities.zones_of(written, spoken)
    if len(found) == 1:
        return _moved(desk, tx, known.patient, incoming, now, found[0])
    found = found or cities.zones_like(written, spoken)
    if not found:
        return [_said(desk, known, incoming, now, "unknown")]
    buttons = tuple((_button(known, zone),) for zone in found)
    asked = _said(desk, known, incoming, now, "several")
    return [replace(asked, buttons=buttons)]


def choose(desk: Desk, tx: Transaction, incoming: Incoming, now: datetime) -> Sequence[Reaction]:
    """One of several cities was pressed."""
    known, zone = who_is(tx, incoming.account), incoming.text.removeprefix("zone:")
    if known.patient is None or not cities.is_zone(zone):
        return ask(desk, tx, replace(incoming, text=""), now)
    return [Edit(), *_moved(desk, tx, known.patient, incoming, now, zone)]


def _moved(
    desk: Desk, tx: Transaction, patient: Patient, incoming: Incoming, now: datetime, zone: str
) -> Sequence[Reaction]:
    """What is still to come is planned by the clock there; what was sent is not sent again."""
    patient.timezone = zone
    settle(tx, desk.library, patient, now)
    return [_said(desk, who_is(tx, incoming.account), incoming, now, "done")]


def _button(known: Known, zone: str) -> Button:
    place = zone.partition("/")[0].replace("_", " ")
    return Button(label=f"{cities.city(zone, known.language)} ({place})", action=f"zone:{zone}")


def _said(desk: Desk, known: Known, incoming: Incoming, now: datetime, key: str) -> Outgoing:
    zone, language = known.zone, known.language
    text = desk.say(
        language,
        f"buttons.timezone.{key}",
        city=cities.city(str(zone), language),
        time=wording.time_of_day(now, zone, language),
        written=incoming.text.strip()[:60],
    )
    return Outgoing(account=incoming.account, text=text)
