"""A user without a username and with a UUID for a key, and what the handler writes."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class UserManager(BaseUserManager["User"]):
    """What `createsuperuser` needs."""

    def create_superuser(self, email: str, password: str | None = None) -> User:
        """A user who may do everything."""
        user = self.model(email=email, is_staff=True, is_superuser=True)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody with an e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class Deal(models.Model):
    """What the monolith knows of an opportunity."""

    record_id = models.CharField(max_length=18, unique=True)
    name = models.CharField(max_length=120, blank=True)
    stage = models.CharField(max_length=80, blank=True)

    # Said aloud for mypy, whose plugin knows only the apps of `tests.settings`.
    objects: ClassVar[models.Manager[Deal]] = models.Manager()

    def __str__(self) -> str:
        return self.name
