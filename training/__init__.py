"""Programs that make the weights of the compact networks from VGG19's weights and two folders of pictures.

`python -m training.low_rank` computes those of `compact_v2`: `factors` splits each convolution.
`python -m training.train` trains those of `compact`: `layerwise` makes the first student, `distillation` trains it,
`stylising` makes pictures to learn from, `state` keeps the training.
Both use `teacher` (VGG19), `pictures` (crops), `layerwise` (regression) and `packing` (the file).

`train` is written for Keras alone, so that it trains on TensorFlow on a CPU and on JAX on a GPU.
"""
