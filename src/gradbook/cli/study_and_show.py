"""Runs a study and shows it, from its first trial to its page; writes or scores its best recipe."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from time import monotonic

from gradbook.amounts import counted, duration, percent
from gradbook.cli.output import can_redraw, can_say, print_event, show, width, write_or_print
from gradbook.cli.screen import Screen
from gradbook.errors import FileError, UsageError
from gradbook.files import renew, write_whole
from gradbook.interruption import heard_alike
from gradbook.lab.study.run_study import FORBIDDEN, StudyFolder, StudyListener, best_trial, study
from gradbook.lab.study.study_plan import StudyPlan
from gradbook.report.study import TrialRecord, study_heading, study_summary, trial_line
from gradbook.report.styled_text import QUIET, Span, TextLine, fold
from gradbook.report.training_text import EMPTY, FULL
from gradbook.system import cores
from gradbook.work.cluster import ClusterCrew, ClusterError
from gradbook.work.processes import ProcessCrew

BAR = 30  # columns
TOLD = ("number", "parameters", "value", "state", "bits", "network_parameters")  # to programs
HINT = "Ctrl-C stops; --resume continues, and nothing is trained twice"


def search(folder: StudyFolder, plan: StudyPlan, options: Namespace) -> bool:
    """Start or continue the study; whether it came to its end."""
    renew(folder.path)
    display = _AsEvents() if options.json else _OnScreen() if can_redraw(sys.stdout) else _AsLines()
    workers = options.workers or cores()
    threads = None if options.on else max(cores() // workers, 1)
    try:
        with (
            heard_alike(),
            ClusterCrew(options.on) if options.on else ProcessCrew(workers) as crew,
        ):
            if not options.resume:
                folder.begin(plan)
                plan = folder.plan()  # as it will be read when it is continued
            with display:
                records = study(folder, plan, crew, threads, display)
                display.doing("writing the page")
                _write_page(folder, plan, records)
    except (ClusterError, FileError) as error:
        if not folder.holds_a_study:
            raise
        again = shlex.join(["gradbook", "study", "--resume", str(folder.path)])
        raise type(error)(f"{error.message}; then continue with {again}") from error
    except KeyboardInterrupt:
        if not folder.holds_a_study:
            raise
        display.on_stop(folder)
        return False
    display.on_end(folder, records)
    if not best_trial(records):
        why = next((str(record["why"]) for record in records if record["why"]), "")
        because = f" ({why})" if why else ""
        raise UsageError(
            f"no recipe of {folder.path} finished its training{because}: change what varies "
            "or is allowed, and start another study"
        )
    return True


def _write_page(folder: StudyFolder, plan: StudyPlan, records: Sequence[TrialRecord]) -> None:
    from gradbook.report.markup import report_page
    from gradbook.report.study import study_report

    name = plan.name or folder.path.name
    command = f"gradbook study --resume {folder.path}"
    report = study_report(name, records, folder.search().importance(), command)
    write_whole(folder.report_file, report_page(report))


class _Display(StudyListener):
    """Listens to a study while it is open."""

    def __enter__(self) -> _Display:
        return self

    def __exit__(self, *_: object) -> None: ...

    def doing(self, what: str) -> None: ...

    def on_end(self, folder: StudyFolder, records: Sequence[TrialRecord]) -> None: ...

    def on_stop(self, folder: StudyFolder) -> None: ...


class _AsEvents(_Display):
    """One JSON object per line."""

    def on_start(self, plan: StudyPlan, folder: StudyFolder) -> None:
        print_event("started", study=plan.name, folder=str(folder.path), trials=plan.trials)

    def on_trial(self, record: TrialRecord, best: TrialRecord | None) -> None:
        print_event("trial", **record)

    def on_end(self, folder: StudyFolder, records: Sequence[TrialRecord]) -> None:
        best = best_trial(records)
        print_event(
            "done",
            folder=str(folder.path),
            best=best["number"] if best else None,
            trials=[{key: record[key] for key in TOLD} for record in records],
        )

    def on_stop(self, folder: StudyFolder) -> None:
        print_event("stopped", resume=str(folder.path))


class _AsLines(_Display):
    """One line per trial."""

    def on_start(self, plan: StudyPlan, folder: StudyFolder) -> None:
        most = f"{plan.most:,} recipes" if plan.trials or plan.sampler != "grid" else "all recipes"
        names = ", ".join(hole.name for hole in plan.template.holes)
        self.say([*fold(f"{most} that differ in {names}", width()), []])
        self.say(study_heading())

    def on_trial(self, record: TrialRecord, best: TrialRecord | None) -> None:
        self.say([trial_line(record, is_best=record is best)])

    def on_end(self, folder: StudyFolder, records: Sequence[TrialRecord]) -> None:
        best = best_trial(records)
        summary = study_summary(records, best)
        lines = [[], *fold(summary, width())]
        lines.append([Span(f"wrote {folder.report_file}, {folder.table_file.name}")])
        if best:
            lines.append([Span(f"the best as a recipe: gradbook study best {folder.path} -o …")])
        show(lines)

    def on_stop(self, folder: StudyFolder) -> None:
        again = f"stopped; continue with: gradbook study --resume {folder.path}"
        show(list(fold(again, width())))

    def say(self, lines: list[TextLine]) -> None:
        show(lines)
        print(end="", flush=True)


class _OnScreen(_AsLines):
    """The same, with the progress below it."""

    def __init__(self) -> None:
        self.screen = Screen(self.foot)
        self.since = monotonic()
        self.most = self.counted = self.running = self.trained = 0
        self.best: TrialRecord | None = None
        self.busy = "reading earlier results"

    def __enter__(self) -> _Display:
        self.screen.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.screen.__exit__()

    def on_start(self, plan: StudyPlan, folder: StudyFolder) -> None:
        super().on_start(plan, folder)
        self.most = plan.most if plan.trials or plan.sampler != "grid" else 0
        self.since = monotonic()

    def on_trial(self, record: TrialRecord, best: TrialRecord | None) -> None:
        self.counted += record["state"] != FORBIDDEN
        self.best = best
        super().on_trial(record, best)

    def at_work(self, tasks: int, done: int) -> None:
        self.running, self.trained, self.busy = tasks, done, ""

    def doing(self, what: str) -> None:
        self.busy = what

    def say(self, lines: list[TextLine]) -> None:
        self.screen.say(lines)

    def foot(self, columns: int, rows: int) -> list[TextLine]:
        if self.busy:
            return [[], [Span(self.busy, "cyan")]]
        spent = monotonic() - self.since
        parts = [f"{self.counted:,} of {self.most:,}" if self.most else f"{self.counted:,}"]
        parts.append(f"{counted(self.running, 'training')} running")
        if self.best:
            parts.append(f"best {percent(self.best['value'])} in trial {self.best['number']}")
        if self.trained and self.most:
            left = spent / self.trained * max(self.most - self.counted, 0)
            parts.append(f"{3600 * self.trained / spent:,.0f} per hour, {duration(left)} left")
        return [[], [Span(self._bar()), Span(", ".join(parts))], [Span(HINT, QUIET)]]

    def _bar(self) -> str:
        if not self.most:
            return ""
        full, rest = (FULL, EMPTY) if can_say(FULL + EMPTY) else ("#", "-")
        filled = BAR * self.counted // self.most
        return full * filled + rest * (BAR - filled) + "  "


# The best recipe.


def write_best(folder: StudyFolder, options: Namespace) -> None:
    """Write the best recipe to a file or print it; for a program, with its results."""
    plan, best = folder.plan(), best_trial(folder.records())
    if best is None:
        raise UsageError(f"no recipe of {folder.path} has finished training yet")
    title = f"{plan.name or folder.path.name} {best['number']}"
    about = f"the best of a study, {percent(best['value'])} of the images held back"
    recipe = f"recipe {title}\nabout {about}\n{best['recipe']}"
    if options.json:
        results = {key: best[key] for key in TOLD}
        print_event("best", folder=str(folder.path), **results, recipe=recipe)
        if options.out:
            write_whole(options.out, recipe)
    else:
        write_or_print(recipe, options.out)
