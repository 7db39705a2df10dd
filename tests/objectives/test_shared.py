"""Hosts that each evaluate the whole image keep to the chief's result."""

import numpy as np
import tensorflow as tf

from nst_keras.objectives import base, shared
from nst_keras.runtime import hosts
from tests.runtime.test_hosts import on_hosts


class Rounding:
    """Evaluates a square, off by what this host's device rounds."""

    def __init__(self, off):
        self.off = off

    def evaluate(self, image, weights, against):
        value = tf.reduce_sum(weights) * against * tf.reduce_sum(image**2) + self.off
        terms = base.terms_of({"conv1": value}, {}, total_variation=tf.constant(0.0), alpha_norm=tf.constant(0.0))
        return terms, 2.0 * image + self.off

    def tracing_count(self):
        return 3


def test_all_hosts_take_the_chiefs_terms_and_gradient(monkeypatch):
    monkeypatch.setattr(hosts, "is_chief", lambda replicas: replicas.identities == (0,))
    image, weights = tf.reshape(tf.range(12.0), [1, 2, 2, 3]), tf.constant([1.0, 2.0, 3.0, 4.0])
    found = on_hosts(
        *(
            lambda host, off=off: shared.OverHosts(Rounding(off), host).evaluate(image, weights, 2.0)
            for off in (0.25, 0.5, -1.0)
        )
    )
    expected_terms, expected = Rounding(0.25).evaluate(image, weights, 2.0)
    for terms, gradient in found:
        assert isinstance(terms, base.LossTerms)
        assert float(terms.total) == float(terms.style_layers["conv1"]) == float(expected_terms.total)
        np.testing.assert_array_equal(gradient, expected)


def test_the_traces_are_those_of_the_hosts_own_evaluator():
    assert shared.OverHosts(Rounding(0.0), None).tracing_count() == 3
