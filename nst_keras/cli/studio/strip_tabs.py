"""The tabs with pictures side by side: two settings compared, and how the method works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from nst_keras import presets
from nst_keras.cli.studio import asked as asked_lib
from nst_keras.cli.studio import controls as controls_lib
from nst_keras.cli.studio import host as host_lib
from nst_keras.cli.studio import strips, views
from nst_keras.cli.studio import visitors as visitors_lib

__all__ = ["compare_tab", "teaching_tab"]

# Returns the captions and requests of a row, for a visitor and the values of the inputs.
Requests = Callable[..., Sequence[tuple[str, asked_lib.Asked]]]

_LAYERS = [f"conv{block}_{number}" for block, number in ((1, 1), (2, 1), (3, 1), (4, 1), (4, 2), (5, 1), (5, 2))]
_STYLE_LAYERS = [f"conv{block}_1" for block in range(1, 6)]
_SIZE, _STEPS = 256, 60

_CONTENT = r"""
**What a layer holds of the photograph.** White noise is changed until the layer's features \(F^l\) are those of the
photograph, \(P^l\). Deeper layers keep the scene and forget the pixels. (Gatys, Ecker and Bethge 2015, figure 1.)

$$\mathcal{L}_{\mathrm{content}} = \frac{1}{2} \sum_{i,j} \left( F^l_{ij} - P^l_{ij} \right)^2$$
"""
_STYLE = r"""
**What the layers up to one hold of the painting.** White noise is changed until the Gram matrices \(G^l\) of the
features are those of the painting, \(A^l\). More layers hold larger forms. (Figure 1, upper row.)

$$G^l_{ij} = \sum_k F^l_{ik} F^l_{jk}, \qquad
E_l = \frac{1}{4 N_l^2 M_l^2} \sum_{i,j} \left( G^l_{ij} - A^l_{ij} \right)^2$$
"""
_RATIO = r"""
**How much of each.** From left to right, the photograph counts more. (Figure 3: the ratio \(\alpha / \beta\).)

$$\mathcal{L}_{\mathrm{total}} = \alpha \, \mathcal{L}_{\mathrm{content}} + \beta \, \mathcal{L}_{\mathrm{style}}$$
"""
_LATEX: Any = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": r"\(", "right": r"\)", "display": False},
]


def compare_tab(host: host_lib.Host, controls: controls_lib.Controls) -> None:
    """Makes the tab that compares two values of an option, all else being as on the first tab."""
    names = [*asked_lib.AT_HAND, *controls.more]
    gr.Markdown(
        "Two pictures from the same start, with the pictures and settings of the first tab. One option differs."
    )
    with gr.Row():
        name = gr.Dropdown(names, value="content_weight", label="Option")
        left = gr.Textbox("0.02", label="Left", max_lines=1)
        right = gr.Textbox("0.2", label="Right", max_lines=1)

    def wanted(visitor: visitors_lib.Visitor, *values: Any) -> Sequence[tuple[str, asked_lib.Asked]]:
        """Returns what the visitor asks for."""
        *others, option, first, second = values
        masks = host.masks(visitor.fresh("masks of a row"), *controls.drawing(others))
        return strips.varied(controls.asked(others, masks), option, [first, second])

    _strip(host, "Compare", wanted, [*controls.inputs, name, left, right], "compare")


def teaching_tab(host: host_lib.Host, controls: controls_lib.Controls) -> None:
    """Makes the tab that shows what layers hold, and what the ratio of the weights does."""
    pictures = [controls.content, controls.style]
    gr.Markdown("With the photograph and the painting of the first tab, or with samples if there are none.")
    gr.Markdown(_CONTENT, latex_delimiters=_LATEX)
    content_layers = gr.CheckboxGroup(_LAYERS, value=["conv1_1", "conv3_1", "conv5_1"], label="Layers")
    _strip(
        host, "Show the content", lambda _, *v: _held(host, *v, kind="content"), [*pictures, content_layers], "content"
    )
    gr.Markdown(_STYLE, latex_delimiters=_LATEX)
    style_layers = gr.CheckboxGroup(_STYLE_LAYERS, value=["conv1_1", "conv3_1", "conv5_1"], label="Up to the layers")
    _strip(host, "Show the style", lambda _, *v: _held(host, *v, kind="style"), [*pictures, style_layers], "style")
    gr.Markdown(_RATIO, latex_delimiters=_LATEX)
    ratios = gr.Textbox("0.005, 0.05, 0.5", label="Weights of the content, with a style weight of 1", max_lines=1)
    _strip(host, "Show the ratio", lambda _, *v: _ratios(host, *v), [*pictures, ratios], "ratio")


def _held(
    host: host_lib.Host, content: Any, style: Any, layers: list[str], *, kind: str
) -> Sequence[tuple[str, asked_lib.Asked]]:
    """Returns the reconstructions of the content from each layer, or of the style from the layers up to each."""
    if not layers:
        raise ValueError("layers: none is chosen. Choose one or more.")
    given = _pictures(host, content, style)
    made: list[tuple[str, asked_lib.Asked]] = []
    for layer in layers:
        used = [layer] if kind == "content" else _STYLE_LAYERS[: _STYLE_LAYERS.index(layer) + 1]
        options = {"mode": f"{kind}_reconstruction", f"{kind}_layers": used, **_small(host)}
        asked = asked_lib.Asked("quick", {f"{kind}_image": given[f"{kind}_image"]}, options)
        made.append((layer if kind == "content" or len(used) == 1 else f"{used[0]} to {layer}", asked))
    return made


def _ratios(host: host_lib.Host, content: Any, style: Any, texts: str) -> Sequence[tuple[str, asked_lib.Asked]]:
    """Returns transfers with each weight of the content."""
    asked = asked_lib.Asked("quick", _pictures(host, content, style), _small(host))
    weights = [text for text in texts.split(",") if text.strip()]
    if not 1 <= len(weights) <= 6:
        raise ValueError(f"content_weight: {len(weights)} values were given. Give 1 to 6, with commas between.")
    return strips.varied(asked, "content_weight", weights)


def _pictures(host: host_lib.Host, content: Any, style: Any) -> dict[str, str]:
    """Returns {option: picture} of those chosen, or of samples."""
    source = host.samples.source
    return {
        "content_image": source(content) if content else "sample:landscape",
        "style_image": source(style) if style else "sample:swirls",
    }


def _small(host: host_lib.Host) -> presets.Options:
    """Returns the options by which a picture takes a few seconds."""
    size = min(_SIZE, host.limits.largest_size)
    return {"image_size": size, "pyramid": None, "epochs": 1, "steps_per_epoch": min(_STEPS, host.limits.most_steps)}


def _strip(host: host_lib.Host, label: str, wanted: Requests, inputs: list[Any], name: str) -> None:
    """Makes the buttons that start and stop a row of pictures, and the row."""
    with gr.Row():
        start = gr.Button(label, variant="primary", elem_id=f"{name}_start")
        stop = gr.Button("Stop", interactive=False, elem_id=f"{name}_stop")
    status = gr.HTML(views.status(""), elem_id=f"{name}_status")
    shown = gr.HTML(elem_id=f"{name}_row")

    def run(request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Makes the row, and yields what changes on the page."""
        sentence = standing = ""
        yield gr.update(interactive=False), gr.update(interactive=True), views.status("Preparing ..."), gr.update()
        try:
            visitor = host.visitors.of(request.session_hash)
            for row, standing in strips.formed(host, visitor, wanted(visitor, *values)):
                yield gr.update(), gr.update(), views.status(standing, is_spoken=False), row
        except Exception as error:
            sentence = host.sentence(error)
        told = views.status(sentence or standing)
        yield gr.update(interactive=True), gr.update(interactive=False), told, gr.update()
        if sentence:
            raise gr.Error(sentence, print_exception=False)

    def end(request: gr.Request) -> None:
        """Ends the row with the pictures as they are."""
        visitor = host.visitors.known(request.session_hash)
        if visitor is not None and visitor.row is not None:
            visitor.row.end()

    start.click(run, inputs, [start, stop, status, shown], **controls_lib.QUIET)
    stop.click(end, None, None, **controls_lib.QUIET)
