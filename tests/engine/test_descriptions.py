import pathlib

import keras
import pytest

from nst_keras import settings
from nst_keras.engine import descriptions


@pytest.mark.parametrize(
    ("images", "text"),
    [
        ({"style_image": "a/night.jpg", "content_image": "gate.jpg"}, "gate.jpg in the style of night.jpg"),
        (
            {"style_image": ["a.jpg", pathlib.Path("b/c.png")], "content_image": 3.0},
            "float in the style of a.jpg and c.png",
        ),
        ({"style_image": "https://host/night.jpg"}, "the style of night.jpg"),
        ({"content_image": "sample:landscape"}, "the content of sample:landscape"),
    ],
)
def test_pictures_are_named(images, text):
    assert descriptions.pictures(settings.ImageSettings(**images)) == text


class Watches(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen += [repr(self.model.run), repr(self.model.objective)]
        if self.model.step == 2:
            self.model.stop_training = True


def test_objects_say_what_they_are_and_where_they_stand(make_transfer):
    style_transfer, watches = make_transfer(), Watches()
    session, pictures = style_transfer._session, "ndarray in the style of ndarray, 40x48"
    assert descriptions.standing(session.setup, session.state) == f"{pictures}, small, not begun"
    assert repr(style_transfer.result) == f"<Result: {pictures}, small, step 0: not begun>"
    style_transfer.fit_style_transfer(1, 5, style_weight=1.0, content_weight=0.5, verbose=0, callbacks=[watches])
    assert watches.seen[0] == f"<Steering: {pictures}, small, step 1 of 5>"
    assert watches.seen[1] == "<Objective: 2 style and 1 content layers of small; weights: style 1, content 0.5>"
    ended = f"{pictures}, small, step 2 of 5, stopped by a callback"
    assert repr(style_transfer.run) == f"<Steering: {ended}>"
    assert repr(style_transfer) == f"<NeuralStyleTransfer: {ended}>"
    assert repr(style_transfer.result) == f"<Result: {pictures}, small, step 2: a callback stopped it after step 2>"
    assert repr(style_transfer.extractor) == "<FeatureExtractor: small, layers conv1, conv2, conv3>"
