"""Sessions, visits and questions about them in words, for staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.care.session_line import Choice, Problem, Understood
from bot.care.sessions import Recorded, standing
from bot.care.values import Button, Desk, Outgoing, Reaction
from content import wording
from storage import invitations, people
from storage.database import Transaction
from storage.models import Clinic, Patient, Staff, Treatment


def not_understood(desk: Desk, language: str, problems: Sequence[Problem], example: str) -> Markup:
    """Everything that was not understood, each with what to do, and an example."""
    lines = [desk.say(language, f"staff.problem.{it.key}", phrase=it.phrase) for it in problems]
    return desk.say(
        language,
        "staff.newsession.not_understood",
        problems=Markup("\n").join(lines),
        example=example,
    )


def question(desk: Desk, clinic: Clinic, choice: Choice) -> Markup:
    return desk.say(clinic.language, f"staff.ask.{choice.key}", phrase=choice.phrase)


def option(desk: Desk, language: str, value: str) -> str:
    """A reading as a button's label: dates in words, the rest as it would be written."""
    try:
        local = datetime.strptime(value, "%Y-%m-%d %H:%M")  # noqa: DTZ007  a wall time
    except ValueError:
        known = desk.library.texts.has(f"staff.option.{value}", language)
        return desk.say(language, f"staff.option.{value}").unescape() if known else value
    return wording.wall_moment(local, language)


def from_when(desk: Desk, language: str, hours: float, *, is_rule: bool) -> str:
    """A button's label for "from when?"."""
    key = "rule" if is_rule else "now" if hours == 0 else "later"
    return desk.say(
        language, f"staff.from_when.{key}", time=wording.duration(hours, language)
    ).unescape()


def same_person(desk: Desk, language: str, treatment: Treatment) -> str:
    """A button's label without a name: names may be long, and need no repeating here."""
    day = wording.day(treatment.ended_at, ZoneInfo(treatment.timezone), language)
    return desk.say(language, "staff.button.same_person", day=day).unescape()


def preview(
    desk: Desk,
    tx: Transaction,
    clinic: Clinic,
    understood: Understood,
    *,
    chosen: Patient | None,
    from_hours: float | None,
    now: datetime,
) -> Markup:
    """What was understood, before anything is saved."""
    language = clinic.language
    lines = [
        desk.say(language, "staff.preview.head"),
        desk.say(language, "staff.preview.name", name=understood.name),
        _ended(desk, clinic, understood.ended, now, not_over_yet=understood.not_over_yet),
        *_details(desk, clinic, understood),
    ]
    if understood.use:
        lines.append(_recommended(desk, language, understood.use, from_hours))
    lines += [
        desk.say(language, "staff.preview.inside_use", phrase=phrase)
        for phrase in understood.inside_use
    ]
    if chosen:
        key = "chosen_agreed" if chosen.agreed_at else "chosen"
        lines.append(desk.say(language, f"staff.preview.{key}"))
    elif standing(tx, clinic.id, understood.name):
        lines.append(desk.say(language, "staff.preview.same_name"))
    lines.append(desk.say(language, "staff.preview.foot"))
    return Markup("\n").join(lines)


def saved(desk: Desk, tx: Transaction, staff: Staff, recorded: Recorded) -> Sequence[Reaction]:
    """What staff need once a session is saved: the link, the typed code, the picture, `Undo`."""
    clinic = people.clinic(tx, staff.clinic_id)
    language = clinic.language
    undo = Button(
        label=desk.say(language, "staff.button.undo"), action=f"undo:{recorded.treatment.id}"
    )
    if recorded.codes is None:
        text = desk.say(language, "staff.saved.known", name=recorded.patient.name)
        return [Outgoing(account=staff.account, text=text, buttons=((undo,),), protect=True)]
    return invitation(desk, clinic, staff, recorded, head="staff.saved.new", buttons=((undo,),))


def invitation(
    desk: Desk,
    clinic: Clinic,
    staff: Staff,
    recorded: Recorded,
    *,
    head: str,
    buttons: tuple[tuple[Button, ...], ...] = (),
) -> Sequence[Reaction]:
    """A patient's link, typed code and picture, and what to tell those without Telegram."""
    language, codes = clinic.language, recorded.codes
    if codes is None or codes.typed is None:
        raise LookupError("a patient's invitation has a link and a typed code")
    link = desk.link(codes.link)
    text = desk.say(
        language,
        head,
        name=recorded.patient.name,
        link=link,
        typed=codes.typed,
        bot=desk.bot_username,
        clinic=clinic.name,
        phone=clinic.phone,
    )
    picture = desk.say(language, "staff.saved.picture")
    return [
        Outgoing(account=staff.account, text=text, buttons=buttons),
        Outgoing(account=staff.account, text=picture, qr=link),
    ]


def session_line(
    desk: Desk, tx: Transaction, treatment: Treatment, patient: Patient, now: datetime
) -> Markup:
    """One session in /sessions, /cancel and /reschedule: who, when, what comes, and how far."""
    clinic = people.clinic(tx, treatment.clinic_id)
    language = clinic.language
    return desk.say(
        language,
        "staff.sessions.line",
        name=patient.name,
        ended=wording.moment(treatment.ended_at, ZoneInfo(clinic.timezone), language),
        number=treatment.number,
        of=treatment.of,
        next=_next(desk, clinic, treatment.next_at),
        state=desk.say(language, f"staff.state.{invitation_state(tx, treatment, patient, now)}"),
    )


def invitation_state(tx: Transaction, treatment: Treatment, patient: Patient, now: datetime) -> str:
    """How far the patient has come: the key of the words staff read."""
    if patient.agreed_at:
        facts = {
            "unreachable": patient.unreachable_at is not None,
            "stopped": patient.stopped == "everything",
            "tips_off": patient.stopped == "tips",
        }
        return next((key for key, holds in facts.items() if holds), "agreed")
    open_ones = [it for it in invitations.of_treatment(tx, treatment.id) if not it.revoked_at]
    openings = [it for one in open_ones for it in invitations.openings(tx, one.id)]
    if openings:
        return "declined" if all(it.declined_at for it in openings) else "opened"
    if any(it.link_expires_at > now for it in open_ones):
        return "not_opened"
    return "expired"


def _ended(
    desk: Desk, clinic: Clinic, at: datetime, now: datetime, *, not_over_yet: bool
) -> Markup:
    zone, language = ZoneInfo(clinic.timezone), clinic.language
    days = (at.astimezone(zone).date() - now.astimezone(zone).date()).days
    near = {0: "today", -1: "yesterday"}.get(days)
    day = desk.say(language, f"staff.preview.{near}") if near else ""
    return desk.say(
        language,
        "staff.preview.not_over" if not_over_yet else "staff.preview.ended",
        day=day or wording.day(at, zone, language),
        time=wording.time_of_day(at, zone, language),
        date=wording.day(at, zone, language),
        zone=wording.zone_name(zone, language),
    )


def _details(desk: Desk, clinic: Clinic, understood: Understood) -> list[Markup]:
    language = clinic.language
    assumed = desk.say(language, "staff.preview.assumed")
    depth = (
        desk.say(language, "staff.preview.depth_unknown")
        if understood.depth_mm is None
        else wording.millimetres(understood.depth_mm, language)
    )
    values: dict[str, str] = {
        "area": desk.say(language, f"staff.area.{understood.area}"),
        "device": desk.say(language, f"staff.device.{understood.device}"),
        "depth": depth,
        "number": desk.say(
            language, "staff.preview.count", number=understood.number, of=understood.of
        ),
        "next": _next(desk, clinic, understood.next),
    }
    return [
        desk.say(
            language,
            f"staff.preview.{key}",
            value=value,
            assumed=assumed if key in understood.assumed else "",
        )
        for key, value in values.items()
    ]


def _recommended(desk: Desk, language: str, use: str, from_hours: float | None) -> Markup:
    since = (
        desk.say(language, "staff.preview.use_from", time=wording.duration(from_hours, language))
        if from_hours
        else ""
    )
    return desk.say(language, "staff.preview.use", use=use, since=since)


def _next(desk: Desk, clinic: Clinic, at: datetime | None) -> str:
    if at is None:
        return desk.say(clinic.language, "staff.preview.no_next")
    return wording.moment(at, ZoneInfo(clinic.timezone), clinic.language)
