"""The results as Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from targets import verdicts

PLOTS = {"growth.png": "How a SPADE layer grows", "speed.png": "Generator and training step"}


def render(results: dict[str, Any]) -> str:
    """The whole report."""
    sections = [
        _heading(results),
        "## Targets\n\n" + _targets(results),
        "## Machine's peak\n\n" + _peaks(results["peaks"]),
        "## Generator inference\n\n" + _inference(results["inference"]),
        "## One SPADE layer\n\n" + _layer(results["spade_layer"]),
        "## Training step of the GAN\n\n" + _training(results["training"]),
        "## Label VAE\n\n" + _vae(results["vae"]),
        "## Growth\n\n" + _growth(results["growth"]),
        "## Preparing, loading, starting\n\n" + _pipeline(results["pipeline"]),
        "## Serving\n\n" + _serving(results["serving"]),
        "\n\n".join(f"![{title}]({name})" for name, title in PLOTS.items()),
    ]
    return "\n\n".join(sections) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, first column to the left, the others to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def number(value: float) -> str:
    """Three significant digits, without an exponent where it can be helped."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 4
        return f"{value:,.{digits}f}"
    return f"{value:.1e}"


def times(value: float) -> str:
    """A ratio."""
    return f"{number(value)} x"


def _spread(figures: dict[str, Any], unit: str) -> str:
    return f"{number(figures[f'min_{unit}'])} to {number(figures[f'max_{unit}'])}"


def _heading(results: dict[str, Any]) -> str:
    machine = results["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    command = "benchmarks/speed/bench.py --quick" if results["quick"] else "make bench"
    return (
        "# How fast it is\n\n"
        f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {packages}. "
        f"{results['date']}. Labels: {results['source']}.\n\n"
        f"Written by `{command}` in {results['seconds'] / 60:.1f} minutes. Contenders of a section take "
        f"turns; times are medians over rounds. Machine-readable: [results.json](results.json)."
    )


def _targets(results: dict[str, Any]) -> str:
    rows = [
        (
            v.subject,
            f"{number(v.value)} {v.unit}",
            f"{'>=' if v.at_least else '<='} {v.target:g}",
            "reached" if v.reached else "**missed**",
        )
        for v in verdicts(results)
    ]
    return table(("", "measured", "target", ""), rows)


def _peaks(section: dict[str, Any]) -> str:
    rows = [(dtype, *(f"{value:.0f}" for value in kinds.values())) for dtype, kinds in section.items()]
    kinds = [f"{kind}, GFLOP/s" for kind in next(iter(section.values()))]
    return table(("", *kinds), rows)


def _inference(section: dict[str, Any]) -> str:
    rows = []
    for batch, measured in section["batches"].items():
        for name, c in measured["contenders"].items():
            floor = number(c["floor_ms_per_image"]) if "floor_ms_per_image" in c else ""
            share = f"{100 * c['share_of_peak']:.0f} %" if "share_of_peak" in c else ""
            rows.append((name, batch, number(c["ms_per_image"]), _spread(c, "ms_per_image"), c["rounds"],
                         times(c["times_dense_float32"]), floor, share))  # fmt: skip
    header = (
        "",
        "batch",
        "ms per image",
        "range",
        "rounds",
        "against dense float32",
        "floor, ms",
        "share of peak",
    )
    counts = [
        (batch, size, f"{c['pixels']:,}", f"{c['neighbourhoods']:,}", f"{c['windows']:,}")
        for batch, measured in section["batches"].items()
        for size, c in measured["distinct"].items()
    ]
    work = "; ".join(
        f"batch {batch}: {measured['multiply_adds']['distinct'] / 1e9:.1f} G distinct, "
        f"{measured['multiply_adds']['dense'] / 1e9:.1f} G dense"
        for batch, measured in section["batches"].items()
    )
    accuracy = section["accuracy"]
    differences = [(name, number(value)) for name, value in accuracy["differences"].items()]
    return "\n\n".join(
        [
            table(header, rows),
            f"The floor is the time that the multiply-adds of the contender's own form ({work}) would take "
            "at the faster of the two peaks of its precision.",
            section["note"],
            table(("mean absolute difference", "of the image range"), differences),
            f"Random weights, moving averages settled; the images' standard deviation is "
            f"{number(accuracy['image_stddev'])} of the range.",
            table(("batch", "size", "pixels", "distinct 5 x 5", "distinct 3 x 3"), counts),
        ]
    )


def _layer(section: dict[str, Any]) -> str:
    rows = [
        (
            direction.replace("_", " + "),
            name,
            number(c["ms"]),
            _spread(c, "ms"),
            c["rounds"],
            times(c["times_dense"]),
            times(c["times_monai"]),
        )
        for direction in ("forward", "forward_backward")
        for name, c in section[direction].items()
    ]
    (counts,) = section["distinct"].values()
    header = ("", "", "ms", "range", "rounds", "against dense float32", "against MONAI")
    text = (
        f"128 x 128, batch 8, 64 channels, 128 hidden, training mode; {counts['neighbourhoods']:,} distinct "
        f"neighbourhoods and {counts['windows']:,} windows among {counts['pixels']:,} pixels; finding them "
        "is included. "
    )
    return table(header, rows) + "\n\n" + text + section["note"]


def _training(section: dict[str, Any]) -> str:
    rows = [
        (
            name,
            number(c["ms_per_image"]),
            _spread(c, "ms_per_image"),
            c["rounds"],
            times(c["times_dense_float32"]),
        )
        for name, c in section["contenders"].items()
    ]
    differences = [
        (name, step, *(f"{100 * value:.3f} %" for value in terms.values()))
        for name, steps in section["loss_differences"].items()
        for step, terms in zip(("same weights", "after one step"), steps, strict=True)
    ]
    terms = next(iter(section["losses"].values()))[0]
    return "\n\n".join(
        [
            table(("", "ms per image", "range", "rounds", "against dense float32"), rows),
            f"Generator and discriminator, batch {section['batch']}, preset `paper` without perceptual loss. "
            "Relative differences of the losses to those of distinct float32, same weights and batch:",
            table(("", "", *terms), differences),
        ]
    )


def _vae(section: dict[str, Any]) -> str:
    rows = [
        (kind, measured["batch"], name, number(c["ms_per_slice"]), _spread(c, "ms_per_slice"), c["rounds"],
         times(c["times_float32"]))
        for kind, measured in section.items()
        for name, c in measured["contenders"].items()
    ]  # fmt: skip
    return table(("", "batch", "", "ms per slice", "range", "rounds", "against float32"), rows)


def _growth(section: dict[str, Any]) -> str:
    rows = [
        (
            axis,
            f"{point['value']:g}",
            number(point["distinct"]),
            number(point["dense"]),
            times(point["dense"] / point["distinct"]),
        )
        for axis, points in section.items()
        for point in points
    ]
    return table(("", "", "distinct, ms", "dense, ms", "ratio"), rows)


def _pipeline(section: dict[str, Any]) -> str:
    rows = [
        (name, number(step["ms_per_subject"]), times(step["times_nibabel"]))
        for name, step in section["prepare"]["steps"].items()
    ]
    return (
        table(("", "ms per subject", "against nibabel"), rows)
        + f"\n\nSteps one subject after another ({section['prepare']['subjects']} subjects), `prepare` "
        f"with a thread per processor. Loading the prepared cohort ({section['load']['slices']:,} slices): "
        f"{number(section['load']['seconds'])} s. `cmrtf --help`: {number(section['help_s'])} s."
    )


def _serving(section: dict[str, Any]) -> str:
    models = table(
        ["model", "MB on disk", *(f"{loader}, s" for loader in section["load_s"]["spade_gan"])],
        [
            [model, number(size), *(number(seconds) for seconds in section["load_s"][model].values())]
            for model, size in section["size_mb"].items()
        ],
    )
    latency = table(
        ["synthesize through", "slices", "ms", "range", "rounds"],
        [
            [way, batch, number(timing["ms"]), _spread(timing, "ms"), timing["rounds"]]
            for batch, timings in section["latency"].items()
            for way, timing in timings.items()
        ],
    )
    note = (
        "Preset `paper`, random weights. The server is the double of the tests, in a process of its own on "
        "the same cores: what TensorFlow Serving itself adds is not in these times."
    )
    return f"{models}\n\n{latency}\n\n{note}"
