"""The report of a batch as one page of HTML: no address, and nothing that is not in the file itself."""

from __future__ import annotations

import base64
import datetime
import hashlib
import html
import os
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence

import PIL.Image

import nst_keras
from nst_keras.cli.batch import pairs
from nst_keras.cli.batch.report import sheet, style, thumbnails, values

__all__ = ["page"]

_RESULT, _INPUT = 160, 96  # Most pixels of a side on the page.
_BYTES = 9_000_000  # Of all thumbnails. Where quality 80 would make more of them, it is lower.
_SYMBOLS = {
    pairs.Status.MADE: ("made", "✓"),
    pairs.Status.KEPT: ("kept", "○"),
    pairs.Status.FAILED: ("failed", "✕"),
    pairs.Status.STOPPED: ("stopped", "■"),
    pairs.Status.WAITING: ("waiting", "…"),
}
_LOSSES = {"loss": "total", "style_loss": "style", "content_loss": "content"}


def page(report: values.Report, pictures: thumbnails.Thumbnails, files: Sequence[str]) -> str:
    """Returns the page.

    Args:
        report: The batch.
        pictures: The pictures' thumbnails.
        files: Names of the files beside the page that it links to.
    """
    return _Page(report, pictures).whole(files)


class _Page:
    """A page in the making."""

    def __init__(self, report: values.Report, pictures: thumbnails.Thumbnails) -> None:
        self._report, self._pictures = report, pictures
        inputs = [name for pair in report.pairs for name in _inputs(pair)]
        self._names = values.short_names(inputs)
        self._classes = {name: f"p{place}" for place, name in enumerate(self._names)}
        results = sum(bool(report.picture(pair)) for pair in report.pairs)
        area = max(1, results * _RESULT**2 + len(self._names) * _INPUT**2)
        self._bytes_a_pixel = _BYTES / area
        self._seen = {name for name in self._names if pictures.get(name, _INPUT) is not None}

    def whole(self, files: Sequence[str]) -> str:
        """Returns the page."""
        failed = self._report.failed
        numbers = {pair.number for pair in failed}
        others = [pair for pair in self._report.pairs if pair.number not in numbers]
        script = style.SCRIPT
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        return "\n".join(
            [
                style.HEAD.format(digest=digest, style=style.CSS + self._backgrounds()),
                self._top(files),
                self._section("failed-pairs", f"Failed ({len(failed)})", failed) if failed else "",
                self._section("other-pairs", f"Pictures ({len(others)})", others) if others else "",
                f"</main>\n<script>{script}</script>\n</body>\n</html>\n",
            ]
        )

    def _backgrounds(self) -> str:
        """Returns the style of each input picture: its size and its pixels."""
        return "\n".join(self._background(name) for name in self._names if name in self._seen)

    def _background(self, name: str) -> str:
        picture = self._pictures.get(name, _INPUT)
        assert picture is not None  # It is among those that were read.
        size = f"width: {picture.width}px; height: {picture.height}px"
        return f".{self._classes[name]} {{ {size}; background-image: url({self._data(picture)}); }}"

    def _data(self, picture: PIL.Image.Image) -> str:
        """Returns a picture as text, in its share of the page's bytes."""
        made = thumbnails.jpeg(picture, self._bytes_a_pixel * max(picture.size) ** 2)
        return f"data:image/jpeg;base64,{base64.b64encode(made).decode()}"

    def _top(self, files: Sequence[str]) -> str:
        """Returns what stands above the tables."""
        report = self._report
        counts = "".join(
            f'<li class="{_SYMBOLS[status][0]}">{_status(status, f"{count} {status.value}")}</li>'
            for status, count in report.counts.items()
            if count
        )
        links = ", ".join(f'<a href="{_address(name)}">{_text(name)}</a>' for name in files)
        command = f"<details><summary>Command</summary><pre>{_text(report.command)}</pre></details>"
        choices = "".join(f'<option value="{name}">{status.value}</option>' for status, (name, _) in _SYMBOLS.items())
        return style.TOP.format(
            summary=_text(report.summary),
            counts=counts,
            began=_text(_moment(report.began)),
            version=_text(nst_keras.__version__),
            links=f"<p>Files: {links}.</p>" if files else "",
            command=(command if report.command else "") + self._common(),
            choices=choices,
        )

    def _common(self) -> str:
        """Returns the settings that all pairs have."""
        flags = " ".join(f"--{name}={text}" for name, text in self._report.common.items())
        return (
            f"<details><summary>Settings of all pictures</summary><pre>{_text(flags)}</pre></details>" if flags else ""
        )

    def _section(self, name: str, title: str, shown: Sequence[pairs.Pair]) -> str:
        """Returns a heading and a table of pairs, without the columns that none of them needs."""
        cells = [self._cells(pair) for pair in shown]
        heads = [head for head in cells[0] if any(row[head] for row in cells)]
        titles = "".join(f'<th scope="col" role="columnheader">{head}</th>' for head in ["Pair", *heads])
        rows = "\n".join(self._row(pair, row, heads) for pair, row in zip(shown, cells, strict=True))
        return (
            f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n'
            f'<table role="table" aria-labelledby="{name}">\n'
            f'<thead role="rowgroup">\n<tr role="row">{titles}</tr>\n</thead>\n'
            f'<tbody role="rowgroup">\n{rows}\n</tbody>\n</table>\n</section>'
        )

    def _row(self, pair: pairs.Pair, cells: Mapping[str, str], heads: Sequence[str]) -> str:
        """Returns the row of a pair. Each cell has its head, for narrow pages."""
        first = f'<th scope="row" role="rowheader" data-head="Pair">{pair.number}</th>'
        others = (
            f'<td role="cell" class="of-{head.lower()}" data-head="{head}">{cells[head]}</td>'
            if cells[head]
            else _EMPTY
            for head in heads
        )
        return f'<tr role="row" class="{_SYMBOLS[self._report.outcome(pair).status][0]}">{first}{"".join(others)}</tr>'

    def _cells(self, pair: pairs.Pair) -> dict[str, str]:
        """Returns {head of a column: what it says of a pair}."""
        outcome = self._report.outcome(pair)
        own = dict(pair.own_texts)
        losses = [(label, outcome.losses[name]) for name, label in _LOSSES.items() if name in outcome.losses]
        return {
            "Content": self._input("content", pair.content) if pair.content else "",
            "Style": "".join(self._input("style", name) for name in pair.styles),
            "Picture": self._result(pair),
            "Settings": _lines(f"{_breakable(name)} <b>{_text(text)}</b>" for name, text in own.items()),
            "Status": _happened(outcome),
            "Size": f"{outcome.size[1]}&#8239;&times;&#8239;{outcome.size[0]}" if outcome.size else "",
            "Steps": str(outcome.steps) if outcome.steps else "",
            "Time": values.duration(outcome.seconds) if outcome.seconds else "",
            "Losses": _lines(f"{label} <b>{values.number(value)}</b>" for label, value in losses),
        }

    def _input(self, role: str, name: str) -> str:
        """Returns an input picture, whose pixels are in the page's style, and its name."""
        short, whole = _breakable(self._names[name]), _text(name)
        label = f'role="img" aria-label="{role} {whole}"'
        frame = f'<div class="picture {self._classes[name]}" {label}></div>' if name in self._seen else _NONE
        return f'<figure>{frame}<figcaption title="{whole}">{short}</figcaption></figure>'

    def _result(self, pair: pairs.Pair) -> str:
        """Returns a pair's picture and its name, both of which lead to the file if there is one."""
        picture = self._pictures.get(self._report.picture(pair), sheet.SIDE, made=True)
        name, caption = _text(pair.output), f"<figcaption>{_breakable(pair.output)}</figcaption>"
        if picture is None:
            word = _NONE if self._report.picture(pair) else _NOT_MADE
            return f"<figure>{word}{caption}</figure>"
        small = thumbnails.reduced(picture, _RESULT)
        size = f'width="{small.width}" height="{small.height}"'
        image = f'<img alt="{name}" loading="lazy" {size} src="{self._data(small)}">'
        return f'<a href="{_address(pair.output)}"><figure>{image}{caption}</figure></a>'


_EMPTY = '<td role="cell" class="empty"></td>'
_NONE = '<div class="picture frame">no preview</div>'
_NOT_MADE = '<div class="picture frame">not made</div>'


def _inputs(pair: pairs.Pair) -> list[str]:
    """Returns the names of a pair's content and styles."""
    return [*([pair.content] if pair.content else []), *pair.styles]


def _happened(outcome: pairs.Outcome) -> str:
    """Returns what has become of a pair, why, and what its run warned of."""
    sentence = f"<p>{_text(outcome.sentence)}</p>" if outcome.sentence else ""
    warned = _lines(f"Warning: {_text(warning)}" for warning in outcome.warnings)
    return f'<span class="status">{_status(outcome.status, outcome.status.value)}</span>{sentence}{warned}'


def _status(status: pairs.Status, words: str) -> str:
    return f'<span aria-hidden="true">{_SYMBOLS[status][1]}</span> {_text(words)}'


def _lines(parts: Iterable[str]) -> str:
    """Returns parts of HTML as a list; "" if there are none."""
    items = "".join(f"<li>{part}</li>" for part in parts)
    return f"<ul>{items}</ul>" if items else ""


def _text(text: str) -> str:
    """Returns a text as HTML, in element or attribute."""
    return html.escape(values.shown(text))


def _breakable(text: str) -> str:
    """Returns a text as HTML that may begin a new line within a name."""
    return re.sub("([_/-])|(?=[.])", r"\1<wbr>", _text(text))


def _address(name: str) -> str:
    """Returns the address of a file in the page's folder or below."""
    return f"./{urllib.parse.quote(os.fsencode(name))}"


def _moment(text: str) -> str:
    """Returns a moment in ISO's form as people write it; other texts unchanged.

    >>> _moment("2026-01-31T12:00:07+01:00")
    '2026-01-31, 12:00'
    """
    try:
        return datetime.datetime.fromisoformat(text).strftime("%Y-%m-%d, %H:%M")
    except ValueError:
        return text
