"""Django's admin app, with the monolith's site."""

from django.contrib.admin.apps import AdminConfig


class BackofficeConfig(AdminConfig):
    """Makes `admin.site` the monolith's."""

    default_site = "tests.monolith.backoffice.Backoffice"
