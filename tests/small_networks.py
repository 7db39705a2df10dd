"""Tiny networks of every kind of layer that tiles can cut, seeded, and some that they cannot."""

import keras
import numpy as np

from nst_keras.networks.layers import substitutes

layers = keras.layers


def conv(filters, kernel=3, **options):
    return layers.Conv2D(filters, kernel, **{"padding": "same", "activation": "relu", **options})


def vgg(x):
    """Three blocks, as VGG's."""
    for filters in (6, 8, 10):
        x = conv(filters)(conv(filters)(x))
        x = layers.MaxPooling2D(2)(x)
    return conv(12)(x)


def valid(x):
    """As InceptionV3's stem: strides and poolings without padding."""
    x = conv(6, strides=2, padding="valid", activation=None)(x)
    x = layers.Activation("relu")(layers.BatchNormalization(scale=False)(x))
    x = conv(8, padding="valid")(x)
    x = layers.MaxPooling2D(3, 2)(x)
    return conv(8, (5, 2), padding="valid")(x)


def branches(x):
    """As InceptionV3's blocks: branches of unlike reach, asymmetric kernels, a pooling of stride 1."""
    x = conv(6)(x)
    left = conv(4, (7, 1))(conv(4, (1, 7))(x))
    right = conv(8, 1)(layers.AveragePooling2D(3, 1, padding="same")(x))
    x = layers.Concatenate()([conv(4, 1)(x), left, right])
    return conv(8)(layers.MaxPooling2D(2)(x))


def dilated(x):
    x = conv(6, dilation_rate=(2, 3))(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    return layers.SeparableConv2D(8, 3, padding="same", dilation_rate=2, activation="relu")(x)


def residual(x):
    """As ResNet's: padding of its own, a strided "same" convolution, a shortcut."""
    x = layers.ZeroPadding2D(((3, 2), (1, 4)))(x)
    x = conv(6, 7, strides=2, padding="valid")(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(layers.ZeroPadding2D(1)(x))
    y = conv(8, strides=2, activation=None)(x)
    x = layers.Add()([y, conv(8, 1, strides=2, activation=None)(x)])
    return layers.LeakyReLU()(layers.Multiply()([x, conv(8, activation="sigmoid")(x)]))


def even(x):
    """Even kernels and strides that leave a remainder."""
    x = conv(6, 4, strides=2)(x)
    x = substitutes.L2Pooling2D(2)(x)
    x = conv(8, 2, strides=3)(x)
    return conv(8, (2, 5))(x)


NETWORKS = {kind.__name__: kind for kind in (vgg, valid, branches, dilated, residual, even)}


def network(kind, seed=1):
    keras.utils.set_random_seed(seed)
    image = keras.Input((None, None, 3))
    return keras.Model(image, NETWORKS[kind](image), name=kind)


def random_network(seed):
    """Convolutions and poolings in a random order and of random make, with a branch here and there."""
    random = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    image = x = keras.Input((None, None, 3))
    x = conv(4)(x)
    for _ in range(random.integers(3, 6)):
        padding, stride = random.choice(["same", "valid"]), int(random.choice([1, 1, 2, 3]))
        kernel = tuple(int(side) for side in random.integers(1, 5, 2))
        kinds = [
            conv(4, kernel, strides=stride, padding=padding),
            conv(4, kernel, dilation_rate=int(random.integers(1, 3)), padding=padding),
            layers.MaxPooling2D(kernel, stride, padding=padding),
            layers.AveragePooling2D(kernel, stride, padding=padding),
            layers.ZeroPadding2D(tuple(tuple(int(side) for side in random.integers(0, 3, 2)) for _ in range(2))),
        ]
        layer = kinds[random.integers(len(kinds))]
        keeps_size = getattr(layer, "strides", None) == (1, 1) and padding == "same"
        x = layers.Add()([x, layer(x)]) if keeps_size and random.integers(2) else layer(x)
    return keras.Model(image, x, name=f"random_{seed}")


def lambda_layer(x):
    return layers.Lambda(lambda values: values)(x)


def global_pooling(x):
    return layers.Multiply()([x, layers.GlobalAveragePooling2D(keepdims=True)(x)])


def upsampling(x):
    return layers.UpSampling2D()(x)


def transposed(x):
    return layers.Conv2DTranspose(4, 3)(x)


def nested(x):
    inner = keras.Input((None, None, 4))
    return keras.Model(inner, conv(4)(inner), name="nested")(x)


def operation(x):
    """Not a layer: `+` is one of Keras's operations."""
    return conv(4)(x + conv(4)(x))


def called_twice(x):
    again = conv(4)
    return again(again(x))


def side_by_side(x):
    return layers.Concatenate(axis=1)([x, x])


UNCUTTABLE = {
    kind.__name__: kind
    for kind in (lambda_layer, global_pooling, upsampling, transposed, nested, operation, called_twice, side_by_side)
}


def uncuttable(kind):
    """A network of which tiles would come out wrong: its features see all of the image, or are elsewhere."""
    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, 3))
    return keras.Model(image, conv(4, name="last")(UNCUTTABLE[kind](conv(4, name="first")(image))), name=kind)
