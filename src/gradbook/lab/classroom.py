"""A class: its names, as a teacher's system exports them, and start weights for each student."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar
from unicodedata import combining, normalize

import numpy as np

from gradbook.data.formats.cells import CellRow, read_list
from gradbook.errors import DataError, LimitError, steers
from gradbook.graph.reference import evaluate
from gradbook.net import Net, Role
from gradbook.net.build import training_step
from gradbook.net.formulas import Formulas
from gradbook.net.lower import scalar_step

LONGEST = 60  # characters of a name
MOST_STUDENTS = 2_000
MOST_SAID = 40  # names in an error
STEM_LENGTH = 60  # characters of a file's name
_NO_NAME = re.compile(r"[\W_]*")
_OTHER = re.compile(r"[@\d]|^$")  # in a cell that isn't a name
_NUMBER = re.compile(r"[0-9]{1,9}")
_BOOK = re.compile(r".*\.xls[xm]", re.IGNORECASE | re.DOTALL)


# Headings of columns ------------------------------------------------------------------


# In small letters without accents, in the languages of Europe and in Turkish, Chinese, Japanese and
# Korean. "name" is a whole name or the part that the column beside it leaves: Nom beside Prénom;
# "whole" is always a whole name; "other" is what else lists of names contain.
HEADINGS = {
    "name": "name, names, namen, nom, noms, nombre, nombres, nome, naam, navn, namn, nimi, jmeno, "
    "meno, nev, 이름, 성명",
    "given": "first name, firstname, given name, given names, forename, vorname, vornamen, "
    "rufname, prenom, prenoms, nombre de pila, nome proprio, voornaam, roepnaam, primeiro "
    "nome, fornavn, fornamn, etunimi, imie, krestni jmeno, keresztnev, utonev, adı, имя, "
    "名",
    "family": "last name, lastname, surname, family name, nachname, nachnamen, familienname, "
    "zuname, nom de famille, apellido, apellidos, primer apellido, cognome, achternaam, "
    "familienaam, sobrenome, apelido, efternavn, etternavn, efternamn, sukunimi, "
    "nazwisko, prijmeni, priezvisko, vezeteknev, soyadı, soyad, фамилия, 姓",
    "whole": "student, students, student name, name of student, full name, display name, pupil, "
    "learner, schuler, schulerin, schuler in, schuelerin, schueler, student in, "
    "studentin, studierende, teilnehmer, teilnehmerin, vollstandiger name, vor und "
    "nachname, eleve, eleves, etudiant, etudiante, nom complet, alumno, alumna, "
    "estudiante, nombre completo, alunno, alunna, studente, studentessa, nome completo, "
    "nominativo, leerling, volledige naam, aluno, aluna, elev, oppilas, opiskelija, "
    "uczen, tanulo, ad soyad, adı soyadı, ogrenci, фио, ученик, студент, 姓名, 名字, 氏名, 名前, "
    "학생",
    "between": "middle name, segundo apellido, tussenvoegsel, tussenvoegsels, mellemnavn, "
    "mellomnavn, отчество",
    "and": "and, und, et, y, e, en, og, och, i, и",
    "mail": "email, mail, emails, mails, emailadresse, mailadresse, emailadressen, mailadressen, "
    "courriel, correo, mailadres, emailadres, e post, e postadresse, epost, e postadress, "
    "sahkoposti, почта, 邮箱, 电子邮箱, 电子邮件, 邮件, メール, 이메일, 메일",
    "other": "class, group, course, section, id, id number, student id, number, no, nr, points, "
    "grade, score, year, school, klasse, kurs, gruppe, matrikelnummer, nummer, punkte, "
    "note, jahrgang, schule, geburtsdatum, classe, groupe, numero, identifiant, clase, "
    "curso, grupo, puntos, gruppo, corso, matricola, punti, klas, groep, leerlingnummer, "
    "studentnummer, punten, turma, klass, luokka, klasa, trida, osztaly, sınıf, класс, "
    "班级, クラス, 반, 학번",
}  # fmt: skip
WORDS = {
    kind: {normalize("NFKD", word.strip()) for word in words.split(",")}
    for kind, words in HEADINGS.items()
}
NUMBERS = {"number", "no", "nr", "exercise", "exercise number", "seed"}
NUMBERS |= {"nummer", "numero", "aufgabe"}
FILES = {"file", "file name", "filename", "book", "workbook", "datei", "dateiname", "mappe"}
FILES |= {"fichier", "archivo", "fichero", "bestand", "ficheiro"}


def _word(heading: str) -> str:
    """A heading in small letters, without accents, marks and parentheses."""
    plain = normalize("NFKD", re.sub(r"\([^)]{0,80}\)", " ", heading)).casefold()
    letters = "".join(letter for letter in plain if not combining(letter))
    return " ".join(re.sub(r"[\W_]+", " ", letters).split())


def kind_of(heading: str) -> str:
    """The kind of a column with this heading, one of WORDS; '' if it isn't a known heading."""
    return _kind(_word(heading))


def _kind(word: str) -> str:
    kind = next((kind for kind, words in WORDS.items() if word in words), "")
    if not kind and not WORDS["mail"].isdisjoint(word.split()):
        return "mail"
    parts = [part for part in word.split() if part not in WORDS["and"]]
    is_name = len(parts) > 1 and all(_kind(part) in ("name", "given", "family") for part in parts)
    return kind or ("whole" if is_name else "")


def _columns(rows: Sequence[CellRow]) -> tuple[tuple[int, ...], bool]:
    """The columns of a list that contain names, and whether the list has a heading."""
    words = [_word(cell) for cell in rows[0].cells]
    kinds = [_kind(word) for word in words]
    named = _named(kinds)
    is_heading = [
        bool(kind) or word in NUMBERS | FILES for kind, word in zip(kinds, words, strict=True)
    ]
    if not named and not any(_is_over_others(rows, k) for k, it in enumerate(is_heading) if it):
        return _without_head(rows), False
    others = tuple(k for k, is_it in enumerate(is_heading) if not is_it) or (0,)
    return named or _first_ones(rows[1:], others), True


def _is_over_others(rows: Sequence[CellRow], column: int) -> bool:
    """Whether the cells below aren't names either: Klass is a heading, and also somebody's name."""
    below = [row.cells[column] for row in rows[1:]]
    return any(below) and all(map(_OTHER.search, below))


def _named(kinds: Sequence[str]) -> tuple[int, ...]:
    """The columns with names, in the order in which a name is read; empty if there is none."""
    at = {kind: tuple(k for k, heading in enumerate(kinds) if heading == kind) for kind in WORDS}
    forename, family = at["given"], at["family"]
    if forename and family:
        return forename + at["between"] + family
    if at["whole"]:
        return at["whole"][:1]
    if family:
        return at["name"][:1] + family + at["between"]
    return forename + at["name"][:1]


def _without_head(rows: Sequence[CellRow]) -> tuple[int, ...]:
    """The columns with names by their cells: neither numbers nor files, if there are any others."""
    columns = list(zip(*(row.cells for row in rows), strict=True))
    others = tuple(
        k
        for k, cells in enumerate(columns)
        if not all(map(_NUMBER.fullmatch, cells)) and not all(map(_BOOK.fullmatch, cells))
    )
    return _first_ones(rows, others or (0,))


def _first_ones(rows: Sequence[CellRow], columns: Sequence[int]) -> tuple[int, ...]:
    """The columns with names if no heading says so: the first, and a second one with names."""
    beside = [row.cells[columns[1]] for row in rows] if len(columns) == 2 else []
    return tuple(columns[:2] if beside and not any(map(_OTHER.search, beside)) else columns[:1])


# The names --------------------------------------------------------------------------


def read_roster(path: str | os.PathLike[str]) -> list[str]:
    """The students' names in the order of the list, each one different.

    They are in the columns with such a heading in some language or, without one, in the first
    column (the first two, if there are no others). Students of one name are told apart by their
    addresses, if the list has them.
    """
    students = _students(path)
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for number, (_, name, _) in enumerate(students):
        alike[_folded(name)].append(number)
    names = [name for _, name, _ in students]
    for same in alike.values():
        if len({_folded(students[k][2]) for k in same} - {""}) == len(same) > 1:
            for k in same:
                names[k] = f"{names[k]} ({students[k][2]})"
    clashes: defaultdict[str, list[str]] = defaultdict(list)
    for (row, _, _), name in zip(students, names, strict=True):
        clashes[_folded(name)].append(f"{name!r} in row {row.number}")
    twice = [entry for same in clashes.values() for entry in same if len(same) > 1]
    if twice:
        more = f" and {len(twice) - MOST_SAID} more" if len(twice) > MOST_SAID else ""
        listed = ", ".join(twice[:MOST_SAID]) + more
        problem = f"some names are in the list twice ({listed}): tell them apart, for example by "
        raise DataError(f"{problem}a number, or by addresses in a column Email", file=str(path))
    return names


def _folded(name: str) -> str:
    return normalize("NFKC", name).casefold()


def _students(path: str | os.PathLike[str]) -> list[tuple[CellRow, str, str]]:
    """Each row, the name in it and the address, if there is one."""
    rows = read_list(path).rows
    for row in rows:
        for cell in row.cells:
            if steers(cell):  # the list is left as it is
                problem = f"control characters in {cell!r}: type it again"
                raise DataError(problem, file=str(path), row=row.number)
    columns, is_headed = _columns(rows)
    heads = rows[0].cells if is_headed else ()
    rows = rows[is_headed:]
    if not rows:
        raise DataError("there are no students in it: write one name per row", file=str(path))
    if len(rows) > MOST_STUDENTS:
        raise LimitError(f"{path}: more than {MOST_STUDENTS:,} students: use a shorter list")
    columns_there = range(len(rows[0].cells))
    mail = next((k for k, head in enumerate(heads) if kind_of(head) == "mail"), None)
    if mail is None:
        mail = next((k for k in columns_there if all("@" in row.cells[k] for row in rows)), None)
    addresses = ("" if mail is None else _printable(row.cells[mail]) for row in rows)
    names = (_name(row, columns, str(path)) for row in rows)
    return list(zip(rows, names, addresses, strict=True))


def _printable(cell: str) -> str:
    words = " ".join(cell.split())[:LONGEST]
    return "".join(character for character in words if character.isprintable())


def _name(row: CellRow, columns: Sequence[int], file: str) -> str:
    name = " ".join(" ".join(row.cells[k] for k in columns).split())
    plain = "".join(character for character in name if character.isprintable())
    if _NO_NAME.fullmatch(plain):
        raise DataError(f"no name in it: {name!r}", file=file, row=row.number)
    if len(plain) > LONGEST:
        shown = f"{plain[:LONGEST]}…"
        problem = f"{shown!r} is longer than {LONGEST} characters: shorten it"
        raise DataError(problem, file=file, row=row.number)
    return plain


def file_stems(names: Sequence[str]) -> Iterator[str]:
    """A part of a file name for each student that every system accepts: Ada-Lovelace."""
    taken: set[str] = set()
    for name in names:
        words = re.sub(r"[\W_]+", "-", normalize("NFC", name)).strip("-")[:STEM_LENGTH]
        stem, number = words, 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{words}-{number}"
        taken.add(stem.casefold())
        yield stem


# Personal start weights: two decimals, and no two gradients that look alike ---

TRIES = 60
SEEN = 1e-4  # times the largest gradient: smaller ones hide mistakes
APART = 1e-3  # relative difference: closer gradients are mistaken for each other


Exercised = TypeVar("Exercised", "Net", "Formulas", "Net | Formulas")


def personalise(what: Exercised, seed: int | str) -> Exercised:
    """The network, or the formulas, with start values drawn from the seed: a number or a name.

    Of several draws, it is the first in which most gradients differ from 0 and from each other.
    """
    random = Random(f"exercise {seed}")
    count = what.count() if isinstance(what, Net) else len(what.learned)
    drawn = (
        _drawn(what, random) if isinstance(what, Net) else _drawn_near(what, random)
        for _ in range(TRIES)
    )
    best, most = what, -1
    for candidate in drawn:
        told_apart = _distinct_gradients(candidate)
        if told_apart > most:
            best, most = candidate, told_apart
        if most == count:
            break
    return best


def _drawn(net: Net, random: Random) -> Net:
    """Draw values of which no two of a kind are equal, as far as two decimals allow."""
    start = {}
    for role in Role:
        pool = _pool(role)
        random.shuffle(pool)
        count = net.count(role)
        start[role] = tuple(pool[k % len(pool)] for k in range(count))
    return replace(net, start={role: values for role, values in start.items() if values})


def _drawn_near(formulas: Formulas, random: Random) -> Formulas:
    """Draw numbers from half to one and a half of those given, whose sign and size have a meaning;
    for 0, any of a weight's."""
    drawn = {
        name: float(f"{value * random.uniform(0.5, 1.5):.2g}")
        if (value := formulas.numbers[name][0])
        else random.choice(_pool(Role.WEIGHT))
        for name in formulas.learned
    }
    numbers = {
        name: (drawn[name],) if name in drawn else it for name, it in formulas.numbers.items()
    }
    return replace(formulas, numbers=numbers)


def _pool(role: Role) -> list[float]:
    """The possible values: those of the role's card, or on both sides of 0 and not too close to
    it."""
    if role.card.drawn:
        lowest, highest = (round(100 * limit) for limit in role.card.drawn)
        return [k / 100 for k in range(lowest, highest + 1)]
    return [sign * k / 100 for k in range(10, 96) for sign in (1, -1)]


def _distinct_gradients(what: Net | Formulas) -> int:
    """The number of gradients that are neither 0 nor like another; none if one isn't a number."""
    step = training_step(what) if isinstance(what, Net) else scalar_step(what)
    slopes = list(step.gradients.values())
    with np.errstate(all="ignore"):
        values = evaluate(slopes, {**step.data, **step.start})
    if not all(np.isfinite(values[slope]).all() for slope in slopes):
        return -1
    sizes = np.sort(np.abs(np.concatenate([np.ravel(values[slope]) for slope in slopes])))
    large = sizes[sizes > SEEN * sizes[-1]]
    return int(np.sum(np.diff(large, prepend=0) > APART * large))
