import pytest
import tensorflow as tf

from nst_keras.runtime import compilation


def test_what_xla_cannot_compile_falls_back_and_says_so():
    def untranslatable(x):
        return tf.strings.to_number(tf.strings.as_string(x)) * 2

    function = compilation.compiled(untranslatable, jit_compile="auto")
    with pytest.warns(UserWarning, match="XLA cannot compile this step here"):
        assert float(function(tf.constant(3.0))) == 6.0
    assert float(function(tf.constant(4.0))) == 8.0  # Without a further warning.
    with pytest.raises(tf.errors.InvalidArgumentError):
        compilation.compiled(untranslatable, jit_compile="true")(tf.constant(3.0))


def test_an_error_of_the_functions_own_goes_up():
    function = compilation.compiled(lambda x: tf.ensure_shape(tf.reshape(x, [-1]), [3]), jit_compile="auto")
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        function(tf.ones([4]))


@pytest.mark.parametrize(("jit_compile", "mode"), [("auto", "auto"), (True, "true"), ("False", "false")])
def test_modes(jit_compile, mode):
    assert compilation.jit_mode(jit_compile) == mode
