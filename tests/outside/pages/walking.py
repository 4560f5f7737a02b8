"""A walk through a page: any control is pressed, in any order, and looked at each time."""

from __future__ import annotations

from hypothesis import Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.conftest import THOROUGH

PRESSES, WALKS = (125, 4) if THOROUGH else (50, 2)  # of each page
TYPED = ("0", "1", "-2", "0,5", "3", "1.25", "", "abc")
KEYS = ("", "ArrowUp", "ArrowDown", "PageUp", "ArrowRight", " ")
# What saves or sends is left out: it leaves the page.
PRESS = """((number, way, typed, key) => {
  const kinds = "button, select, summary, input:not([type=file]), .net [tabindex], #pad, .map"
  const all = [...document.querySelectorAll(kinds)].filter(it =>
    it.checkVisibility({visibilityProperty: true}) && !it.disabled
    && !it.closest("#share, #save, #teach-save")
    && (it.closest("dialog") || !document.querySelector("dialog:modal")))
  const control = all[number % all.length]
  const happen = kind => control.dispatchEvent(new Event(kind, {bubbles: true}))
  const put = value => {
    control.focus()
    control.value = value
    for (const kind of ["input", "change"]) happen(kind)
    control.blur()
  }
  if (control.matches("select")) {
    const options = [...control.options].filter(it => !it.disabled)
    put(options[way % options.length].value)
  } else if (control.type === "range") {
    const [low, high] = [Number(control.min), Number(control.max)]
    put(low + (high - low) * (way % 97) / 96)
  } else if (control.matches("input:not([type=radio], [type=checkbox])")) {
    put(control.type === "number" ? Number(typed) || "" : typed)
  } else if (control.matches(".net *, #pad")) {
    control.focus()
    if (key) control.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}))
  } else if (control.matches(".map")) {
    const {x, y, width, height} = control.getBoundingClientRect()
    const [clientX, clientY] = [x + width * (way % 11 + 0.5) / 11, y + height * (way % 9 + 0.5) / 9]
    control.dispatchEvent(new MouseEvent("click", {clientX, clientY, bubbles: true}))
  } else control.click()
  return control.id || control.dataset.key || control.ariaLabel || control.textContent
})"""


class Walk(RuleBasedStateMachine):
    """Through the page of a file, of which `is_true` asserts what it knows."""

    def __init__(self, page, file, is_true):
        super().__init__()
        self.page, self.is_true = page, is_true
        page.said.clear()
        page.show(file, 1280, 800)

    @rule(
        number=st.sampled_from(range(9973)),
        way=st.sampled_from(range(97)),
        typed=st.sampled_from(TYPED),
        key=st.sampled_from(KEYS),
    )
    def press(self, number, way, typed, key):
        note(self.page.value(f"{PRESS}({number}, {way}, {typed!r}, {key!r})"))
        self.page.settle()

    @invariant()
    def what_is_said_is_true(self):
        self.is_true(self.page)
        assert not self.page.said, self.page.said


def walk(page, file, is_true) -> None:
    run_state_machine_as_test(
        lambda: Walk(page, file, is_true),
        settings=settings(
            stateful_step_count=PRESSES,
            max_examples=WALKS,
            phases=[Phase.generate],  # to make a walk shorter takes minutes
        ),
    )
