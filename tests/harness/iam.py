"""A role in moto that may do everything but what a test denies it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import boto3
import pytest
from moto.core.authorization import enable_iam_authentication

from passport_events.aws_clients import clients
from tests.harness import environment

USER = "doctor"


@contextlib.contextmanager
def denied(*actions: str) -> Iterator[None]:
    """Work as a user to whom these actions are denied; everything else is allowed."""
    iam = boto3.client("iam", endpoint_url=environment.aws_endpoint_url(), region_name=environment.REGION)
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": list(actions), "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.create_user(UserName=USER)
    iam.put_user_policy(UserName=USER, PolicyName="all-but", PolicyDocument=document)
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    with pytest.MonkeyPatch.context() as patch, enable_iam_authentication():
        patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        clients._get_session.cache_clear()  # it keeps the credentials that it found first
        try:
            yield
        finally:
            clients._get_session.cache_clear()
    iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=USER, PolicyName="all-but")
    iam.delete_user(UserName=USER)
