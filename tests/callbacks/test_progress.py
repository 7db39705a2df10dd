import io
import re
import sys
import threading
import time

import keras
import pytest

from nst_keras import callbacks
from nst_keras.callbacks import progress, progress_views
from nst_keras.runtime import phases

LOSSES = {"content_loss": 1.3e-3, "loss": 0.0123, "style_loss": 0.011, "var_loss": 0.0}


@pytest.fixture(autouse=True)
def no_thread_draws(monkeypatch):
    """A phase is drawn when it begins, and not again while it lasts, unless a test says so."""
    monkeypatch.setattr(phases.Phases, "INTERVAL", 1000.0)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)


class Sleeps(keras.callbacks.Callback):
    """Lets a step take its seconds: 20 for the first, which compiles, 0.5 for the others."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch, logs=None):
        self.clock.now += 20.0 if self.model.step == self.model.first_step else 0.5


class Interrupts(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.step == 3:
            raise KeyboardInterrupt


def run(style_transfer, *extra, steps=60):
    return style_transfer.fit_style_transfer(1, steps, verbose=0, callbacks=extra, style_weight=1.0)


def status(step=34, losses=LOSSES, pace=0.25, remaining=7.0, done=False, **others):
    return progress_views.Status(step, 60, losses, pace, remaining, elapsed=130.0, done=done, **others)


@pytest.fixture
def terminal(monkeypatch, capsys):
    """Pretends that the output goes to a terminal; gives what was written to it."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("TERM", raising=False)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    return lambda: capsys.readouterr().out


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (None, "step 34/60  loss 1.23e-2 = style 1.1e-2 + content 1.3e-3  0.25 s/step  7 s left"),
        (78, "step 34/60  loss 1.23e-2 = style 1.1e-2 + content 1.3e-3  7 s left"),
        (60, "step 34/60  loss 1.23e-2  0.25 s/step  7 s left"),
        (30, "step 34/60  7 s left"),
        (6, "step 3"),
    ],
)
def test_a_line_leaves_out_what_the_width_does_not_hold(width, text):
    assert progress_views.line(status(), width) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"step": 0, "losses": {}}, "step  0/60  preparing the first step"),
        ({"step": 0, "losses": {}, "done": True}, "step  0/60  ended"),
        ({"pace": None, "remaining": None, "losses": {"loss": 1234.5}}, "step 34/60  loss 1.23e3"),
        ({"pace": 0.0123, "losses": {"loss": float("nan")}}, "step 34/60  loss nan  12 ms/step  7 s left"),
        ({"pace": 12.3, "losses": {"loss": 999.9}}, "step 34/60  loss 1.00e3  12 s/step  7 s left"),
        ({"losses": {"loss": 245.2}, "done": True}, "step 34/60  loss 245  0.25 s/step  took 2 min 10 s"),
        ({"losses": {"loss": 9.0}, "remaining": 7384.0}, "step 34/60  loss 9.00  0.25 s/step  2 h 03 min left"),
        ({"phase": "tracing, 3 s"}, "step 34/60  tracing, 3 s"),
        ({"phase": "tracing", "stage": "stage 2/2, 20x24 px"}, "step 34/60  stage 2/2, 20x24 px  tracing"),
        (
            {"losses": {"new_loss": 2.0, "var_loss": 1.0, "loss": 3.0}},
            "step 34/60  loss 3.00 = tv 1.0 + new 2.0  0.25 s/step  7 s left",
        ),
    ],
)
def test_a_line_tells_what_is_known(changes, text):
    assert progress_views.line(status(**changes)) == text


def test_a_terminal_shows_one_line_drawn_over_and_over(make_transfer, terminal, monkeypatch):
    clock = Clock(monkeypatch)
    run(make_transfer(), Sleeps(clock), callbacks.Progress(header="a header"))
    header, _, rest = terminal().partition("\n")
    assert header == "a header"
    assert rest.count("\n") == 1
    assert rest.endswith("\n")
    drawn = [text.rstrip() for text in rest.replace("\n", "").split("\r") if text]
    assert drawn[:2] == ["step  0/60  preparing", "step  0/60  preparing the first step"]
    assert re.fullmatch(r"step  1/60  loss \S+ = style \S+", drawn[2])  # The content's loss is 0 at its start.
    assert re.fullmatch(r"step 11/60  loss \S+ = style \S+ \+ content \S+  0.50 s/step  24 s left", drawn[12])
    assert re.fullmatch(r"step 60/60  loss \S+ = style \S+ \+ content \S+  0.50 s/step  took 50 s", drawn[-1])


def test_a_shorter_line_leaves_nothing_of_a_longer_one(terminal):
    view = progress_views.TerminalLine()
    view.open(None)
    view.draw(status())
    view.draw(status(losses={"loss": 1.0}))
    *_, longer, _, shorter, _ = terminal().split("\r")
    assert len(longer) == len(shorter)
    assert len(shorter) > len(shorter.rstrip())


def test_a_terminal_is_not_drawn_more_than_ten_times_a_second(make_transfer, terminal, monkeypatch):
    clock = Clock(monkeypatch)

    class Hurries(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            clock.now += 0.01

    run(make_transfer(), Hurries(), callbacks.Progress(), steps=50)
    assert 6 <= len(re.findall(r"\rstep", terminal())) <= 9  # Two of the beginning, first, four or five, last.


@pytest.mark.parametrize("mode", ["terminal", "plain", "notebook"])
def test_an_interrupted_run_ends_its_line(make_transfer, terminal, notebook, mode):
    run(make_transfer(), callbacks.Progress(mode), Interrupts())
    end = f"{notebook[0][-1]['text/plain']}\n" if mode == "notebook" else terminal()
    assert re.search(r"step  3/60  loss .* took \d+ s\n$", end)


def test_plain_lines_stand_ten_seconds_apart(make_transfer, capsys, monkeypatch):
    clock = Clock(monkeypatch)
    run(make_transfer(), Sleeps(clock), callbacks.Progress(header="a header"))
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "a header"
    assert [line.split("  loss")[0] for line in lines] == [f"step {step:>2}/60" for step in (1, 21, 41, 60)]
    assert "\r" not in "".join(lines)


def told(mode, run, phases_told, clock):
    """Tells progress of phases that begin one inside another, each with the seconds since the last."""
    shown = callbacks.Progress(mode)
    shown.set_model(run)
    for seconds, name in phases_told:
        clock.now += seconds
        shown._draw_phase(name, clock.now - 1000.0)


def test_plain_lines_say_a_phase_that_lasts_and_do_not_repeat_it_for_ten_seconds(make_transfer, capsys, monkeypatch):
    clock, state = Clock(monkeypatch), make_transfer().state
    state.total_steps = 60
    one = [(0, "preparing"), (1.5, "tracing"), (1, "tracing"), (1, "tracing"), (8.5, "tracing"), (1, "tracing")]
    told("plain", state, [*one, (1, "compiling"), (1.5, "tracing"), (0.5, "compiling")], clock)
    lines = capsys.readouterr().out.splitlines()
    assert [line.removeprefix("step  0/60  ") for line in lines] == ["tracing, 2 s", "tracing, 13 s", "compiling, 16 s"]


def test_a_terminal_says_each_phase_at_once_and_counts_its_seconds(make_transfer, terminal, monkeypatch):
    clock, state = Clock(monkeypatch), make_transfer().state
    state.total_steps = 60
    one = [(0, "preparing"), (0.25, "tracing"), (0.25, "tracing"), (0.75, "tracing"), (1, "compiling")]
    told("auto", state, one, clock)
    drawn = [text.strip().removeprefix("step  0/60  ") for text in terminal().split("\r") if text.strip()]
    assert drawn == ["preparing", "tracing", "tracing, 1 s", "compiling, 2 s"]


def test_phases_are_drawn_while_the_main_thread_waits(make_transfer, terminal, monkeypatch):
    monkeypatch.setattr(phases.Phases, "INTERVAL", 0.01)

    class Waits(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                with phases.named("waiting for the test"):
                    time.sleep(0.2)

    run(make_transfer(), Waits(), callbacks.Progress(), steps=3)
    printed = terminal()
    assert "step 2/3  waiting for the test" in printed
    assert printed.index("preparing: measuring the style") < printed.index("preparing the first step")
    assert not [thread for thread in threading.enumerate() if thread.name == "nst_keras phases"]


def test_a_callback_that_fails_at_the_start_ends_the_phases(make_transfer, terminal):
    class Fails(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise ZeroDivisionError

    shown = callbacks.Progress()
    with pytest.raises(ZeroDivisionError):
        run(make_transfer(), shown, Fails())
    assert not [thread for thread in threading.enumerate() if thread.name == "nst_keras phases"]
    run(make_transfer(), shown, steps=3)  # And it can show another run.
    assert "step 3/3" in terminal()


def test_a_notebook_shows_a_bar_in_place(make_transfer, notebook):
    run(make_transfer(), callbacks.Progress(header="golden <gate>"), steps=4)
    (shown,) = notebook
    assert shown[0]["text/plain"].endswith("step 0/4  preparing")
    assert shown[1]["text/plain"].endswith("step 0/4  preparing the first step")
    assert shown[-1]["text/plain"].startswith("golden <gate>\nstep 4/4  loss ")
    assert "golden &lt;gate&gt;" in shown[-1]["text/html"]
    assert "width:100.0%" in shown[-1]["text/html"]


def test_the_time_left_of_a_resumed_run_counts_its_own_steps(make_transfer, terminal, monkeypatch):
    clock, run, shown = Clock(monkeypatch), make_transfer().state, callbacks.Progress()
    shown.set_model(run)
    run.step = run.first_step = 30
    run.total_steps = 60
    shown.on_train_begin()
    for run.step in (31, 32, 33):
        clock.now += 20.0 if run.step == 31 else 0.5
        shown.on_train_batch_end(0, LOSSES)
    assert terminal().rstrip().endswith("0.50 s/step  14 s left")


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_a_run_goes_on_where_nobody_reads_its_progress(make_transfer, monkeypatch, error):
    class Closed(io.StringIO):
        def write(self, text):
            raise error

    monkeypatch.setattr(sys, "stdout", Closed())
    style_transfer = make_transfer()
    run(style_transfer, callbacks.Progress("plain"), steps=3)
    assert style_transfer.completed


def test_a_process_without_output_is_no_terminal(make_transfer, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    style_transfer = make_transfer()
    run(style_transfer, callbacks.Progress(), steps=3)
    assert style_transfer.completed


def test_loss_terms_are_read_only_for_a_drawing(terminal, make_transfer, monkeypatch):
    clock, read = Clock(monkeypatch), []

    class Value(float):
        def __float__(self):
            read.append(self)
            return 1.0

    shown = callbacks.Progress()
    shown.set_model(make_transfer())
    shown.on_train_begin()
    for _ in range(20):
        clock.now += 0.001
        shown.on_train_batch_end(0, {"loss": Value()})
    assert len(read) == 1  # The first step's.


def test_keras_verbose_chooses():
    assert progress.of_verbose(0) == []
    for verbose in (1, 2, "auto"):
        (shown,) = progress.of_verbose(verbose, header="a header")
        assert isinstance(shown, callbacks.Progress)
    with pytest.raises(ValueError, match="verbose must be 0, 1, 2 or 'auto', but 3 was given"):
        progress.of_verbose(3)
    with pytest.raises(ValueError, match="mode='termina' is not known. Did you mean 'terminal'"):
        callbacks.Progress("termina")


@pytest.mark.slow
def test_stages_are_told_and_later_steps_count_for_their_pixels(make_transfer, terminal, monkeypatch):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((self.model.step, self.model.stage_size, self.model.steps_left()))

    style_transfer = make_transfer(pyramid=[24, 48])
    style_transfer.fit_style_transfer(1, 6, callbacks=[Watch(), callbacks.Progress("plain")], verbose=0)
    assert [step for step, _, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert [size for _, size, _ in seen] == [(24, 20)] * 3 + [(48, 40)] * 3
    assert [left for _, _, left in seen] == [2 + 3 * 4, 1 + 3 * 4, 3 * 4, 2, 1, 0]
    assert "stage 1/2, 20x24 px" in terminal()
