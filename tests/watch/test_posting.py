"""Posting alarms: which answers are tried again, and that errors do not show the address."""

import socket

import pytest

from etelecom_analytics.api.retry import Retry
from etelecom_analytics.errors import PostError
from etelecom_analytics.watch.posting import post_json

from .test_watch_command import Receiver, receiver

__all__ = ["receiver"]

QUICK = Retry(attempts=3, first_wait_s=0.01)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_transient_answer_is_tried_again(receiver: Receiver, status: int):
    receiver.statuses = [status, status]

    post_json(receiver.address, {"text": "Số cuộc gọi"}, retry=QUICK)

    assert receiver.documents == [{"text": "Số cuộc gọi"}] * 3


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404])
def test_other_answer_is_an_error_at_once(receiver: Receiver, status: int):
    receiver.statuses = [status]

    with pytest.raises(PostError, match=rf"at 127\.0\.0\.1 \({status}\)") as caught:
        post_json(receiver.address, {}, retry=QUICK)

    assert len(receiver.documents) == 1
    assert "secret-token" not in str(caught.value)


def test_closed_port_is_an_error_without_the_address():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        with pytest.raises(PostError, match="after 3 attempts") as caught:
            post_json(f"http://127.0.0.1:{port}/hook/token?key=secret", {}, retry=QUICK)

    assert "token" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None
