"""The demo's two pictures, drawn with matplotlib."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

INK, GREY, FAINT = "#22272e", "#7a828c", "#d9dde2"
BLUE, ORANGE, GREEN = "#2f6db5", "#d9622b", "#2e8b57"
COLUMNS = 3
COLUMN, ROW, CARD, HEADING, MARGIN = 3.75, 2.3, 1.75, 1.05, 0.3  # inches

plt.rcParams.update(
    {
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": GREY,
        "axes.edgecolor": FAINT,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "savefig.dpi": 150,
    }
)


def draw_curves(history: dict[str, list[float]], path: Path) -> None:
    """Draw loss and accuracy of training and validation over the epochs, with the epoch whose weights were kept."""
    epochs = np.arange(1, len(history["loss"]) + 1)
    best = int(np.argmin(history["val_loss"]))
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for axis, name, title in zip(axes, ["loss", "accuracy"], ["Loss (log scale)", "Accuracy"], strict=True):
        for key, label, color in [(name, "training", BLUE), (f"val_{name}", "validation", ORANGE)]:
            axis.plot(epochs, history[key], color=color, linewidth=2, marker="o", markersize=4, label=label)
        axis.axvline(best + 1, color=FAINT, linewidth=6, zorder=0)
        axis.set_title(title, loc="left", fontweight="bold")
        axis.set_xlabel("epoch")
        axis.set_xticks(epochs if len(epochs) <= 15 else epochs[:: len(epochs) // 10])
        axis.grid(axis="y", color=FAINT, linewidth=0.6)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yscale("log")
    axes[0].legend(frameon=False, loc="upper right")
    axes[1].yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    axes[1].text(
        0.97,
        0.06,
        f"kept: epoch {best + 1}, {100 * history['val_accuracy'][best]:.1f} % on validation\n"
        "(training accuracy is measured with dropout on)",
        transform=axes[1].transAxes,
        ha="right",
        color=GREY,
    )
    figure.savefig(path)
    plt.close(figure)


def draw_misread(images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, path: Path) -> None:
    """Draw every misread digit with the probability of each class, then the digits that were nearly misread."""
    predicted = probabilities.argmax(-1)
    by_confidence = np.argsort(probabilities.max(-1), kind="stable")
    wrong = [i for i in by_confidence[::-1] if predicted[i] != labels[i]]
    nearly = [i for i in by_confidence if predicted[i] == labels[i]][: COLUMNS if wrong else 2 * COLUMNS]

    sections = [("Nearly misread", "Read correctly, with the least certainty.", nearly)]
    if wrong:
        bars = "Bars: the probability of each digit; green is what it is, orange what it is most easily taken for."
        sections.insert(
            0, (f"{len(wrong)} of {len(labels)} test digits misread, the surest mistake first", bars, wrong)
        )
    rows = [-(-len(chosen) // COLUMNS) for _, _, chosen in sections]
    heights = [HEADING + ROW * row for row in rows]
    width, height = COLUMNS * COLUMN + MARGIN, sum(heights) + MARGIN
    figure = plt.figure(figsize=(width, height))
    top = height - MARGIN / 2
    for (title, subtitle, chosen), section_height in zip(sections, heights, strict=True):
        figure.text(MARGIN / width, (top - 0.15) / height, title, va="top", fontweight="bold", fontsize=13)
        figure.text(MARGIN / width, (top - 0.4) / height, subtitle, va="top", color=GREY)
        for k, i in enumerate(chosen):
            left, bottom = MARGIN + COLUMN * (k % COLUMNS), top - HEADING - ROW * (k // COLUMNS) - CARD
            picture = figure.add_axes((left / width, bottom / height, CARD / width, CARD / height))
            bars = figure.add_axes(((left + CARD + 0.35) / width, bottom / height, 1.3 / width, CARD / height))
            draw_digit(picture, images[i], int(labels[i]), probabilities[i])
            draw_probabilities(bars, int(labels[i]), probabilities[i])
        top -= section_height
    figure.savefig(path)
    plt.close(figure)


def draw_digit(axis: Axes, image: np.ndarray, label: int, probabilities: np.ndarray) -> None:
    axis.imshow(image, cmap="gray_r", vmin=0, vmax=16, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    predicted = int(probabilities.argmax())
    axis.set_title(
        f"a {label}, read as {predicted} with {100 * probabilities[predicted]:.0f} %", loc="left", fontsize=10
    )


def draw_probabilities(axis: Axes, label: int, probabilities: np.ndarray) -> None:
    classes = np.arange(len(probabilities))
    rival = int(max((c for c in classes if c != label), key=lambda c: probabilities[c]))
    colors = [GREEN if c == label else ORANGE if c == rival else FAINT for c in classes]
    axis.barh(classes, probabilities, color=colors, height=0.72)
    for c in (label, rival):
        axis.text(
            probabilities[c] + 0.04, c, f"{100 * probabilities[c]:.0f} %", va="center", fontsize=8, color=colors[c]
        )
    axis.set(xlim=(0, 1.3), yticks=classes, xticks=[])
    axis.invert_yaxis()
    axis.tick_params(length=0, labelsize=8)
    for tick, c in zip(axis.get_yticklabels(), classes, strict=True):
        if c in (label, rival):
            tick.set(color=colors[c], fontweight="bold")
    axis.spines[["top", "right", "bottom"]].set_visible(False)
