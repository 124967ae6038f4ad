"""Sessions, visits and questions about them in words, for staff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.care.people import numbers_of, session_facts
from bot.care.session_line import Choice, Problem, Understood
from bot.care.sessions import Recorded
from bot.care.values import Button, Desk, Outgoing, Reaction, Rows
from content import wording
from content.facts import Session
from content.messages import said_of
from content.rules import hours
from storage import invitations, people
from storage.database import Transaction
from storage.models import Clinic, Patient, Staff, Treatment

QUOTED = 80
"""Letters of what was not understood that are said back."""
PROBLEMS_SHOWN = 12
NOTES_SHOWN = 3


def not_understood(desk: Desk, language: str, problems: Sequence[Problem], example: str) -> Markup:
    """What was not understood, each with what to do, and an example."""
    lines = [
        desk.say(language, f"staff.problem.{it.key}", phrase=shortened(it.phrase))
        for it in problems[:PROBLEMS_SHOWN]
    ]
    return desk.say(
        language,
        "staff.newsession.not_understood",
        problems=Markup("\n").join(lines),
        example=example,
    )


def shortened(text: str) -> str:
    """What somebody wrote, as much as is needed to find it again: a message holds 4096 letters."""
    return text if len(text) <= QUOTED else text[: QUOTED - 1] + "…"


def question(desk: Desk, clinic: Clinic, choice: Choice) -> Markup:
    asked = desk.say(clinic.language, f"staff.ask.{choice.key}", phrase=shortened(choice.phrase))
    return desk.say(clinic.language, "staff.ask.else", asked=asked)


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
    return _of_when(desk, language, "same_person", treatment)


def that_session(desk: Desk, language: str, treatment: Treatment) -> str:
    """A button's label for one of several patients of one name."""
    return _of_when(desk, language, "that_session", treatment)


def preview(
    desk: Desk,
    clinic: Clinic,
    understood: Understood,
    *,
    chosen: Patient | None,
    has_namesakes: bool,
    from_hours: float | None,
    now: datetime,
) -> Markup:
    """What was understood, before anything is saved."""
    say = partial(desk.say, clinic.language)
    notes = [
        say("staff.preview.inside_use", phrase=shortened(phrase))
        for phrase in understood.inside_use[:NOTES_SHOWN]
    ]
    if any(_is_earlier(desk, understood.session, key) for key in understood.overrides):
        notes.append(say("staff.preview.confirm_earlier"))
    if weeks := _too_few_weeks(desk, understood):
        notes.append(say("staff.preview.too_soon", weeks=weeks))
    if chosen:
        notes.append(say(f"staff.preview.chosen.{patient_state(chosen)}"))
    elif has_namesakes:
        notes.append(say("staff.preview.same_name"))
    if not desk.library.is_approved:
        notes.append(say("staff.preview.not_approved"))
    return Markup("\n").join(
        [
            say("staff.preview.head"),
            *_session(desk, clinic, understood, from_hours, now),
            *notes,
            say("staff.preview.foot"),
        ]
    )


def _is_earlier(desk: Desk, session: Session, rule: str) -> bool:
    """Whether staff allow it sooner than the plan does."""
    return session.overrides[rule] < desk.library.rules[rule].usual_hours(session)


def _too_few_weeks(desk: Desk, understood: Understood) -> int | None:
    """The weeks there should be to the next visit, where there are fewer."""
    weeks = desk.library.weeks_apart(understood.session)
    earliest = understood.ended + timedelta(days=7 * weeks - 1)
    return weeks if understood.next and understood.next < earliest else None


def recorded(
    desk: Desk, clinic: Clinic, understood: Understood, from_hours: float | None, now: datetime
) -> Markup:
    """What stands in the place of the preview once it is saved."""
    head = desk.say(clinic.language, "staff.preview.saved")
    return Markup("\n").join([head, *_session(desk, clinic, understood, from_hours, now)])


def saved(desk: Desk, clinic: Clinic, staff: Staff, recorded: Recorded) -> Sequence[Reaction]:
    """What staff need once a session is saved: the link, the typed code, the picture, `Undo`."""
    language = clinic.language
    undo = Button(
        label=desk.say(language, "staff.button.undo"), action=f"undo:{recorded.treatment.id}"
    )
    if recorded.codes is None:
        text = desk.say(
            language,
            f"staff.saved.known.{patient_state(recorded.patient)}",
            name=recorded.patient.name,
            read_out=_read_out(desk, clinic, recorded.treatment),
        )
        return [Outgoing(account=staff.account, text=text, buttons=((undo,),), protect=True)]
    return invitation(desk, clinic, staff, recorded, head="staff.saved.new", buttons=((undo,),))


def invitation(
    desk: Desk,
    clinic: Clinic,
    staff: Staff,
    recorded: Recorded,
    *,
    head: str,
    buttons: Rows = (),
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
        codes=desk.say(
            language, "staff.saved.codes", link=link, typed=codes.typed, bot=desk.bot_username
        ),
        read_out=_read_out(desk, clinic, recorded.treatment),
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
    line = desk.say(
        language,
        "staff.sessions.line",
        name=patient.name,
        ended=wording.moment(treatment.ended_at, ZoneInfo(clinic.timezone), language),
        number=treatment.number,
        of=treatment.of,
        next=_next(desk, clinic, treatment.next_at),
        state=desk.say(language, f"staff.state.{invitation_state(tx, treatment, patient, now)}"),
    )
    return Markup("\n").join([line, *_own(desk, language, session_facts(treatment))])


def invitation_state(tx: Transaction, treatment: Treatment, patient: Patient, now: datetime) -> str:
    """How far the patient has come: the key of the words staff read."""
    if patient.agreed_at:
        return patient_state(patient)
    given = [it for it in invitations.of_treatment(tx, treatment.id) if not it.revoked_at]
    openings = [it for one in given for it in invitations.openings(tx, one.id)]
    if openings and all(it.declined_at for it in openings):
        return "declined"
    if all(it.link_expires_at <= now for it in given):
        return "expired"
    return "opened" if openings else "not_opened"


def patient_state(patient: Patient) -> str:
    """Whether messages reach the patient: the key of the words staff read."""
    holds = {
        "not_agreed": patient.agreed_at is None,
        "unreachable": patient.unreachable_at is not None,
        "stopped": patient.stopped == "everything",
        "tips_off": patient.stopped == "tips",
    }
    return next((key for key, is_so in holds.items() if is_so), "agreed")


def visit(clinic: Clinic, at: datetime) -> str:
    """A visit with its year: it may be two years away, and a wrong year must be seen."""
    local = at.astimezone(ZoneInfo(clinic.timezone)).replace(tzinfo=None)
    return wording.wall_moment(local, clinic.language)


def _of_when(desk: Desk, language: str, key: str, treatment: Treatment) -> str:
    moment = wording.moment(treatment.ended_at, ZoneInfo(treatment.timezone), language)
    return desk.say(language, f"staff.button.{key}", moment=moment).unescape()


def _read_out(desk: Desk, clinic: Clinic, treatment: Treatment) -> Markup:
    """What to tell those who get no messages, with this session's own hours."""
    dry = hours(desk.library.rules["water"], session_facts(treatment))
    return desk.say(
        clinic.language,
        "staff.saved.read_out",
        **numbers_of(clinic),
        dry=wording.duration(dry, clinic.language),
    )


def _session(
    desk: Desk, clinic: Clinic, understood: Understood, from_hours: float | None, now: datetime
) -> list[Markup]:
    """The session as it was understood, a line for each thing."""
    lines = [
        desk.say(clinic.language, "staff.preview.name", name=understood.name),
        _ended(desk, clinic, understood, now),
        *_details(desk, clinic, understood),
        *_own(desk, clinic.language, understood.session),
    ]
    if understood.use:
        lines.append(_recommended(desk, clinic.language, understood.use, from_hours))
    return lines


def _ended(desk: Desk, clinic: Clinic, understood: Understood, now: datetime) -> Markup:
    zone, language, at = ZoneInfo(clinic.timezone), clinic.language, understood.ended
    days = (at.astimezone(zone).date() - now.astimezone(zone).date()).days
    near = {0: "today", -1: "yesterday", 1: "tomorrow"}.get(days)
    when = desk.say(
        language,
        f"staff.preview.{near or 'another_day'}",
        time=wording.time_of_day(at, zone, language),
        date=wording.day(at, zone, language),
        zone=wording.zone_name(zone, language),
    )
    key = "not_over" if understood.not_over_yet else "ended"
    return desk.say(language, f"staff.preview.{key}", when=when)


def _details(desk: Desk, clinic: Clinic, understood: Understood) -> Iterator[Markup]:
    """What may have been left out, each marked if it was."""
    say = partial(desk.say, clinic.language)
    depth = understood.depth_mm
    values: dict[str, str] = {
        "area": say(f"staff.area.{understood.area}"),
        "device": say(f"staff.device.{understood.device}"),
        "depth": (
            say("staff.preview.depth_unknown")
            if depth is None
            else wording.millimetres(depth, clinic.language)
        ),
        "number": say("staff.preview.count", number=understood.number, of=understood.of),
        "next": _next(desk, clinic, understood.next),
    }
    for key, value in values.items():
        line = say(f"staff.preview.{key}", value=value)
        yield say("staff.preview.assumed", line=line) if key in understood.assumed else line


def _own(desk: Desk, language: str, session: Session) -> Iterator[Markup]:
    """How a session differs from others of its kind: its skin, and the hours staff have set."""
    if session.marks_easily:
        yield desk.say(language, "staff.preview.marks_easily")
    texts = desk.library.texts_for(language, session)
    by_hours: dict[tuple[float, float], list[str]] = defaultdict(list)
    for rule in desk.library.rules.values():
        if rule.key in session.overrides:
            words = said_of(texts, rule.key)
            by_hours[session.overrides[rule.key], rule.usual_hours(session)] += words
    for (hours_set, usual), words in by_hours.items():
        key = "earlier" if hours_set < usual else "same" if hours_set == usual else "later"
        yield desk.say(
            language,
            f"staff.preview.own_{key}",
            things=wording.listing(words, language, style="or"),
            time=wording.duration(hours_set, language),
            usual=wording.duration(usual, language),
        )


def _recommended(desk: Desk, language: str, use: str, from_hours: float | None) -> Markup:
    if not from_hours:
        return desk.say(language, "staff.preview.use", use=use)
    time = wording.duration(from_hours, language)
    return desk.say(language, "staff.preview.use_later", use=use, time=time)


def _next(desk: Desk, clinic: Clinic, at: datetime | None) -> str:
    return visit(clinic, at) if at else desk.say(clinic.language, "staff.preview.no_next")
