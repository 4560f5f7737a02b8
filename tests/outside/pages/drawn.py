"""What a reader does on a page that reads drawings: draws, waits, chooses, gives files."""

from __future__ import annotations

PACE = 3  # points of a line from one that the mouse goes over to the next
READY = "performance.getEntriesByName('ready').length"
OVER = "document.querySelector('#go').textContent === 'Train on'"
PAPER = "(r => [r.x, r.y, r.width])(document.querySelector('#pad').getBoundingClientRect())"
CLIPPED = """(() => {
  const hasWords = e => [...e.childNodes].some(node => node.nodeType === 3 && node.data.trim())
  const isShown = e => {
    const { visibility, clipPath } = getComputedStyle(e)
    const others = 'select, svg, #samples, #written, .channels, .away, .side'
    return e.offsetParent && visibility !== 'hidden' && clipPath === 'none' && !e.closest(others)
  }
  const isOut = e => {
    const range = document.createRange()
    range.selectNodeContents(e)
    const words = range.getBoundingClientRect(), holder = e.closest('section, header')
    const box = (holder.clientWidth ? holder : document.documentElement).getBoundingClientRect()
    const { left, right, bottom } = words
    const isBeyond = left < box.left - 1 || right > box.right + 1 || bottom > box.bottom + 1
    return words.width && isBeyond && !e.closest('.columns, .body, #arcs') // which scroll
  }
  const isCut = e => getComputedStyle(e).overflow === 'hidden' &&
    (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 2)
  return [...document.querySelectorAll('header *, section *')]
    .filter(e => hasWords(e) && isShown(e) && (isOut(e) || isCut(e)))
    .map(e => [e.tagName, e.className, e.textContent.slice(0, 40)])
})()"""


def until(page, condition, seconds=60):
    look = f"() => {condition} ? done(1) : Date.now() > end ? done(0) : setTimeout(look, 20)"
    waiting = f"new Promise(done => {{ const end = Date.now() + {1000 * seconds}, look = {look}"
    assert page.value(f"{waiting}; look() }})"), condition


def draw(page, lines):
    """By mouse, stroke by stroke."""
    left, top, side = page.value(PAPER)

    def mouse(kind, point):
        x, y = left + side * point[0], top + side * point[1]
        page.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    for line in lines:
        mouse("mousePressed", line[0])
        for point in [*line[::PACE][1:], line[-1]]:
            mouse("mouseMoved", point)
        mouse("mouseReleased", line[-1])


def answer(page):
    """What is said once the drawing was looked at."""
    page.value("new Promise(done => setTimeout(done, 60))")
    page.settle()
    return page.text("#answer b")


def aim(page, target):
    """Choose the class whose error is looked at, and wait until it is."""
    choose(page, "#target", target)
    page.value("new Promise(done => setTimeout(done, 200))")


def choose(page, selector, value):
    """Another value of a field."""
    page.value(
        f"(e => {{ e.value = '{value}'; e.dispatchEvent(new Event('change')) }})"
        f"(document.querySelector('{selector}'))"
    )


def open_tab(page, panel):
    """A tab of the drawer, as its reader opens it."""
    page.press(f'[aria-controls="{panel}"]')


def rewrite(page, old, new):
    """Other words in the recipe's text."""
    page.value(
        f"(() => {{ const e = document.querySelector('#text'); e.value = e.value.replace({old!r}, "
        f"{new!r}); e.dispatchEvent(new Event('input')) }})()"
    )
    page.settle()


def number(said):
    """As the page writes it."""
    return float(said.replace("−", "-"))


def give(page, selector, *files):
    """Choose files in a field, as a reader does."""
    root = page.ask("DOM.getDocument")["root"]["nodeId"]
    field = page.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
    page.ask("DOM.setFileInputFiles", nodeId=field, files=[str(file) for file in files])
