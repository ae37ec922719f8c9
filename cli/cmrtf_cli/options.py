"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cmrtf.core.arguments import MAX_CINE_FRAMES, MAX_SEED, MAX_SLICES
from cmrtf.errors import CmrtfError

if TYPE_CHECKING:
    from cmrtf.bundle.bundle import Bundle
    from cmrtf_export.bundle_trainer import BundleTrainer

Value = TypeVar("Value")


class NamedPath(click.Path):
    """A path that has a name: an empty one, as of a variable that is not set, would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if not str(value):
            self.fail("expected a path. Received: an empty one.", param, ctx)
        return super().convert(value, param, ctx)


PATH = NamedPath(path_type=Path)


def parsed_by(parser: Callable[[], Callable[[str], Value]]) -> Callable[..., Value | None]:
    """A callback that parses what an option was given; what cannot be parsed is that option's error.

    Args:
        parser: imports the function that parses, so that help needs no such import.
    """

    def callback(_: click.Context, __: click.Parameter, text: str | None) -> Value | None:
        try:
            return None if text is None else parser()(text)
        except CmrtfError as error:
            raise click.BadParameter(str(error)) from error

    return callback


def _assigned(assignments: tuple[str, ...]) -> dict[str, Any]:
    """Values that `--set` names."""
    from cmrtf.core.yaml_files import parse_assignments

    try:
        return parse_assignments(assignments)
    except CmrtfError as error:
        raise click.BadParameter(str(error)) from error


def conditions() -> Any:
    """Parses `--where`."""
    from cmrtf.synthesis.criteria import parse_conditions

    return parse_conditions


def targets() -> Any:
    """Parses `--target`."""
    from cmrtf.synthesis.criteria import parse_targets

    return parse_targets


def label_values() -> Any:
    """Parses `--label-values`."""
    from cmrtf.core.label_values import parse_label_values

    return parse_label_values


model = click.option("--model", type=PATH, required=True, metavar="BUNDLE", help="Made by export.")
data = click.option("--data", type=PATH, required=True, metavar="PREPARED", help="Made by prepare.")
outputs = click.option("--out", type=PATH, required=True, help="New folder for the outputs.")


def bundle_or_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--model`, `--server` and `--deadline`; `open_bundle` takes what they were given."""
    for option in (
        click.option(
            "--deadline",
            "deadline_s",
            type=click.IntRange(min=1, max=3600),
            default=60,
            show_default=True,
            metavar="SECONDS",
            help="With --server: how long one request may take.",
        ),
        click.option(
            "--server",
            metavar="ADDRESS",
            help="In place of --model: TensorFlow Serving with the models of a bundle, grpc://HOST:8500 or "
            "http://HOST:8501 (grpcs, https with TLS); /LABEL behind it asks for the version with that "
            "label.",
        ),
        click.option("--model", type=PATH, metavar="BUNDLE", help="Made by export."),
    ):
        command = option(command)
    return command


slices = click.option(
    "--slices",
    "num_slices",
    type=click.IntRange(min=2, max=MAX_SLICES),
    default=32,
    show_default=True,
    help="Of each synthetic stack.",
)
phases = click.option(
    "--phase",
    "phases",
    type=click.Choice(["ED", "ES", "both"]),
    default="both",
    show_default=True,
    callback=lambda _, __, phase: ("ED", "ES") if phase == "both" else (phase,),
)
exact_ends = click.option(
    "--exact-ends/--no-exact-ends",
    default=True,
    show_default=True,
    help="Pass through the true labels, so that volumes of the sources are kept: what the decoder misses of "
    "the sources is interpolated and added. What --repair changes at the ends is not theirs.",
)
repair = click.option(
    "--repair/--no-repair",
    default=True,
    show_default=True,
    help="Repair implausible labels (specks, holes, an open myocardium) before images are made of them.",
)
prepared = click.argument("prepared", type=PATH, required=False)
preset = click.option(
    "--preset",
    metavar="NAME|FILE",
    help="demo, cpu, gpu, paper, or a YAML file of the same form.  [default: cpu]",
)
run = click.option(
    "--run",
    "run_path",
    type=PATH,
    required=True,
    help="Folder of the run: configuration, checkpoints, logs, samples.",
)
frames = click.option(
    "--frames",
    "num_frames",
    type=click.IntRange(min=2, max=MAX_CINE_FRAMES),
    help="Let hearts beat: a 4D image and labels of a whole beat, in so many frames, such as 25.  [default: "
    "end diastole and end systole alone]",
)
steps = click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Length of the run, rounded up to whole intervals.  [default: the preset's]",
)
settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda _, __, assignments: _assigned(assignments),
    help="An entry in place of the preset's, such as learning_rate=1e-3 or augmentation.scaling=0.1; can be "
    "given again.",
)
resume = click.option(
    "--resume",
    is_flag=True,
    help="Continue the run in --run from its last checkpoint, with the cohort, the preset and the seed that "
    "it was started with; longer with --steps.",
)
seed_of_run = click.option(
    "--seed", type=click.IntRange(min=0, max=MAX_SEED), help="Same seed, same run.  [default: 0]"
)
deterministic = click.option(
    "--deterministic",
    is_flag=True,
    help="The same bits each time, on one kind of machine; slower on a GPU.",
)


def seed_option(text: str, default: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--seed` of a command, with what it is for as its help."""
    return click.option(
        "--seed",
        type=click.IntRange(min=0, max=MAX_SEED),
        default=default,
        show_default=True,
        help=text,
    )


seed = seed_option("Same seed, same run.")
seed_for_the_record = seed_option("For the record: an interpolation between posterior means draws nothing.")
style = click.option(
    "--style",
    default="sample",
    show_default=True,
    metavar="SUBJECT|VENDOR|CENTRE|IMAGE|sample",
    help="Look like a training subject or an image (a NIfTI file or a DICOM series), or have a sampled "
    "appearance, drawn from what images of a vendor or centre look like, or of all, each vendor as often as "
    "in training. Where two have one name: vendor:A, centre:1, subject:A1B2C3.",
)
data_format = click.option(
    "--format",
    "data_format",
    type=click.Choice(["auto", "mnms", "mnms2", "acdc", "sunnybrook", "nnunet", "folder"]),
    default="auto",
    show_default=True,
    help="Layout of RAW; auto goes by the files.",
)

exclude = click.option(
    "--exclude", multiple=True, metavar="CODE", help="Leave a subject out; can be given again."
)
slice_orders = click.option(
    "--slice-order",
    "slice_orders",
    multiple=True,
    metavar="[CODE=]ORDER",
    help="How slices are stored, apex-first or base-first, where it cannot be told from the files: of all "
    "subjects, or of one. Several times for several.",
)


beam_options = click.argument("beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM_OPTIONS]")


def require_beam_for(beam: bool, beam_options: tuple[str, ...]) -> None:
    """Check that options of a pipeline are given to one."""
    if beam_options and not beam:
        raise click.UsageError(f"Expected --beam with options of a pipeline. Received: {beam_options[0]}.")


def open_bundle(model: Path | None, server: str | None, deadline_s: int) -> "Bundle":
    """The bundle on disk or behind a server."""
    import cmrtf

    if model and not server:
        return cmrtf.load_bundle(model)
    if server and not model:
        return cmrtf.connect(server, deadline_s)
    raise click.UsageError("expected either --model BUNDLE or --server ADDRESS.")


def bundle_trainer(preset: str | None) -> "BundleTrainer":
    """Trains both models with the preset that was asked for, or with the usual one."""
    from cmrtf_export.bundle_trainer import BundleTrainer

    return BundleTrainer(preset) if preset else BundleTrainer()


def require_new_folder(out: Path) -> None:
    """Check that `out` can become a new folder, before a long computation."""
    from cmrtf.core import files

    files.require_new_folder(out)


def require_writable(out: Path) -> None:
    """Check that a folder can be written, before a long computation."""
    from cmrtf.core import files

    files.require_writable(out)


def require_layout(out: Path, layout: str, cines: bool) -> None:
    """Check that a layout takes the name of a folder, and cines if there are some, before a computation."""
    from cmrtf.datasets.layouts import LAYOUTS

    LAYOUTS[layout].check_folder(out)
    if cines:
        LAYOUTS[layout].check_cines()


def echo_outputs(out: Path) -> None:
    """Say where the outputs of an interpolation lie."""
    click.echo(f"Done: {out}. Open {out / 'report.html'} in a browser, or look at {out / 'figure.png'}.")
