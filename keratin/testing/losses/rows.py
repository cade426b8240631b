"""The rows: every loss function, and every argument that changes what it computes."""

from __future__ import annotations

from typing import Any

import numpy as np

from keratin.testing.losses.case import Case, case

RANDOM = np.random.default_rng(0)


def one_hot(labels: Any, classes: int) -> Any:
    """Rows with a 1 at the label."""
    return np.eye(classes)[labels]


def softmax(x: Any) -> Any:
    """Rows that sum to 1."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


numbers = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(4, 3))
positive = RANDOM.uniform(0.1, 4, (4, 3)), RANDOM.uniform(0.1, 4, (4, 3))
far = 10 * numbers[0], -10 * numbers[1]
images = RANDOM.normal(size=(2, 3, 4)), RANDOM.normal(size=(2, 3, 4))
binary = RANDOM.integers(0, 2, (4, 3)).astype(float), RANDOM.uniform(0.02, 0.98, (4, 3))
binary_logits = binary[0], 5 * RANDOM.normal(size=(4, 3))
labels = RANDOM.integers(0, 3, 5)
classes = one_hot(labels, 3), softmax(RANDOM.normal(size=(5, 3)))
class_logits = classes[0], 5 * RANDOM.normal(size=(5, 3))
soft = softmax(RANDOM.normal(size=(5, 3))), classes[1]
pixels = one_hot(RANDOM.integers(0, 4, (2, 3)), 4), softmax(RANDOM.normal(size=(2, 3, 4)))
pixel_labels = pixels[0].argmax(-1)
signs = np.where(binary[0] > 0, 1.0, -1.0), numbers[1]

ROWS: list[Case] = [
    case("mean_squared_error", numbers),
    case("mean_squared_error", images),
    case("mean_absolute_error", numbers),
    case("mean_absolute_percentage_error", numbers),
    case("mean_squared_logarithmic_error", positive),
    case("huber", numbers),
    case("huber", far, delta=2.5),
    case("log_cosh", numbers),
    case("log_cosh", far),
    case("cosine_similarity", numbers),
    case("cosine_similarity", images, axis=1),
    case("poisson", positive),
    case("binary_crossentropy", binary),
    case("binary_crossentropy", binary, label_smoothing=0.2),
    case("binary_crossentropy", binary_logits, from_logits=True),
    case("binary_crossentropy", (binary[0][None], binary[1][None]), axis=1),
    case("binary_focal_crossentropy", binary),
    case("binary_focal_crossentropy", binary, apply_class_balancing=True, alpha=0.4, gamma=1.5),
    case("binary_focal_crossentropy", binary_logits, from_logits=True, gamma=3.0),
    case("binary_focal_crossentropy", binary, label_smoothing=0.1),
    case("categorical_crossentropy", classes),
    case("categorical_crossentropy", soft),
    case("categorical_crossentropy", (classes[0], 3 * classes[1])),
    case("categorical_crossentropy", class_logits, from_logits=True),
    case("categorical_crossentropy", class_logits, from_logits=True, label_smoothing=0.3),
    case("categorical_crossentropy", (pixels[0].swapaxes(1, 2), pixels[1].swapaxes(1, 2)), axis=1),
    case("categorical_focal_crossentropy", classes),
    case("categorical_focal_crossentropy", class_logits, from_logits=True, gamma=1.5),
    case("categorical_focal_crossentropy", classes, alpha=[0.1, 0.5, 0.4], gamma=3.0, label_smoothing=0.1),
    case("sparse_categorical_crossentropy", (labels, classes[1])),
    case("sparse_categorical_crossentropy", (labels[:, None], classes[1])),
    case("sparse_categorical_crossentropy", (labels, class_logits[1]), from_logits=True),
    case("sparse_categorical_crossentropy", (labels, class_logits[1]), from_logits=True, ignore_class=1),
    case("sparse_categorical_crossentropy", (pixel_labels, pixels[1]), ignore_class=0),
    case("sparse_categorical_crossentropy", (pixel_labels, pixels[1].swapaxes(1, 2)), axis=1),
    case("kl_divergence", soft),
    case("categorical_generalized_cross_entropy", (labels, classes[1]), q=0.7),
    case("hinge", signs),
    case("hinge", (binary[0], numbers[1])),
    case("squared_hinge", signs),
    case("categorical_hinge", class_logits),
    case("dice", binary),
    case("dice", binary, axis=1),
    case("tversky", binary, alpha=0.3, beta=0.9),
    case("tversky", (binary[0][None], binary[1][None]), alpha=0.2, beta=0.8, axis=(1, 2)),
    case("circle", (np.array([0, 1, 0, 2]), numbers[0] / np.linalg.norm(numbers[0], axis=1, keepdims=True))),
    case(
        "circle",
        (np.array([0, 1, 0, 0]), softmax(numbers[0])),
        gamma=20,
        margin=0.2,
        remove_diagonal=False,
    ),
]
