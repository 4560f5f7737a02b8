"""A class's names: as teachers' systems export them, and what can't be a name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from gradbook.errors import DataError, GradbookError
from gradbook.graph.reference import evaluate
from gradbook.lab.classroom import file_stems, kind_of, personalise, read_roster
from gradbook.net import Role, builtin, parse
from gradbook.net.build import training_step
from tests.cases import for_each


def roster(tmp_path, text):
    path = tmp_path / "names.csv"
    path.write_text(text, encoding="utf-8")
    return read_roster(path)


@for_each(
    "text",
    [
        "Ada Lovelace\nAlan Turing\n",
        "name\nAda Lovelace\nAlan Turing\n",
        "ID;Student;Group\n1;Ada Lovelace;a\n2;Alan Turing;b\n",
        "First name,Surname,Email address\nAda,Lovelace,a@b.c\nAlan,Turing,t@b.c\n",
        "Last name\tFirst name\nLovelace\tAda\nTuring\tAlan\n",
        "Ada Lovelace,a@b.c\nAlan Turing,t@b.c\n",
        "Ada,Lovelace\nAlan,Turing\n",
        "\ufeffname\r\n  Ada   Lovelace \r\n\r\nAlan Turing\r\n",
    ],
    ids=["plain", "headed", "semicolons", "moodle", "tabs", "with mail", "two", "excel"],
)
def test_the_names_are_read_in_their_order(text, tmp_path):
    assert roster(tmp_path, text) == ["Ada Lovelace", "Alan Turing"]


CELLS = ("Name", "Vorname", "Nr", "file", "Klasse", "Ada", "7", "a.xlsx", "", "Nom et prénom")
WHOLE, GIVEN_FIRST = ("Ada Lovelace", "7a"), ("Ada", "Lovelace")
HEADS = {
    "Vorname;Nachname": GIVEN_FIRST,
    "Name;Vorname": GIVEN_FIRST[::-1],
    "Name;Klasse": WHOLE,
    "Schüler/in;Klasse": WHOLE,
    "Kind;Klasse": WHOLE,
    "Nom;Prénom": GIVEN_FIRST[::-1],
    "NOM;Classe": WHOLE,
    "Prénom;Nom de famille": GIVEN_FIRST,
    "Nombre;Apellidos": GIVEN_FIRST,
    "Apellido(s);Nombre": GIVEN_FIRST[::-1],
    "Apellidos y nombre;Grupo": WHOLE,
    "Nombre;Primer apellido": GIVEN_FIRST,
    "Cognome;Nome": GIVEN_FIRST[::-1],
    "Nome;Classe": WHOLE,
    "Achternaam;Voornaam": GIVEN_FIRST[::-1],
    "Naam;Klas": WHOLE,
    "Efternavn;Fornavn": GIVEN_FIRST[::-1],
    "Förnamn;Efternamn": GIVEN_FIRST,
    "Sukunimi;Etunimi": GIVEN_FIRST[::-1],
    "Imię;Nazwisko": GIVEN_FIRST,
    "Příjmení;Jméno": GIVEN_FIRST[::-1],
    "Soyadı;Adı": GIVEN_FIRST[::-1],
    "Фамилия;Имя": GIVEN_FIRST[::-1],
    "姓名;班级": WHOLE,
    "FIRST_NAME;Last-Name": GIVEN_FIRST,
    "Given name;Surname": GIVEN_FIRST,
    "Student;ID": WHOLE,
}


@for_each("head", HEADS)
@for_each("separator", [";", ",", "\t"])
def test_headings_are_no_student_in_any_language(head, separator, tmp_path):
    text = f"{head}\n{';'.join(HEADS[head])}\n".replace(";", separator)
    assert roster(tmp_path, text) == ["Ada Lovelace"]


@for_each(
    "heading",
    [
        *("E-Mail-Adresse", "E\u2011Mail", "e-mail address", "Email (private)", "Mail", "eMail"),
        *("Correo electrónico", "Dirección de correo", "Adresse e-mail", "Adresse de courriel"),
        *("E-mailadres", "E-post", "Sähköposti", "Endereço de e-mail", "Indirizzo email"),
        *("이메일", "电子邮箱", "メール", "Эл. почта"),
    ],
)
def test_addresses_are_known_by_their_heading_and_no_names(heading, tmp_path):
    assert kind_of(heading) == "mail"
    path = tmp_path / "names.csv"
    path.write_text(f"{heading};Name\nada@x.org;Ada Lovelace\n", "utf-8")
    assert read_roster(path) == ["Ada Lovelace"]


@for_each("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_list_that_excel_saved_is_read_in_any_encoding(encoding, tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("Vorname;Nachname;Klasse\r\nZoë;Müller;7a\r\nRené;Strauß;7b\r\n", encoding)
    assert read_roster(path) == ["Zoë Müller", "René Strauß"]


def test_one_heading_may_name_both_parts(tmp_path):
    text = 'Name, Vorname;Matrikelnummer\n"Lovelace, Ada";471\nTuring, Alan;472\n'
    assert roster(tmp_path, text) == ["Lovelace, Ada", "Turing, Alan"]


def test_a_dutch_name_has_its_middle_where_it_is_said(tmp_path):
    text = "Achternaam;Tussenvoegsel;Voornaam\nBerg;van den;Anna\nVisser;;Bram\n"
    assert roster(tmp_path, text) == ["Anna van den Berg", "Bram Visser"]


@for_each("first", ["Mark;Smith", "Anna;Klass", "Zak;Year", "Nr;Book"])
def test_a_student_may_be_called_like_a_heading(first, tmp_path):
    """As long as it is no word for a name."""
    assert roster(tmp_path, f"{first}\nAda;Lovelace\n") == [
        first.replace(";", " "),
        "Ada Lovelace",
    ]


@for_each(
    "text",
    [
        "number,name\n3,Ada\n7,Alan\n",
        "7;Ada\n3;Alan\n",
        "Datei;Name\nklasse/Übung 1.xlsx;Ada\nb;Alan\n",
        "ada.xlsx,Ada\nalan.XLSX,Alan\n",
        "number,file,name\n3,,Ada\n,b.xlsx,Alan\n",
    ],
)
def test_numbers_and_files_are_no_names(text, tmp_path):
    assert roster(tmp_path, text) == ["Ada", "Alan"]


@for_each(
    ("text", "told"),
    [
        ("", "the file is empty: write one row per line"),
        ("name\n", "there are no students in it"),
        ("name,group\nAda,1\n,2\n", "row 3: no name in it"),
        ("Ada\nADA\n", r"names are in the list twice \('Ada' in row 1, 'ADA' in row 2\)"),
        ("Ada\nBo\nAda\nbo\n", r"'Ada' in row 1, 'Ada' in row 3, 'Bo' in row 2, 'bo' in row 4"),
        ("name,mail\nAda,a@x\nAda,A@x\n", r"'Ada' in row 2, 'Ada' in row 3"),
        ("name,mail\nAda,a@x\nAda,\n", r"'Ada' in row 2, 'Ada' in row 3"),
        ("Ada\n" + "n" * 99, "longer than 60 characters"),
        ("---\n", "no name in it"),
    ],
)
def test_what_is_no_list_of_names_is_said(text, told, tmp_path):
    with pytest.raises(DataError, match=told):
        roster(tmp_path, text)


@for_each(
    "text",
    [
        "Vorname,Nachname,E-Mail\nMax,Müller,m1@x.org\nIda,Berg,i@x.org\nMax,Müller,m2@x.org\n",
        "Max Müller;m1@x.org\nIda Berg;i@x.org\nMax Müller;m2@x.org\n",
    ],
)
def test_students_of_one_name_are_told_apart_by_their_addresses(text, tmp_path):
    names = ["Max Müller (m1@x.org)", "Ida Berg", "Max Müller (m2@x.org)"]
    assert roster(tmp_path, text) == names


def test_every_name_makes_a_file_of_its_own_on_any_system():
    names = [
        "Ada Lovelace",
        "ada-lovelace",
        "../../etc/passwd",
        "CON",
        "Zoë O’Neil",
        "=1+1",
        "王 明",
    ]
    assert list(file_stems(names)) == [
        "Ada-Lovelace",
        "ada-lovelace-2",
        "etc-passwd",
        "CON",
        "Zoë-O-Neil",
        "1-1",
        "王-明",
    ]


@given(some.lists(some.lists(some.sampled_from(CELLS) | some.text(max_size=9), max_size=4)))
def test_any_table_is_a_list_of_names_or_refused(tmp_path_factory, table):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("\n".join(";".join(row) for row in table), encoding="utf-8", errors="replace")
    try:
        found = read_roster(path)
    except GradbookError:
        return
    assert all(name.isprintable() and len(name) <= 60 for name in found)


SEEDS = range(1, 40)


def gradients(net):
    step = training_step(net)
    slopes = list(step.gradients.values())
    values = evaluate(slopes, {**step.data, **step.start})
    return np.abs(np.concatenate([np.ravel(values[slope]) for slope in slopes]))


def test_a_seed_gives_the_same_weights_again():
    assert personalise(builtin("worked"), 7) == personalise(builtin("worked"), 7)


def test_students_get_weights_of_their_own():
    drawn = {personalise(builtin("worked"), seed).start_values()[Role.WEIGHT] for seed in SEEDS}
    assert len(drawn) == len(SEEDS)


@for_each("seed", SEEDS)
def test_no_gradient_is_lost_or_mistaken_for_another(seed):
    found = np.sort(gradients(personalise(builtin("worked"), seed)))
    assert found[0] > 1e-4 * found[-1]
    assert np.all(np.diff(found) > 1e-4 * found[1:])


def test_weights_can_be_typed_and_none_is_like_another():
    weights = personalise(builtin("worked"), 3).start_values()[Role.WEIGHT]
    assert all(round(w, 2) == w and 0.1 <= abs(w) <= 0.95 for w in weights)
    assert len(set(weights)) == 8


def test_units_that_would_sleep_are_drawn_again():
    net = parse(
        "input 2; dense 3; relu; dense 1; sample 1 0.5 -> 1; sample 0.2 1 -> 0; sample 1 1 -> 0.5"
    )
    awake = [np.count_nonzero(gradients(personalise(net, seed))) for seed in SEEDS]
    assert min(awake) == net.count()


def test_biases_and_scales_are_drawn_too():
    net = parse("input 1; dense 2; batchnorm; dense 1; sample 1 -> 1; sample 2 -> 0")
    start = personalise(net, 1).start_values()
    assert 0 not in start[Role.BIAS]
    assert all(0.6 <= scale <= 1.4 for scale in start[Role.SCALE])


def test_the_rest_of_the_network_stays_as_it_is():
    net = personalise(builtin("mazur"), 1)
    assert (net.layers, net.samples, net.rate) == (
        builtin("mazur").layers,
        builtin("mazur").samples,
        0.5,
    )
