"""The monolith's admin site."""

from django.contrib.admin import AdminSite


class Backoffice(AdminSite):
    """Named otherwise than Django's own, as a second site in a project is."""

    site_header = "Campus back office"

    def __init__(self) -> None:
        """Django makes it without arguments."""
        super().__init__(name="backoffice")
