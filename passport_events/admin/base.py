"""What every list and page of the desk has in common: nothing is added, edited or deleted by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse

from passport_events.admin.pagination import CappedPaginator
from passport_events.operating.text import format_line

if TYPE_CHECKING:
    Generic = admin.ModelAdmin
else:

    class Generic(admin.ModelAdmin):
        """A ModelAdmin that takes the parameter which only type checkers see."""

        def __class_getitem__(cls, model: object) -> type:
            return cls


M = TypeVar("M", bound=Model)


class SortableChangeList(ChangeList):
    """Sorts by the columns that a list offers for it. Django sorts by any column that an address names."""

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None


class PassportModelAdmin(Generic[M]):
    """Lists that stay quick on a table of any size, with one stylesheet and no script of our own.

    What an address may ask of a list is an allow-list: the list's filters and `link_lookups`. Django allows
    every lookup on a model's own columns, and each answers yes or no about values that no page shows.
    """

    link_lookups: ClassVar[tuple[str, ...]] = ()
    """Lookups that links of ours use besides the filters."""
    change_list_template = "passport_events/admin/change_list.html"
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("passport_events/admin.css",)}

    @property
    def urls(self) -> list[URLPattern]:
        """Every address of this model, each behind the same door."""
        found: list[URLPattern] = self.get_urls()
        for each in found:
            each.callback = refuse_nul(each.callback)
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M | None:
        # Django's views take an empty `_to_field` for the name of a field.
        return super().get_object(request, object_id, from_field or None)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SortableChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup in self.allowed_lookups(request)

    def allowed_lookups(self, request: HttpRequest | None = None) -> set[str]:
        """Everything that an address may filter a list of this model by."""
        allowed = set(self.link_lookups)
        filters: Iterable[Any] = self.list_filter if request is None else self.get_list_filter(request)
        for each in filters:
            if isinstance(each, type) and issubclass(each, admin.SimpleListFilter):
                allowed.add(str(each.parameter_name))
            else:
                name = each if isinstance(each, str) else each[0]
                allowed |= {f"{name}__exact", f"{name}__isnull"}
        return allowed

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if "\x00" in search_term:  # PostgreSQL refuses it, and Django checks for it in lists only
            return queryset.none(), False
        return self.search(request, queryset, search_term.strip())

    def search(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> tuple[QuerySet[Any], bool]:
        """What a search means, and whether it may find rows twice."""
        return super().get_search_results(request, queryset, text)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def url_of(self, row: Model) -> str:
        """A row's page on this site; empty where its model is not registered there."""
        return self.url_for(type(row), "change", row.pk)

    def list_url(self, model: type[Model], query: str = "") -> str:
        """A model's list on this site; empty where it is not registered there."""
        url = self.url_for(model, "changelist")
        return f"{url}?{query}" if url and query else url

    def url_for(self, model: type[Model], view: str, *args: Any) -> str:
        """A page of another model on this site; empty where it is not registered there."""
        try:
            other = self.admin_site.get_model_admin(model)
        except NotRegistered:
            return ""
        return reverse(
            f"{self.admin_site.name}:{other.opts.app_label}_{other.opts.model_name}_{view}", args=args
        )

    def url(self, view: str, *args: Any) -> str:
        """One of this model's own pages."""
        return reverse(f"{self.admin_site.name}:{self.url_name(view)}", args=args)

    def url_name(self, view: str) -> str:
        """As Django names the pages of a model."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{view}"

    def page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        """A page of this model, with the site's own header and navigation."""
        request.current_app = self.admin_site.name
        every = {"opts": self.opts, "media": self.media, "list_url": self.list_url(self.model)}
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), **every, **context}
        )


class ReadOnlyAdmin(PassportModelAdmin[M]):
    """Rows that only the software writes."""

    page_template = ""
    """Of a row's own page; without one Django's read-only form is shown."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def page_context(self, request: HttpRequest, row: M) -> dict[str, Any]:
        """What the page of one row shows."""
        return {}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.page_template:
            return super().change_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, row) or request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        if row is None:
            raise Http404
        return self.page(
            request, self.page_template, title=format_line(row), **self.page_context(request, row)
        )


AdminView = Callable[..., HttpResponseBase]
NUL = "\x00"


def refuse_nul(view: AdminView) -> AdminView:
    """The same view, with 400 for a request whose path, query string or form has a NUL."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        posted = request.POST if request.method == "POST" else QueryDict()
        if any(
            NUL in text for text in (request.path_info, *_iterate_texts(request.GET), *_iterate_texts(posted))
        ):
            raise SuspiciousOperation("a NUL character")
        return view(request, *args, **kwargs)

    return guarded


def _iterate_texts(said: QueryDict) -> Iterable[str]:
    for name, values in said.lists():
        yield name
        yield from map(str, values)
