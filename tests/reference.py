"""The losses in naive NumPy, float64, loop by loop as the papers write them. Slow, and plain to check."""

import numpy as np
import scipy.linalg

# Relative tolerance of a comparison, by the coarser type in it.
TOLERANCE = {"float64": 1e-12, "float32": 2e-5, "float16": 5e-3}


def gram_matrix(features):
    """G_ij = sum_k F_ik F_jk, for features [height, width, N]."""
    height, width, channels = features.shape
    gram = np.zeros((channels, channels))
    for y in range(height):
        for x in range(width):
            for i in range(channels):
                for j in range(channels):
                    gram[i, j] += features[y, x, i] * features[y, x, j]
    return gram


def content_loss(features, target, normalization):
    """Content loss of one layer."""
    squares = sum((f - p) ** 2 for f, p in zip(features.ravel(), target.ravel(), strict=True))
    if normalization == "gatys2015":
        return squares / 2
    if normalization == "mean":
        return squares / features.size
    return squares / sum(p**2 for p in target.ravel())


def style_loss(features, style_features, normalization):
    """Style loss of one layer, from the features of both images, which may differ in size."""
    channels = features.shape[-1]
    gram = gram_matrix(features) / (features.shape[0] * features.shape[1])
    target = gram_matrix(style_features) / (style_features.shape[0] * style_features.shape[1])
    squares = sum((gram[i, j] - target[i, j]) ** 2 for i in range(channels) for j in range(channels))
    if normalization == "gatys2015":
        return squares / (4 * channels**2)
    if normalization == "mean":
        return squares / channels**2
    return squares / sum(target[i, j] ** 2 for i in range(channels) for j in range(channels))


def moments(features):
    """Mean and covariance of the features at a layer's locations."""
    points = features.reshape(-1, features.shape[-1])
    mean = sum(points) / len(points)
    return mean, sum(np.outer(point - mean, point - mean) for point in points) / len(points)


def area_means(mask, height, width):
    """A mask [rows, columns], averaged over the pixels, and parts of them, that lie in each cell of a coarser grid."""

    def parts(cells, pixels):
        """How much of each cell, as a share, each pixel is."""
        overlap = np.zeros((cells, pixels))
        for cell in range(cells):
            for pixel in range(pixels):
                last, first = min((cell + 1) / cells, (pixel + 1) / pixels), max(cell / cells, pixel / pixels)
                overlap[cell, pixel] = max(0.0, last - first) * cells
        return overlap

    return parts(height, mask.shape[0]) @ mask @ parts(width, mask.shape[1]).T


def guided_gram_matrix(features, guide):
    """G_ij = sum_k t_k F_ik F_jk / sum_k t_k, for features [height, width, N] and a guide t [height, width]."""
    points, counts = features.reshape(-1, features.shape[-1]), guide.ravel()
    return sum(count * np.outer(point, point) for count, point in zip(counts, points, strict=True)) / sum(counts)


def guided_sliced_wasserstein_distance(features, style_features, lines, guide):
    """As below, of points that count as the guide [height, width] says: each stands in the middle of its own share."""
    points, style_points = (f.reshape(-1, f.shape[-1]) for f in (features, style_features))
    size = sum(point @ point for point in style_points) / len(style_points)
    style_middles = (np.arange(len(style_points)) + 0.5) / len(style_points)
    counts, total = guide.ravel() / guide.sum(), 0.0
    for line in lines.T:
        order = np.argsort(points @ line)
        below = 0.0
        for place in order:
            goal = np.interp(below + counts[place] / 2, style_middles, np.sort(style_points @ line))
            total += counts[place] * (points[place] @ line - goal) ** 2
            below += counts[place]
    return total / size


def average_of_iterates(iterates, decay):
    """(1 - d) sum_k d^(n-k) x_k, over the sum of its weights."""
    weights = [(1 - decay) * decay ** (len(iterates) - 1 - place) for place in range(len(iterates))]
    return sum(weight * iterate for weight, iterate in zip(weights, iterates, strict=True)) / sum(weights)


def lbfgs_iterates(value_and_gradient, start, history, first_change, steps):
    """The image after each step of L-BFGS without bounds, its inverse Hessian written out as a matrix."""
    image, (loss, gradient) = start, value_and_gradient(start)
    pairs, length, found = [], 1.0, [start]
    direction = -gradient * first_change / np.sqrt(np.mean(gradient**2))
    for _ in range(steps - 1):
        trial = image + length * direction
        trial_loss, trial_gradient = value_and_gradient(trial)
        slope = gradient @ (trial - image)
        if trial_loss <= loss + 1e-4 * slope:
            pairs = [(trial - image, trial_gradient - gradient), *pairs][:history]
            assert pairs[0][0] @ pairs[0][1] > 0
            image, loss, gradient, length = trial, trial_loss, trial_gradient, 1.0
            direction = -inverse_hessian(pairs) @ gradient
        else:
            length *= np.clip(-slope / (2 * (trial_loss - loss - slope)), 0.1, 0.5)
        found.append(image)
    return found


def inverse_hessian(pairs):
    """Nocedal and Wright, eq. 6.17, from pairs of displacement and gradient change, the newest first."""
    s, y = pairs[0]
    inverse = np.eye(s.size) * (s @ y) / (y @ y)
    for s, y in reversed(pairs):
        left = np.eye(s.size) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    return inverse


def covariance_distance(features, style_features):
    """Squared distances of means and of covariances, each over the style's own, in equal parts."""
    (mean, covariance), (style_mean, style_covariance) = moments(features), moments(style_features)
    of_means = sum((mean - style_mean) ** 2) / sum(style_mean**2)
    of_covariances = np.sum((covariance - style_covariance) ** 2) / np.sum(style_covariance**2)
    return (of_means + of_covariances) / 2


def wasserstein_distance(features, style_features, blur):
    """Squared 2-Wasserstein distance of normal distributions, over a style point's mean square."""
    (mean, covariance), (style_mean, style_covariance) = moments(features), moments(style_features)
    size = np.trace(style_covariance) + style_mean @ style_mean
    covariance, style_covariance = (c + blur * size * np.eye(len(c)) for c in (covariance, style_covariance))
    root = scipy.linalg.sqrtm(style_covariance)
    common = scipy.linalg.sqrtm(root @ covariance @ root).real
    shift = np.sum((mean - style_mean) ** 2)
    return (shift + np.trace(covariance + style_covariance - 2 * common)) / size


def sliced_wasserstein_distance(features, style_features, lines):
    """Mean squared distances along each line of the points in order, over a style point's mean square.

    A style of fewer or more locations is read at the picture's quantiles, linearly between its points.
    """
    points, style_points = (f.reshape(-1, f.shape[-1]) for f in (features, style_features))
    size = sum(point @ point for point in style_points) / len(style_points)
    middles, style_middles = ((np.arange(len(p)) + 0.5) / len(p) for p in (points, style_points))
    total = 0.0
    for line in lines.T:
        goals = np.interp(middles, style_middles, np.sort(style_points @ line))
        total += np.mean((np.sort(points @ line) - goals) ** 2)
    return total / size


def total_variation(image, normalization, variation="l1"):
    """Total variation of an image [height, width, channels] in 0..255, pixel by pixel."""
    height, width, channels = image.shape
    straight, diagonal, pairs = 0.0, 0.0, 0
    power = {"l1": 1, "l2": 2, "9_point": 2}[variation]
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                if y + 1 < height:
                    straight, pairs = straight + abs(image[y + 1, x, c] - image[y, x, c]) ** power, pairs + 1
                if x + 1 < width:
                    straight, pairs = straight + abs(image[y, x + 1, c] - image[y, x, c]) ** power, pairs + 1
    # Beyond its border the image goes on as at it.
    at = lambda y, x: image[min(max(y, 0), height - 1), min(max(x, 0), width - 1)]  # noqa: E731
    for y in range(-1, height):
        for x in range(-1, width):
            diagonal += np.sum((at(y + 1, x + 1) - at(y, x)) ** 2 + (at(y + 1, x) - at(y, x + 1)) ** 2)
    total = (4 * straight + diagonal) / 6 if variation == "9_point" else straight
    most = 255.0**power
    return {"gatys2015": total, "mean": total / most, "relative": total / most / pairs}[normalization]


def alpha_norm(image, normalization):
    """Distances of the levels from mid-grey to the sixth power, of an image in 0..255."""
    levels = [abs(level - 127.5) for level in image.ravel()]
    total, scaled = sum(x**6 for x in levels), sum((x / 127.5) ** 6 for x in levels)
    return {"gatys2015": total, "mean": scaled, "relative": scaled / image.size}[normalization]


def content_gradient(features, target):
    """Gatys et al. 2015, eq. 2: dL/dF = F - P where F > 0, else 0."""
    return np.where(features > 0, features - target, 0.0)


def style_gradient(features, target_gram):
    """Gatys et al. 2015, eq. 6: dE/dF = F^T (G - A) / (N^2 M^2) where F > 0, else 0; raw Gram matrices."""
    height, width, channels = features.shape
    flat = features.reshape(-1, channels)
    gradient = flat @ (gram_matrix(features) - target_gram) / (channels**2 * (height * width) ** 2)
    return np.where(features > 0, gradient.reshape(features.shape), 0.0)
