"""The derivation as LaTeX and Markdown: names, brackets, and only what every renderer knows."""

from __future__ import annotations

import re

from gradbook.graph.names import SAMPLE_ERROR, TOTAL_ERROR, Name
from gradbook.net import parse
from gradbook.net.lower import scalar_step
from gradbook.targets.algebra import tex
from gradbook.targets.algebra.derive import derive
from gradbook.targets.algebra.forms import (
    Bracket,
    Comparison,
    EquationLine,
    Factors,
    Fraction,
    Function,
    Numeral,
    Partial,
    Symbol,
    Transposed,
)
from gradbook.targets.algebra.printing import width
from gradbook.targets.algebra.tex import (
    TexPrinter,
    decimal,
    escape,
    rows,
    spell,
    spell_inline,
    symbol,
)
from tests.cases import for_each
from tests.targets.algebra.samples import NAMES, document_of

h = Name("h", (1,))
a, b = Symbol(Name("a")), Symbol(Name("b"))

NAMED = {
    "w_{5}": Name("w", (5,)),
    "a_{h_{1}}": Name("a", of=h),
    "a_{h_{1,2}}": Name("a", of=Name("h", (2,), layer=1)),
    "c_{2,1,3}": Name("c", (2, 1, 3)),
    r"E_{\text{total}}": TOTAL_ERROR,
    r"E_{\text{sample}}": SAMPLE_ERROR,
    r"\hat{w}_{5}": Name("ŵ", (5,)),
    r"\eta": Name("η"),
    r"\sigma^2_{1}": Name("σ²", (1,)),
    "v_{w_{5}}": Name("v", of=Name("w", (5,))),
}


@for_each(("said", "name"), NAMED.items(), ids=NAMED)
def test_names_have_their_places_below(said, name):
    assert symbol(name) == said


def test_vectors_are_bold():
    assert symbol(Name("W", of=Name("h")), bold=True) == r"\mathbf{W}_{h}"
    assert symbol(Name("δ", of=Name("h")), bold=True) == r"\boldsymbol{\delta}_{h}"
    assert symbol(Name("Ŵ", of=Name("h")), bold=True) == r"\hat{\mathbf{W}}_{h}"


SPELLINGS = {
    r"\frac{\partial a}{\partial b}": Partial(a, b),
    r"\frac{a + b}{b}": (a + b) / b,
    r"\tfrac{1}{2} \cdot a": Fraction(Numeral(1), Numeral(2)) * a,
    r"\Bigl(\frac{a}{b}\Bigr)^{2}": (a / b) ** 2,
    r"{\sigma^2}^{2}": Symbol(Name("σ²")) ** 2,
    r"a \cdot (-0.5)": a * -0.5,
    r"\sigma'(a)": Function("σ′", (a,)),
    r"\mathrm{softmax}(a)": Function("softmax", (a,)),
    r"[a\text{ is }b]": Bracket(Comparison(a, "is", b)),
    r"(a\,b) \odot a^{2}": Factors((Factors((a, b), ""), a**2), "⊙"),
    r"a^{\mathsf{T}}": Transposed(a),
    r"1.5 \cdot 10^{-8}": Numeral(1.5e-8),
}


@for_each(("said", "form"), SPELLINGS.items(), ids=SPELLINGS)
def test_forms_are_spelled_as_tex_has_them(said, form):
    assert spell(form).replace(" ", "") == said.replace(" ", "")


def test_fractions_in_a_sentence_have_a_slash():
    assert spell_inline(Partial(a, b)) == r"\partial a/\partial b"
    assert spell_inline(1 / (a + b)) == "1/(a + b)"


def test_powers_of_ten_are_written_out():
    assert decimal(-1e-8) == "-10^{-8}"
    assert decimal(float("-inf")) == r"-\infty"


def test_what_tex_takes_for_its_own_is_escaped():
    assert escape(r"50% of {x}_1 & \more") == r"50\% of \{x\}\_1 \& \textbackslash{}more"
    assert escape("naïve 数 þ") == "naïve ? ?"


def test_a_fraction_is_as_wide_as_its_wider_part():
    write = TexPrinter().write
    assert width(write((a + b) / a)) == width(write(a + b)) > width(write(a / b))


# Documents -------------------------------------------------------------------


@for_each("name", NAMES)
def test_every_brace_and_environment_is_closed(name):
    text = tex.write_latex(document_of(name))
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    begun, ended = (re.findall(rf"\\{word}{{([^}}]*)}}", text) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    assert bare.count("$") % 2 == 0


KNOWN = """
    begin end frac tfrac partial text mathrm mathbf boldsymbol mathsf cdot odot star ast sum sqrt
    approx leftarrow quad sigma mu eta gamma beta delta ln exp tanh sinh cosh max Bigl Bigr
    cdots infty colon
""".split()  # noqa: SIM905


@for_each("name", NAMES)
def test_markdown_keeps_to_what_katex_and_mathjax_both_know(name):
    text = tex.write_markdown(document_of(name))
    formulas = re.findall(r"```math\n(.*?)\n```|\$`([^`]*)`\$", text, re.DOTALL)
    commands = {found for pair in formulas for found in re.findall(r"\\([A-Za-z]+)", "".join(pair))}
    assert commands <= set(KNOWN)
    environments = set(re.findall(r"\\begin\{(\w+)\}", text))
    assert environments <= {"aligned", "cases"}


def test_a_left_side_as_wide_as_the_page_breaks_the_line_anyway():
    line = EquationLine(a + b, "=", a + b)
    assert rows([line], width(TexPrinter().write(a + b))) == ["a + b &= a", r" & \quad + b"]


def test_a_hostile_name_stays_a_name():
    net = parse("name $x$ `y` <b> \\end{document} | *z*\ninput 1\ndense 1")
    document = derive(scalar_step(net))
    assert r"\$x\$ `y` <b> \textbackslash{}end\{document\} | *z*" in tex.write_latex(document)
    assert r"\$x\$ \`y\` \<b\> \\end\{document\} \| \*z\*" in tex.write_markdown(document)


def test_the_worked_example_in_latex_is_as_it_was(golden):
    golden("worked.tex", tex.write_latex(document_of("worked")))


def test_the_worked_example_in_markdown_is_as_it_was(golden):
    golden("worked.md", tex.write_markdown(document_of("worked")))


def test_letters_with_hats_stand_in_plain_text():
    """As in drawings, which name rounded values."""
    assert escape("â") == r"\^{a}"
