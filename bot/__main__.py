"""The command line: reads what is wanted, calls it, prints; no logic of its own."""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import structlog

from bot import app, check, logs, preview
from bot.clock import SystemClock
from bot.config import CLINIC, NOT_YET, WEB, Settings, SettingsError, read_settings
from content.reading import ContentError
from storage.database import DatabaseError, why_away, without_password
from storage.migrate import NewerSchema, migrate, schema_of

log = structlog.get_logger("bot")

NEWER = (
    "DATABASE_URL: a later version of Aftercare has changed the database (to schema {schema}): "
    "run that version, or put back the backup from before"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0, 2 for something the user has to mend, 1 of `check`."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int | None] = options.call
    try:
        return command(options) or 0
    except SettingsError as error:
        return _mend(error.problems)
    except ContentError as error:
        return _mend(error.problems)
    except DatabaseError as error:
        return _mend([f"DATABASE_URL: {why_away(error)}"])
    except NewerSchema as error:
        return _mend([NEWER.format(schema=error)])
    except (KeyboardInterrupt, BrokenPipeError):
        return 0


def _run(_options: argparse.Namespace) -> None:
    _in_loop(app.run(_settings("telegram_token", *CLINIC)))


def _in_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run it in the event loop that is fastest where it runs."""
    with asyncio.Runner(loop_factory=app.new_event_loop) as runner:
        runner.run(work)


def _web(_options: argparse.Namespace) -> None:
    _in_loop(app.web(_settings(*WEB, on_postgres_for="web")))


def _worker(_options: argparse.Namespace) -> None:
    _in_loop(app.worker(_settings("telegram_token", *CLINIC, on_postgres_for="worker")))


def _demo(options: argparse.Namespace) -> None:
    from bot.demo import demo  # noqa: PLC0415  no other command needs the simulated Telegram

    logs.configure("warning", "text")
    asyncio.run(demo(port=options.port, browser=not options.no_browser))


def _migrate(_options: argparse.Namespace) -> None:
    url = _settings().database_url
    migrate(url)
    print(f"{without_password(url)} is of the current schema, {schema_of(url)}.")


def _invite_owner(_options: argparse.Namespace) -> None:
    settings = _settings("telegram_token", *CLINIC)
    print(asyncio.run(app.invite_owner(settings)))


def _check(_options: argparse.Namespace) -> int:
    found = asyncio.run(check.everything(SystemClock()))
    for line in (*found, check.summary(found)):
        print(line)
    return int(check.is_error(found))


def _ask(options: argparse.Namespace) -> None:
    settings, now = read_settings(), SystemClock().now()
    if options.json:
        for answered in preview.answer_lines(settings, _lines(), now, explain=options.explain):
            print(answered, flush=True)
    elif options.text is None:
        raise SettingsError(["ask: write what is asked, or use --json"])
    else:
        question = preview.question(options.text, hours=options.hours, language=options.lang)
        print(preview.answer_in_words(settings, question, now, explain=options.explain))


def _plan(options: argparse.Namespace) -> None:
    settings = read_settings()
    if options.json and options.html:
        raise SettingsError(["plan: --json and --html do not go together"])
    if options.json and options.at is None:
        rows = preview.plan_lines_json(settings, _lines())
    elif options.at is None and not options.html:
        raise SettingsError(["plan: say when the session ended: --at 2026-11-22T14:30"])
    else:
        rows = _plan_of_one(options, settings)
    for row in rows:
        print(row)


def _plan_of_one(options: argparse.Namespace, settings: Settings) -> Iterator[str]:
    asked = preview.asked_on_command_line(options, SystemClock().now())
    if options.html:
        preview.write_page(settings, asked, options.html)
        return iter([f"{options.html}: the aftercare as a page to print and sign."])
    return (preview.plan_json if options.json else preview.plan_in_words)(settings, asked)


def _lines() -> Iterator[str]:
    """What is piped in, line by line; letters that are none are replaced, not refused."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    return filter(str.strip, sys.stdin)


def _settings(*needed: str, on_postgres_for: str | None = None) -> Settings:
    settings = read_settings(*needed, on_postgres_for=on_postgres_for)
    logs.configure(settings.log_level, settings.log_format)
    for name in filter(os.environ.get, NOT_YET):
        log.warning("setting.not_used_yet", name=name)
    return settings


def _mend(problems: Sequence[str]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aftercare", description="Aftercare on Telegram for microneedling clinics."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, call: Callable[[argparse.Namespace], int | None], about: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=f"{name}: {about}")
        command.set_defaults(call=call)
        return command

    add("run", _run, "everything in one process: receive, answer, send")
    add("web", _web, "receive by webhook, beside `worker` (PostgreSQL)")
    add("worker", _worker, "answer and send, beside `web`; start several (PostgreSQL)")
    demo = add("demo", _demo, "the whole product against a Telegram on this machine")
    demo.add_argument("--port", type=int, default=8765, help="of the page (8765)")
    demo.add_argument("--no-browser", action="store_true", help="only print the page's address")
    add("migrate", _migrate, "bring the database to the current schema")
    add("invite-owner", _invite_owner, "print a one-time link for the clinic's owner")
    add("check", _check, "what is wrong, before it hurts: exit 1 if anything is")
    asked = add("ask", _ask, "what the bot would answer")
    asked.add_argument("text", nargs="?", help="what is asked")
    asked.add_argument("--json", action="store_true", help="JSON lines in, JSON lines out")
    asked.add_argument("--explain", action="store_true", help="also print what decided")
    asked.add_argument("--hours", type=float, help="hours since the session ended")
    asked.add_argument("--lang", default="en", help="the reader's language (en)")
    planned = add("plan", _plan, "the messages one session would lead to")
    planned.add_argument("--json", action="store_true", help="JSON lines out (in, without --at)")
    preview.add_plan_options(planned)
    return parser


if __name__ == "__main__":
    sys.exit(main())
