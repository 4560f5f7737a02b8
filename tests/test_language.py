"""Every language says all that English says, and writes numbers as its readers do."""

from __future__ import annotations

from collections import Counter
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir

import gradbook as gb
from gradbook.errors import UsageError
from gradbook.language import CATALOGUES, LANGUAGES, in_language, system_language, tr, tr_count
from gradbook.language.text_width import pad, text_width, wrap
from scripts.catalogues import (
    KEYWORDS,
    METHODS,
    catalogue,
    compiled,
    messages,
    template,
    untranslated,
    updated,
)
from tests.cases import for_each
from tests.conftest import UNTRANSLATED
from tests.pseudo import pseudo_language, spelled

OTHERS = ["de", "es", "fr", "ko", "pt", "vi", "zh"]
LONG = 9  # letters: shorter words may be the same in several languages
SAME = 4  # languages


def parts(message: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(message) if name is not None}


@pytest.mark.parametrize("code", OTHERS)
def test_what_is_not_translated_yet_is_counted_and_said_in_english(code, record_property):
    missing = [message.id for message in untranslated(updated(code))]
    record_property(UNTRANSLATED, [code, len(missing)])
    with in_language(code):
        for english in missing:
            if isinstance(english, str):
                assert tr(english, **{name: name for name in parts(english)}) == english.format(
                    **{name: name for name in parts(english)}
                )


@for_each("code", OTHERS)
def test_translations_have_the_parts_of_their_messages(code):
    for message in catalogue(code):
        if not message.string:
            continue
        if isinstance(message.id, tuple):  # one of a thing may be said without a number
            *singles, several = map(parts, message.string)
            assert several == parts(message.id[1]), message.id
            assert all(single <= several for single in singles), message.id
        elif message.id:
            assert parts(message.string) == parts(message.id), message.id


def test_no_message_is_said_in_the_same_words_in_many_languages():
    said = [{it.id: it.string for it in catalogue(code) if it.id} for code in OTHERS]
    for english in said[0]:
        words = [own.get(english) for own in said]
        ((most, count),) = Counter(words).most_common(1)
        if most and most != english and len(most) >= LONG:
            assert count < SAME, (english, most)


@for_each("code", OTHERS)
def test_what_is_shipped_is_what_is_translated(code):
    assert (CATALOGUES / f"{code}.mo").read_bytes() == compiled(catalogue(code))


def test_every_message_can_be_filled_in():
    for message in template():
        for english in message.id if isinstance(message.id, tuple) else (message.id,):
            assert all(name for name in parts(english)), english


def test_what_is_said_of_one_thing_is_no_message_of_its_own():
    """A language with one form for all would say the plural's there, with its {count}."""
    found = {message for _, message in messages()}
    singles = {message[0] for message in found if isinstance(message, tuple)}
    assert singles & found == set()


SAID = {
    "of.py": """f"<h2>{tr('Contents')}</h2>"
WORDS = {"if": mark("if")}
tr_count("{count} input", "{count} inputs", len(inputs))
raise UsageError(Message("What is {name}?", name=name))
not_said("not a message")
""",
    "web/of.js": 'const words = { there: mark("there") }\ntrCount("{n} step", "{n} steps", n)\n',
    "web/of.html": "<p>[[the input|name]]</p>",
}


def test_messages_are_gathered_wherever_they_are_said(tmp_path):
    """Within an f-string, in a table, with a plural, or alone."""
    (tmp_path / "web").mkdir()
    for name, text in SAID.items():
        (tmp_path / name).write_text(text)
    gathered = {
        message for _, _, message, *_ in extract_from_dir(tmp_path, METHODS, None, KEYWORDS)
    }
    plurals = {("{count} input", "{count} inputs"), ("{n} step", "{n} steps")}
    assert gathered == {"Contents", "if", "What is {name}?", "there", "the input", *plurals}


def test_a_message_is_said_with_its_parts():
    with pseudo_language():
        assert tr("The sample is {values}.", values="abc") == f"{spelled('The sample is ')}abc."
        assert tr_count("{count} step", "{count} steps", 2) == f"2 {spelled('steps')}"
    assert tr("The sample is {values}.", values="abc") == "The sample is abc."


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"no language 'tlh': it is one of en"), in_language("tlh"):
        pass


def test_the_system_says_which_language(monkeypatch):
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "tlh_KL.UTF-8")
    assert system_language() == "en"
    for code in LANGUAGES:
        monkeypatch.setenv("LC_ALL", f"{code}_XX.UTF-8")
        assert system_language() == code


def test_a_derivation_has_the_language_s_decimal_sign():
    with pseudo_language():
        text = str(gb.explain(gb.builtin("worked")))
    assert spelled("The chain rule: ") in text
    assert "0,1064777" in text
    assert "w1 = 0,15; w2 = 0,2; " in text  # as a comma would be one too many
    assert "0.1064777" not in text


# Room ------------------------------------------------------------------------

CHINESE = (
    "反向传播：权重的变化（学习率 η = 1）改变它所馈入的值，下一个值也随之改变，一直到误差 E_total。"
)
KOREAN = "가중치가 바뀌면 그 가중치가 먹이는 값이 바뀌고, 다음 값이 바뀌어 오차까지 이어집니다."


@for_each("text", [CHINESE, KOREAN, "plain words, and a plain end"])
@for_each("columns", [12, 17, 30])
def test_lines_have_the_room_that_there_is(text, columns):
    lines = wrap(text, columns)
    assert all(text_width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert not any(line[0] in "，。：）" or line[-1] in "（" for line in lines)


def test_korean_breaks_between_words():
    assert {word for line in wrap(KOREAN, 20) for word in line.split()} == set(KOREAN.split())


def test_wide_letters_take_two_columns():
    assert [text_width(text) for text in ("误差 E", "오차", "Größe")] == [6, 4, 5]
    assert pad("误差", 6) == "误差  "
    assert pad("误差", 6, right=True) == "  误差"
