"""ProgressBar: how much of a task is done, where that is known."""

import html

import ipywidgets as ui

__all__ = ["ProgressBar"]


class ProgressBar(ui.HTML):  # type: ignore[misc]
    """A bar that is hidden until a share is known; `label` is its name for screen readers."""

    def __init__(self, label: str) -> None:
        self._label = html.escape(label)
        super().__init__(layout={"display": "none", "margin": "4px 2px", "width": "auto"})

    def show(self, share: float | None) -> None:
        """Show a share between 0 and 1; None hides the bar."""
        if share is None:
            self.hide()
            return
        percent = f"{100 * share:.0f}"
        # The element has the role, the keyboard behaviour and the theme of the browser.
        self.value = (
            f'<progress max="100" value="{percent}" style="width:100%;max-width:480px" '
            f'aria-label="{self._label}"></progress>'
        )
        self.layout.display = None

    def hide(self) -> None:
        """Hide the bar."""
        self.value, self.layout.display = "", "none"
