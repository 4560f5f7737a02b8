"""The site: a handler for each path, and a private folder that is removed at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Lock

from gradbook import limits
from gradbook.folders import temporary_folder
from gradbook.language.message import Message, translate
from gradbook.report.serving import serve_page
from gradbook.serve.books import HandedInBooks
from gradbook.serve.classroom import PACKED, Classroom
from gradbook.serve.crew import Crew
from gradbook.serve.marking import CORRECTED, MARKED, Desk, Ways, detail, growth
from gradbook.serve.requests import (
    NOTHING,
    Answer,
    Field,
    RefusalError,
    Request,
    check_fields,
    json_answer,
    options,
    record,
)
from gradbook.serve.texts import FIELDS, KeptResults, made_of_text

LONGEST_TASK = 120.0  # seconds, as for a book of a class
MOST_CLASSES = 50
MOST_BYTES = 4 * 2**30  # for all books together
LONGEST_NAME = 2_000  # characters of an announced file's name
WAYS = {
    "points": Field(bool, usual=False),
    "out_of": Field(float, 1e-9, 1e9),
    "hints": Field(bool, usual=False),
    "repeated": Field(float, 0, 1e9, usual=1.0),
    "accept_elsewhere": Field(bool, usual=False),
}
GROWTH = WAYS | {"since": Field(int, 0, usual=0)}
ANNOUNCED = {"books": Field(list, 0, 10_000, is_needed=True)}
FILE = {
    "name": Field(str, 1, LONGEST_NAME, is_needed=True),
    "size": Field(int, 0, 2**53, is_needed=True),
}

Action = Callable[..., Answer]


class Site:
    """All that a page can ask for. The numbers in a path are passed to its handler."""

    def __init__(self, folder: Path, crew: Crew, room: Classroom | None = None) -> None:
        self.folder = folder
        self.crew = crew
        self.desk = Desk(crew, folder)
        self.results = KeptResults(folder / "texts")
        self._classes: dict[int, HandedInBooks] = {}
        self._numbers = count(1)
        self._lock = Lock()
        page = serve_page(has_class=room is not None).encode()
        book = "classes/#/books/#"
        self.routes: dict[str, Mapping[str, Action]] = {
            "": {"GET": lambda request: Answer(page, ".html")},
            "classes": {"POST": self._begin},
            "classes/#": {"GET": self._growth, "DELETE": self._clear},
            "classes/#/books": {"POST": self._announce},
            book: {"PUT": self._receive, "GET": self._detail, "DELETE": self._give_up},
            f"{book}/{MARKED}": {"GET": self._copy},
            f"{book}/{CORRECTED}": {"GET": self._copy},
            "classes/#/common": {"GET": self._common},
            "classes/#/page": {"GET": self._class_page},
            "classes/#/class.html": {"GET": self._class_page},
            "classes/#/grades.csv": {"GET": self._grades},
            f"classes/#/{MARKED}.zip": {"GET": self._archive},
            f"classes/#/{CORRECTED}.zip": {"GET": self._archive},
            **{kind: {"POST": self._text} for kind in FIELDS},
            "texts/#/*": {"GET": self._result},
        }
        if room:  # the class whose folder was named
            self.routes |= {
                "class": {"GET": room.state, "POST": room.begin},
                "class/handed-in": {"POST": room.take_in},
                "class/marks": {"POST": room.mark, "PUT": room.enter},
                "class/class.html": {"GET": room.page},
                **{f"class/{kind}.zip": {"GET": room.packed} for kind in PACKED},
            }

    def answer(self, request: Request) -> Answer:
        """The answer to a request, or a refusal."""
        parts, numbers = request.path.split("/"), list[int]()
        for k, part in enumerate(parts):
            if re.fullmatch("[0-9]{1,9}", part):
                numbers.append(int(part))
                parts[k] = "#"
        if parts[:2] == ["texts", "#"] and len(parts) > 2:
            parts[-1] = "*"  # the name of a result's file
        methods = self.routes.get("/".join(parts))
        if methods is None:
            raise RefusalError(404, "there is no such address")
        if request.method not in methods:
            raise RefusalError(405, f"use {' or '.join(methods)} here")
        return methods[request.method](request, *numbers)

    # Classes

    def _begin(self, request: Request) -> Answer:
        with self._lock:
            if len(self._classes) >= MOST_CLASSES:
                why = Message("there are {most} classes already: remove one", most=MOST_CLASSES)
                raise RefusalError(409, why)
            number = next(self._numbers)
            self._classes[number] = HandedInBooks(self.folder / f"class-{number}", self.crew)
        return json_answer({"class": number}, 201)

    def _class(self, number: int) -> HandedInBooks:
        if number not in self._classes:
            raise RefusalError(404, Message("that class is no longer here: reload the page"))
        return self._classes[number]

    def _clear(self, request: Request, number: int) -> Answer:
        books = self._class(number)
        with self._lock:
            self._classes.pop(number, None)
        books.clear()
        return NOTHING

    def _announce(self, request: Request, number: int) -> Answer:
        books = self._class(number)
        asked = record(request.content.whole(), ANNOUNCED)["books"]
        files = [check_fields(file, FILE) for file in asked]
        awaited, left = books.announce([(file["name"], file["size"]) for file in files])
        return json_answer(
            {
                "books": [{"number": one.number, "given": one.original_name} for one in awaited],
                "left": [{"name": name, "why": translate(why)} for name, why in left.items()],
            }
        )

    def _receive(self, request: Request, number: int, book: int) -> Answer:
        books, size = self._class(number), request.content.left
        if sum(one.size for one in list(self._classes.values())) + size > MOST_BYTES:
            raise RefusalError(413, Message("all workbooks together are too large: remove a class"))
        books.receive(book, request.content.pieces(limits.BOOK.most), size)
        return NOTHING

    def _give_up(self, request: Request, number: int, book: int) -> Answer:
        self._class(number).give_up(book)
        return NOTHING

    def _growth(self, request: Request, number: int) -> Answer:
        asked = options(request.query, GROWTH)
        since = asked.pop("since")
        return json_answer(growth(self._class(number), since, Ways(**asked)))

    def _detail(self, request: Request, number: int, book: int) -> Answer:
        return detail(self._class(number).book(book), _ways(request))

    def _common(self, request: Request, number: int) -> Answer:
        return self.desk.in_common(self._class(number), _ways(request), request)

    def _class_page(self, request: Request, number: int) -> Answer:
        return self.desk.page(self._class(number), _ways(request), request)

    def _grades(self, request: Request, number: int) -> Answer:
        return self.desk.grades(self._class(number), _ways(request))

    def _copy(self, request: Request, number: int, book: int) -> Answer:
        kind = request.path.rpartition("/")[2]
        return self.desk.copy(self._class(number).book(book), kind, _ways(request), request)

    def _archive(self, request: Request, number: int) -> Answer:
        kind = request.path.rpartition("/")[2].removesuffix(".zip")
        return self.desk.archive(self._class(number), kind, _ways(request), request)

    # Texts

    def _text(self, request: Request) -> Answer:
        kind = request.path
        asked = record(request.content.whole(), FIELDS[kind])
        return json_answer(
            self.results.keep(self.desk.result(made_of_text(kind, asked), request)), 201
        )

    def _result(self, request: Request, number: int) -> Answer:
        return self.results.file(number, request.path.rpartition("/")[2])


def _ways(request: Request) -> Ways:
    return Ways(**options(request.query, WAYS))


@contextmanager
def opened_site(workers: int, of_class: Path | None = None, force: bool = False) -> Iterator[Site]:
    """A site with its workers and its private folder, which end with the block.

    The folder of a class belongs to the teacher, and is kept.
    """
    with temporary_folder() as folder:
        crew = Crew(workers, LONGEST_TASK)
        try:
            yield Site(folder, crew, Classroom(of_class, workers, force) if of_class else None)
        finally:
            crew.close()
