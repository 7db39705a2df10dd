"""Recipes in TensorFlow: its tutorial "Neural style transfer", and keras.io's example of the same name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from references import recipe

__all__ = ["gram_loss", "keras_example", "tutorial", "tutorial_loss"]

_Loss = Callable[[tf.Tensor], tf.Tensor]


def tutorial(task: recipe.Task, objective: Callable[[recipe.Task], _Loss] | None = None) -> Iterator[recipe.Iterate]:
    """Adam(0.02, beta_1=0.99, epsilon=0.1) in 0..1, clipped after each step; a `tf.function` without XLA.

    Args:
        task: The pictures and the network.
        objective: Makes the loss that it lowers. Default: `gram_loss`; its own is `tutorial_loss`.
    """
    loss_of = (objective or gram_loss)(task)
    image = tf.Variable(task.start / 255.0)
    adam = keras.optimizers.Adam(learning_rate=0.02, beta_1=0.99, epsilon=1e-1)
    adam.build([image])

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(255.0 * image)
        adam.apply_gradients([(tape.gradient(loss, image), image)])
        image.assign(tf.clip_by_value(image, 0.0, 1.0))
        return loss

    while True:
        yield recipe.Iterate(float(step()), lambda: 255.0 * image.numpy())


def keras_example(task: recipe.Task) -> Iterator[recipe.Iterate]:
    """SGD at a rate of 100, times 0.96 every 100 steps, on mean-centred levels; a `tf.function` without XLA.

    Its rate belongs to its own loss: the gradient is scaled so that its first step is as long as it is there.
    """
    loss_of = gram_loss(task)
    schedule = keras.optimizers.schedules.ExponentialDecay(100.0, decay_steps=100, decay_rate=0.96)
    sgd = keras.optimizers.SGD(schedule)
    image = tf.Variable(task.start)
    sgd.build([image])
    scale = _gradient_norm(_keras_example_loss(task), image) / _gradient_norm(loss_of, image)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(image)
        sgd.apply_gradients([(scale * tape.gradient(loss, image), image)])
        return loss

    while True:
        yield recipe.Iterate(float(step()), image.numpy)


def gram_loss(task: recipe.Task, weights: recipe.GramLoss = recipe.GRAM_LOSS) -> _Loss:
    """The loss as a function of a picture in 0..255."""
    distances = _distances(task, recipe.CONTENT_LAYER, _gram)

    def loss(image: tf.Tensor) -> tf.Tensor:
        style, content = distances(image)
        variation = tf.reduce_sum(tf.image.total_variation(image))
        return weights.style_weight * style + weights.content_weight * content + weights.var_weight * variation

    return loss


def tutorial_loss(task: recipe.Task, weights: recipe.TutorialLoss = recipe.TUTORIAL_LOSS) -> _Loss:
    """The tutorial's own loss as a function of a picture in 0..255."""
    distances = _distances(task, recipe.TUTORIAL_CONTENT_LAYER, _per_location)
    style_weight = weights.style_weight / len(recipe.STYLE_LAYERS)

    def loss(image: tf.Tensor) -> tf.Tensor:
        style, content = distances(image)
        variation = tf.reduce_sum(tf.image.total_variation(image / 255.0))
        return style_weight * style + weights.content_weight * content + weights.var_weight * variation

    return loss


def _distances(
    task: recipe.Task, content_layer: str, statistic: Callable[[tf.Tensor], tf.Tensor]
) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Of a picture: mean squared differences of its statistics to the style's, summed, and of its features."""
    features_of = _features(task.network, content_layer)
    wanted = {name: statistic(features) for name, features in features_of(tf.constant(task.style)).items()}
    content = features_of(tf.constant(task.content))[content_layer]

    def distances(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = features_of(image)
        style = [tf.reduce_mean((statistic(features[name]) - wanted[name]) ** 2) for name in recipe.STYLE_LAYERS]
        return tf.add_n(style), tf.reduce_mean((features[content_layer] - content) ** 2)

    return distances


def _features(network: keras.Model, content_layer: str) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    names = [*recipe.STYLE_LAYERS, content_layer]
    model = keras.Model(network.inputs, {name: network.get_layer(name).output for name in names})
    return lambda image: model(keras.applications.vgg19.preprocess_input(image))


def _gram(features: tf.Tensor) -> tf.Tensor:
    return tf.einsum("bijc,bijd->bcd", features, features) / tf.cast(tf.size(features), tf.float32)


def _per_location(features: tf.Tensor) -> tf.Tensor:
    _, height, width, _ = features.shape
    return _sums(features) / (height * width)


def _keras_example_loss(task: recipe.Task) -> _Loss:
    """The example's own: sums, its weights, a style of the content's size; the content at the task's layer.

    Its total variation, a ten-thousandth of the gradient, is left out.
    """
    features_of = _features(task.network, recipe.CONTENT_LAYER)
    style_image = tf.image.resize(task.style, task.content.shape[1:3])
    grams = {name: _sums(features) for name, features in features_of(style_image).items()}
    content = features_of(tf.constant(task.content))[recipe.CONTENT_LAYER]
    pixels = float(np.prod(task.start.shape[1:3]))

    def loss(image: tf.Tensor) -> tf.Tensor:
        features = features_of(image)
        style = [tf.reduce_sum((_sums(features[name]) - grams[name]) ** 2) for name in recipe.STYLE_LAYERS]
        distance = tf.reduce_sum((features[recipe.CONTENT_LAYER] - content) ** 2)
        return 1e-6 / 5 * tf.add_n(style) / (4 * 9 * pixels**2) + 2.5e-8 * distance

    return loss


def _sums(features: tf.Tensor) -> tf.Tensor:
    return tf.einsum("bijc,bijd->bcd", features, features)


def _gradient_norm(loss_of: Callable[[tf.Tensor], tf.Tensor], image: tf.Variable) -> tf.Tensor:
    with tf.GradientTape() as tape:
        loss = loss_of(image)
    return tf.norm(tape.gradient(loss, image))
