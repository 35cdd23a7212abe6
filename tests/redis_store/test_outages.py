"""Case C5. What is said while Redis is away: the server and the way out, and nothing that it stores."""

from __future__ import annotations

import pytest
from redis.exceptions import AuthenticationError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from passport_events.redis_store.outages import describe_outage


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            RedisConnectionError("Error 111 connecting to db.example:6379. Connection refused."),
            " at db.example:6379 did not answer: ConnectionError",
        ),
        (
            RedisTimeoutError("Timeout reading from 127.0.0.1:6379"),
            " at 127.0.0.1:6379 did not answer: TimeoutError",
        ),
        (
            RedisConnectionError("Error 2 connecting to unix socket /run/redis.sock. No such file."),
            " at /run/redis.sock did not answer: ConnectionError",
        ),
        (AuthenticationError("invalid username-password pair"), " did not answer: AuthenticationError"),
        (ResponseError("reading from student@example.edu"), " did not answer: ResponseError"),
        (ValueError("student@example.edu"), " did not answer: ValueError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_outage_names_the_server_where_redis_py_does_and_no_stored_value(
    error: Exception, said: str
) -> None:
    assert describe_outage(error) == f"Redis{said}. To find out more, run manage.py passport doctor."
