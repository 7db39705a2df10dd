import numpy as np
import pytest

from nst_keras import presets, settings
from nst_keras.cli.video import asking, identity


def test_options_of_a_single_picture_are_not_there():
    for name in ("content_image", "mode", "output", "animation", "checkpoint_dir", "frames_dir", "preview", "resume"):
        assert name not in asking.OPTIONS
    for name in ("style_image", "style_weight", "extractor", "preset", "overwrite", "quiet", "content_mask"):
        assert name in asking.OPTIONS
    assert not {field.name for field in settings.fields(settings.VideoSettings)} & asking.OPTIONS.keys()


@pytest.mark.parametrize("name", presets.names())
def test_each_preset_serves_or_says_why_not(name):
    given = {"style_image": "sample:swirls", "preset": name}
    mode = presets.options(name, given).get("mode", "transfer")
    if mode != "transfer":
        with pytest.raises(ValueError, match=f"^preset='{name}' has the mode '{mode}', but a clip needs 'transfer'"):
            asking.settings_of(given)
        return
    values = settings.values(asking.settings_of(given).transfer)
    assert (values["seed"], values["tile_size"], values["mode"]) == (0, None, "transfer")


def test_what_is_given_wins_over_the_preset():
    made = asking.settings_of({"style_image": "sample:swirls", "preset": "quick", "steps_per_epoch": 7})
    assert made.fit.steps_per_epoch == 7
    assert made.transfer.network.extractor == "compact"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, ValueError, "^style_image is missing. Give a painting"),
        ({"style_image": "a.png", "mode": "texture"}, ValueError, "mode"),
        ({"style_image": "a.png", "style_wieght": 1}, ValueError, "Did you mean 'style_weight'"),
        ({"style_image": "a.png", "style_weight": -1.0}, ValueError, "^style_weight"),
        ({"style_image": "a.png", "preset": "quik"}, ValueError, "Did you mean 'quick'"),
    ],
)
def test_bad_options(given, error, message):
    with pytest.raises(error, match=message) as caught:
        asking.settings_of(given)
    assert "\n" not in str(caught.value)


class TestFlow:
    FRAME = np.zeros((4, 6, 3), np.uint8)

    def test_it_becomes_float32_and_keeps_its_name(self):
        def mine(first, second):
            return np.ones((4, 6, 2))

        checked = asking.checked_flow(mine)
        assert checked.__qualname__ == mine.__qualname__
        assert checked(self.FRAME, self.FRAME).dtype == np.float32

    @pytest.mark.parametrize(
        "found",
        [None, np.zeros((6, 4, 2)), np.zeros((4, 6)), np.full((4, 6, 2), np.nan), np.zeros((4, 6, 2), complex), "no"],
    )
    def test_another_form_is_refused(self, found):
        with pytest.raises(TypeError, match=r"^flow must return finite numbers \[4, 6, 2\], but "):
            asking.checked_flow(lambda first, second: found)(self.FRAME, self.FRAME)


def fingerprint(clip="one", flow=asking.checked_flow, video=None, **look):
    asked = asking.settings_of({"style_image": "sample:swirls", **look})
    asked_of_clip = settings.VideoSettings(**(video or {}))
    return identity.fingerprint(asked.transfer, asked.fit, asked_of_clip, clip=clip, flow=flow)


def test_all_that_decides_the_frames_is_in_their_identity(random):
    usual = fingerprint()
    assert usual == fingerprint()
    for other in (
        fingerprint(clip="two"),
        fingerprint(flow=asking.settings_of),
        fingerprint(style_weight=3.0),
        fingerprint(style_image="sample:woodblock"),
        fingerprint(style_image=random.integers(0, 256, (8, 8, 3), dtype=np.uint8)),
        fingerprint(epochs=3),
        *(fingerprint(video={name: 2}) for name in ("start", "end", "every", "frame_steps", "passes")),
        fingerprint(video={"temporal_weight": 2.0}),
    ):
        assert other != usual
    for same in (
        fingerprint(quiet=True),
        fingerprint(overwrite=True),
        fingerprint(video={"sound": False, "preview": "now.png", "output": "other.mp4", "resume": False}),
    ):
        assert same == usual


def test_no_password_is_told():
    address = "https://me:secret@example.org/a.png"
    asked = asking.settings_of({"style_image": [address, "b.png"], "style_weight": 3.0})
    text = identity.comment(asked.transfer, asked.fit, settings.VideoSettings(passes=2))
    assert "secret" not in text
    assert '"style_weight": 3.0' in text
    assert '"passes": 2' in text
    assert "content_weight" not in text
