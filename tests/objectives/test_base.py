import pytest
import tensorflow as tf

from nst_keras.objectives import base


def test_terms_add_up():
    style, content = {"a": tf.constant(1.0), "b": tf.constant(2.0)}, {"c": tf.constant(4.0)}
    terms = base.terms_of(style, content, total_variation=tf.constant(8.0), alpha_norm=tf.constant(16.0))
    assert [float(term) for term in terms[:5]] == [31.0, 3.0, 4.0, 8.0, 16.0]
    assert (terms.style_layers, terms.content_layers) == (style, content)
    assert list(base.WEIGHTED_TERMS) == list(terms._fields[1:5])


@pytest.mark.parametrize("missing", [0, 1])
def test_a_term_without_layers_is_0(missing):
    layers = [{"a": tf.constant(1.0)}, {"a": tf.constant(1.0)}]
    layers[missing] = {}
    terms = base.terms_of(*layers, total_variation=tf.constant(0.0), alpha_norm=tf.constant(0.0))
    assert float(terms.total) == 1.0
    assert float(terms[1 + missing]) == 0.0
