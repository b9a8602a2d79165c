"""Reports: a notebook with parameters, run on a snapshot, as one self-contained HTML file."""

from collections.abc import Mapping
from pathlib import Path

from tqdm.auto import tqdm

from ..errors import SnapshotError
from ..language import Language
from ..site import Site
from ..system_calls import progress_disabled
from .notebook import OnCell, run_notebook
from .request import ReportRequest, calls_hash, read_request

__all__ = ["make_report", "write_report"]


def write_report(
    snapshot: str | Path,
    output: str | Path,
    *,
    notebook: str | Path = "weekly",
    parameters: Mapping[str, object] | None = None,
    png_folder: str | Path | None = None,
    progress: bool = False,
    site: Site | None = None,
    language: Language | None = None,
    title: str | None = None,
) -> Path:
    """The path of a new HTML file with the results of a notebook that was run on a snapshot.

    The file needs no network. The same snapshot, notebook, parameters and versions give the same
    bytes. A table at its end lists the snapshot's hash, the query, the period in which the calls
    are complete, the parameters, all options and the versions.

    Links to recordings are removed, and external phone numbers are masked. The parameter
    `show_numbers` of the notebook shows them, if it is true. The numbers in its parameter
    `own_numbers`, such as the hotlines, and the options' `ivr_numbers` are never masked. An
    existing file is replaced.

    Args:
        snapshot: the folder of a snapshot.
        output: the HTML file; missing parent folders are made.
        notebook: "daily", "weekly", "monthly" or "extensions", or the path of your own notebook.
            Without dates, the first three are about the last whole day, week from Monday, or month
            in the snapshot, and compare it with its earlier days. Its cell tagged `parameters`
            declares its parameters as `name: type = value`. One of them must be
            `snapshot`, the folder to read. If it declares `options`, it receives the arguments of
            `MetricOptions.from_dict`, with the snapshot's time zone and with `as_of` not after the
            end of the complete period.
        parameters: values for these parameters. `options` is a mapping of the options that differ
            from the defaults.
        png_folder: a folder for the charts as PNG files; made if missing.
        progress: show a bar with the number of cells that were run. The environment variable
            TQDM_DISABLE=1 hides it.
        site: the settings of your organisation; by default the site file, as `Site.load` finds it.
            Its options, its numbers that are never masked and its targets fill what `parameters`
            omits. The time zone is that of the snapshot.
        language: "en" or "vi", the language of the texts; by default that of the site file. Texts
            of your own notebook stay as they are, unless they are also in a bundled one.
        title: the title of the report, in which external phone numbers of the calls are masked; by
            default the first heading of the notebook.

    Raises:
        UnknownName: texts are not in this language.
        InputError: a parameter is unknown or has the wrong type, or another argument is not a path;
            nothing was run.
        SnapshotError: the snapshot is missing or incomplete.
        ReportError: a cell failed, or a file cannot be written; no file was changed.

    Examples:
        >>> import tempfile
        >>> options = {"ivr_numbers": ["8000", "8100"]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     snapshot = et.write_snapshot(et.sample_logs(), f"{folder}/week")
        ...     path = et.write_report(
        ...         snapshot, f"{folder}/report.html", parameters={"options": options}
        ...     )
        ...     "Answer rate" in path.read_text(encoding="utf-8")
        True
    """
    with read_request(
        snapshot,
        output,
        notebook=notebook,
        parameters=parameters,
        png_folder=png_folder,
        site=site,
        language=language,
        title=title,
    ) as request:
        return make_report(request, progress=progress)


def make_report(request: ReportRequest, *, progress: bool, on_cell: OnCell | None = None) -> Path:
    """The path of the new HTML file of a request.

    Args:
        request: the report.
        progress: show a bar with the number of cells that were run.
        on_cell: called after each cell; an error that it raises ends the report.

    Raises:
        SnapshotError: the snapshot was replaced meanwhile.
        ReportError: a cell failed, or a file cannot be written; no file was changed.
    """
    disable = not progress or progress_disabled()
    with tqdm(desc="Running cells", unit=" cells", disable=disable) as bar:

        def show_cell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)
            if on_cell:
                on_cell(done, total)

        executed = run_notebook(
            request.notebook,
            {**request.values, "snapshot": str(request.snapshot.resolve())},
            name=request.name,
            folder=request.folder,
            language=request.display.language,
            on_cell=show_cell,
        )
    if calls_hash(request.snapshot) != request.digest:
        raise SnapshotError(
            f"{request.snapshot} was replaced while the report was made: run it again."
        )
    # After all checks, because it imports the packages that draw charts.
    from .document import write_files

    with request.display.speaking():
        write_files(request, executed)
    return request.output
