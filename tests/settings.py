"""Settings of the tests: the shipped ones, on a database of their own."""

import os
import tempfile

os.environ.setdefault("FOOTNOTE_HOME", tempfile.mkdtemp(prefix="footnote-tests-"))
os.environ.setdefault("SECRET_KEY", "only-for-tests")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
