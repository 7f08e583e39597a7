"""What all our admin pages share: rights, own pages, counts for one page of a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from unfold import decorators
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from enrichment.admin.faster import selecting
from enrichment.admin.paging import LongListPaginator

F = TypeVar("F", bound=Callable[..., Any])


def column(**options: Any) -> Callable[[F], F]:
    """A method as a column or read-only field; options as of unfold's `display`, which has no types."""
    decorate: Callable[[F], F] = decorators.display(**options)
    return decorate


def button(**options: Any) -> Callable[[F], F]:
    """A method as a button of a list or page; options as of unfold's `action`, which has no types."""
    decorate: Callable[[F], F] = decorators.action(**options)
    return decorate


class FootnoteAdmin(ModelAdmin):  # type: ignore[misc]
    """A ModelAdmin in the house's manner: filters applied together, no second count, help when empty.

    `empty_hint` is the sentence an empty list shows, `empty_links` (label, url name, the right it needs)
    what it offers.
    """

    paginator = LongListPaginator
    list_filter_submit = True
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False
    compressed_fields = True
    list_sections = ()  # asked for twice a row; a template looks long for what is not there
    empty_hint = ""
    empty_links: Sequence[tuple[str, str, str]] = ()

    @column(description="Select")
    def action_checkbox(self, obj: Any) -> str:
        """The box that selects a row, as unfold draws it."""
        return selecting(obj.pk)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Lists give `complete_page` a chance to add what it can learn in one query for all rows."""
        return PageChangeList

    def complete_page(self, objects: Sequence[Any]) -> None:
        """Put counts and the like on the objects of one page; a fixed number of queries."""

    def render_page(
        self, request: HttpRequest, template: str, title: str, *, status: int = 200, **context: Any
    ) -> TemplateResponse:
        """A page of our own within the admin."""
        request.current_app = self.admin_site.name
        shared = self.admin_site.each_context(request)
        return TemplateResponse(
            request,
            template,
            {**shared, "opts": self.opts, "title": title, "model_admin": self, **context},
            status=status,
        )


class PageChangeList(ChangeList):  # type: ignore[misc]
    """A list that completes the rows of the page it shows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_popup:
            self.title = capfirst(self.opts.verbose_name_plural)  # nobody is asked to select one to change

    def get_results(self, request: HttpRequest) -> None:
        """Read one page of rows, then what belongs beside them."""
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count
        self.next_steps = [
            (label, name)
            for label, name, permission in self.model_admin.empty_links
            if request.user.has_perm(permission)
        ]
        self.model_admin.complete_page(list(self.result_list))


class ReadOnlyAdmin(FootnoteAdmin):
    """A list and pages to look at: the ledger is written by the engine only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes by hand."""
        return False


def require(request: HttpRequest, *permissions: str) -> None:
    """Let the request pass only when its user has all `permissions` (app.codename); raises PermissionDenied."""
    if not request.user.has_perms(permissions):
        raise PermissionDenied
