import importlib.util

import numpy as np
import pytest
import tensorflow as tf

from nst_keras import callbacks

if importlib.util.find_spec("tensorboard") is None:
    pytest.skip("needs the package tensorboard", allow_module_level=True)


def fit(style_transfer, *extra, steps=5, **options):
    return style_transfer.fit_style_transfer(1, steps, verbose=0, callbacks=extra, **options)


def turn(file):
    """When a file was begun: `events.out.tfevents.SECONDS.HOST.PROCESS.COUNT.v2`, whose count can grow a digit."""
    parts = file.name.split(".")
    return int(parts[3]), int(parts[-2])


def written(folder):
    """{tag: {step: value}} of all event files in a folder, in the order in which they were written."""
    values = {}
    for file in sorted(folder.glob("events.out.tfevents.*"), key=turn):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                is_scalar = value.HasField("simple_value")
                known = value.simple_value if is_scalar else tf.make_ndarray(value.tensor)
                values.setdefault(value.tag, {})[event.step] = known
    return values


def pixels(value):
    """The image of a summary: its width, its height, and the file."""
    return tf.io.decode_png(value[2]).numpy()


def test_scalars_at_each_step_with_the_shares_of_layers(make_transfer, tmp_path):
    style_transfer = make_transfer()
    fit(style_transfer, callbacks.TensorBoard(tmp_path), var_weight=1e-3)
    values, history = written(tmp_path), style_transfer.history.history
    for name in ("loss", "style_loss", "content_loss", "var_loss"):
        np.testing.assert_allclose([values[name][step] for step in range(1, 6)], history[name], rtol=1e-6)
    for name, layers in {"style_loss": ("conv1", "conv2"), "content_loss": ("conv3",)}.items():
        shares = [sum(values[f"{name}/{layer}"][step] for layer in layers) for step in range(1, 6)]
        np.testing.assert_allclose(shares, history[name], rtol=1e-5)


def test_images_at_intervals_and_at_both_ends(make_transfer, tmp_path):
    style_transfer = make_transfer()
    frames = fit(style_transfer, callbacks.TensorBoard(tmp_path, image_interval=2))
    values = written(tmp_path)
    assert list(values["image"]) == [0, 2, 4, 5]
    np.testing.assert_array_equal(pixels(values["image"][4]), frames[3])
    np.testing.assert_array_equal(pixels(values["image"][5]), style_transfer.image)
    content, style = style_transfer.content_image[0].numpy(), style_transfer.style_images[0][0].numpy()
    np.testing.assert_array_equal(pixels(values["content_image"][0]), content.round())
    np.testing.assert_array_equal(pixels(values["style_image"][0]), style.round())


def test_several_styles_stand_side_by_side(make_transfer, tmp_path, style):
    fit(make_transfer(style_image=[style, style[:20]]), callbacks.TensorBoard(tmp_path), steps=1)
    values = written(tmp_path)
    assert pixels(values["style_image/1"][0]).shape == style.shape
    assert pixels(values["style_image/2"][0]).shape == style[:20].shape


def test_settings_are_a_table(make_transfer, tmp_path):
    fit(make_transfer(), callbacks.TensorBoard(tmp_path / "given", settings={"init": "a|b", "seed": 3}), steps=1)
    text = written(tmp_path / "given")["settings"][0].item().decode()
    assert text.splitlines()[2:] == ["| init | a&#124;b |", "| seed | 3 |"]
    fit(make_transfer(), callbacks.TensorBoard(tmp_path / "own"), steps=1)
    rows = written(tmp_path / "own")["settings"][0].item().decode().splitlines()
    assert "| normalization | relative |" in rows
    assert all(row.startswith("| ") and row.endswith(" |") for row in rows[2:])  # Arrays too stand in one line.


def test_a_resumed_run_goes_on_at_its_step(make_transfer, tmp_path):
    style_transfer = make_transfer()
    fit(style_transfer, callbacks.TensorBoard(tmp_path), steps=2)
    resumed = callbacks.TensorBoard(tmp_path)
    resumed.set_model(style_transfer)
    resumed.on_train_begin()
    style_transfer.state.step = 3
    resumed.on_train_batch_end(0, {"loss": 0.5})
    resumed.on_train_end()
    assert list(written(tmp_path)["loss"]) == [1, 2, 3]


def test_a_full_disk_ends_the_writing_and_not_the_run(make_transfer, tmp_path, monkeypatch):
    def full(serialized):
        raise tf.errors.ResourceExhaustedError(None, None, "{{function_node inner}} events; No space left on device")

    monkeypatch.setattr(tf.summary.experimental, "write_raw_pb", full)
    style_transfer = make_transfer()
    with pytest.warns(UserWarning, match=r"log_dir: events; No space left on device; the run goes on") as caught:
        fit(style_transfer, callbacks.TensorBoard(tmp_path))
    assert len(caught) == 1
    assert style_transfer.completed


@pytest.mark.parametrize("function", ["create_file_writer", "close"])
def test_a_full_disk_at_either_end_is_no_end_of_the_run(make_transfer, tmp_path, monkeypatch, function):
    """And it is not told as a lack of memory."""

    def full(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, f"{tmp_path}; No space left on device")

    create = tf.summary.create_file_writer

    def closing_badly(folder):
        writer = create(folder)
        monkeypatch.setattr(writer, "close", full)
        return writer

    monkeypatch.setattr(tf.summary, "create_file_writer", full if function == "create_file_writer" else closing_badly)
    style_transfer = make_transfer()
    with pytest.warns(UserWarning, match=r"log_dir: .*No space left on device; the run goes on") as caught:
        fit(style_transfer, callbacks.TensorBoard(tmp_path), steps=2)
    assert len(caught) == 1
    assert style_transfer.completed


def test_what_cannot_work_is_refused_at_once(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"tensorboard: '.*file' is not a folder that can be written to"):
        callbacks.TensorBoard(tmp_path / "file")
    with pytest.raises(ValueError, match="image_interval must be a whole number"):
        callbacks.TensorBoard(tmp_path, image_interval=0)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs the package tensorboard.*pip install tensorboard"):
        callbacks.TensorBoard(tmp_path)
