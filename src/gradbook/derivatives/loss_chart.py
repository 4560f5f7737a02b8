"""The chart of a loss over the epochs, as parts of a workbook's package."""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.cells.added_sheets import XML
from gradbook.cells.book import quote_title
from gradbook.cells.formula.address import letters
from gradbook.cells.patch import OFFICE, STRICT, Patch, outline, tag, words
from gradbook.language import tr
from gradbook.palette import ERROR, PAPER, QUIET

DRAWING = "application/vnd.openxmlformats-officedocument.drawing+xml"
CHART = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
DRAWINGML = "http://schemas.openxmlformats.org/drawingml/2006"
WIDE, HIGH = 9, 22  # columns and rows

Place = tuple[int, int]  # row and column, from 0


def add_loss_chart(
    patch: Patch,
    sheet: str,
    title: str,
    column: int,
    rows: tuple[int, int],
    losses: Sequence[float],
    place: Place,
) -> None:
    """Draw a column's cells (its rows: the first, and how many) over those of the first column; the
    axis is logarithmic if no loss forbids it."""
    first, count = rows
    area = f"{quote_title(title)}!${{0}}${first + 1}:${{0}}${first + count}"
    epochs, values = area.format("A"), area.format(letters(column))
    is_logarithmic = all(loss > 0 for loss in losses)
    chart = _chart(epochs, values, count, is_logarithmic).encode()
    space = STRICT if STRICT.encode() in patch.text(sheet)[:4000] else OFFICE
    drawing = patch.add(sheet, "drawing", "xl/drawings/gradbook{}.xml", b"<none/>", DRAWING)
    curve = patch.add(drawing.part, "chart", "xl/charts/gradbook{}.xml", chart, CHART)
    patch.put(drawing.part, _drawing(curve.id, place, space).encode())
    root = outline(patch.text(sheet), sheet)[0]
    relation = {"xmlns:r": space, "r:id": drawing.id}
    patch.edit(sheet, root.with_child(tag(b"", "drawing", b"", **relation)))


def _drawing(relation: str, place: Place, space: str) -> str:
    row, column = place
    ends = (("from", row, column), ("to", row + HIGH, column + WIDE))
    corners = "".join(
        f"<xdr:{name}><xdr:col>{c}</xdr:col><xdr:colOff>0</xdr:colOff>"
        f"<xdr:row>{r}</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:{name}>"
        for name, r, c in ends
    )
    return (
        f'{XML.decode()}<xdr:wsDr xmlns:xdr="{DRAWINGML}/spreadsheetDrawing" '
        f'xmlns:a="{DRAWINGML}/main"><xdr:twoCellAnchor>{corners}<xdr:graphicFrame macro="">'
        '<xdr:nvGraphicFramePr><xdr:cNvPr id="2" name="gradbook loss"/><xdr:cNvGraphicFramePr/>'
        '</xdr:nvGraphicFramePr><xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>'
        f'<a:graphic><a:graphicData uri="{DRAWINGML}/chart"><c:chart '
        f'xmlns:c="{DRAWINGML}/chart" xmlns:r="{space}" r:id="{relation}"/></a:graphicData>'
        "</a:graphic></xdr:graphicFrame><xdr:clientData/></xdr:twoCellAnchor></xdr:wsDr>"
    )


def _chart(epochs: str, values: str, count: int, is_logarithmic: bool) -> str:
    scale = '<c:logBase val="10"/>' if is_logarithmic else ""
    digits = "0E+0" if is_logarithmic else "General"
    series = (
        f'<c:ser><c:idx val="0"/><c:order val="0"/><c:spPr>{_line(ERROR.ink, 28575)}</c:spPr>'
        f'<c:marker><c:symbol val="none"/></c:marker><c:xVal><c:numRef><c:f>{_text(epochs)}</c:f>'
        f"</c:numRef></c:xVal><c:yVal><c:numRef><c:f>{_text(values)}</c:f></c:numRef></c:yVal>"
        '<c:smooth val="0"/></c:ser>'
    )
    across = (
        f'<c:valAx><c:axId val="1"/><c:scaling><c:orientation val="minMax"/>'
        f'<c:max val="{count}"/><c:min val="0"/></c:scaling><c:delete val="0"/>'
        f'<c:axPos val="b"/>{_title(tr("epoch"), 9)}{_numbers("General")}'
        '<c:crossAx val="2"/><c:crosses val="min"/></c:valAx>'
    )
    up = (
        f'<c:valAx><c:axId val="2"/><c:scaling>{scale}<c:orientation val="minMax"/></c:scaling>'
        f'<c:delete val="0"/><c:axPos val="l"/><c:majorGridlines><c:spPr>'
        f"{_line(QUIET.fill, 9525)}</c:spPr></c:majorGridlines>{_title(tr('error'), 9)}"
        f'{_numbers(digits)}<c:crossAx val="1"/><c:crosses val="min"/></c:valAx>'
    )
    return (
        f'{XML.decode()}<c:chartSpace xmlns:c="{DRAWINGML}/chart" xmlns:a="{DRAWINGML}/main">'
        f'<c:roundedCorners val="0"/><c:chart>{_title(tr("The loss in each epoch"), 12)}'
        '<c:autoTitleDeleted val="0"/><c:plotArea><c:layout/><c:scatterChart>'
        f'<c:scatterStyle val="lineMarker"/><c:varyColors val="0"/>{series}'
        f'<c:axId val="1"/><c:axId val="2"/></c:scatterChart>{across}{up}</c:plotArea>'
        '<c:plotVisOnly val="0"/><c:dispBlanksAs val="gap"/></c:chart>'
        f"<c:spPr>{_line(QUIET.fill, 9525)}</c:spPr></c:chartSpace>"
    )


def _text(words_of_it: str) -> str:
    return words(words_of_it).decode()


def _line(colour: str, width: int) -> str:
    fill = f'<a:solidFill><a:srgbClr val="{colour[1:]}"/></a:solidFill>'
    return f'<a:ln w="{width}">{fill}</a:ln>'


def _numbers(digits: str) -> str:
    return (
        f'<c:numFmt formatCode="{digits}" sourceLinked="0"/><c:majorTickMark val="out"/>'
        f'<c:minorTickMark val="none"/><c:tickLblPos val="low"/><c:spPr>{_line(QUIET.ink, 9525)}'
        f"</c:spPr>{_letters('c:txPr', 9)}"
    )


def _letters(name: str, size: int, text: str = "") -> str:
    """The look of letters, or a text that has it."""
    font = f'sz="{size * 100}" b="0"><a:solidFill><a:srgbClr val="{PAPER.ink[1:]}"/></a:solidFill>'
    usual = f"<a:pPr><a:defRPr {font}</a:defRPr></a:pPr>"
    run = f"<a:r><a:rPr {font}</a:rPr><a:t>{_text(text)}</a:t></a:r>" if text else ""
    end = run or '<a:endParaRPr lang="en-US"/>'
    return f"<{name}><a:bodyPr/><a:lstStyle/><a:p>{usual}{end}</a:p></{name}>"


def _title(text: str, size: int) -> str:
    return f'<c:title><c:tx>{_letters("c:rich", size, text)}</c:tx><c:overlay val="0"/></c:title>'
