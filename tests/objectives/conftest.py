import pytest

from nst_keras.images import loading
from nst_keras.losses import guidance
from nst_keras.objectives import objective
from tests.objectives.examples import LAYERS, WEIGHTS


@pytest.fixture
def make(extractor, content, style):
    """Makes an objective of the small photograph and painting, with any arguments changed."""

    def build(**options):
        settings = {
            "regions": guidance.everywhere([loading.load(style)]),
            "content_image": loading.load(content),
            **LAYERS,
            **WEIGHTS,
        }
        return objective.Objective(extractor, **{**settings, **options})

    return build
