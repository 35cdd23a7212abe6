"""The work is what it says: of the right size, every event once, with the values of the newest."""

from __future__ import annotations

from benchmarks.throughput import events
from benchmarks.throughput.peers.change import read as read_as_peer
from passport_events.conf import Settings
from passport_events.wire.parser import parse_delivery
from passport_events.wire.raw_delivery import RawDelivery


def test_every_event_is_one_event_of_about_two_kilobytes() -> None:
    work = events.make(500)
    readings = [
        parse_delivery(
            RawDelivery(message_id="m", receipt_handle="r", body=body.encode(), attributes={}), Settings()
        )
        for body in work.bodies
    ]

    assert {len(reading.events) for reading in readings} == {1}
    assert len({reading.events[0].identity.key for reading in readings}) == 500
    assert all(abs(len(body) - events.BYTES) < 20 for body in work.bodies)


def test_the_newest_event_of_a_record_has_the_expected_values() -> None:
    work = events.make(500)
    newest = {change.record_id: change for change in map(read_as_peer, work.bodies)}

    assert {record: change.fields for record, change in newest.items()} == work.expected
    assert len(newest) < 500


def test_peers_read_the_same_as_we_do() -> None:
    for body in events.make(50).bodies:
        ours = parse_delivery(
            RawDelivery(message_id="m", receipt_handle="r", body=body.encode(), attributes={}), Settings()
        ).events[0]
        theirs = read_as_peer(body)

        # A CREATE's nulls say nothing, and are not carried on.
        said = {name: value for name, value in theirs.fields.items() if value is not None}
        assert (ours.organization, ours.record_id) == (theirs.organization, theirs.record_id)
        assert {name: value for name, value in ours.fields.items() if value is not None} == said


def test_fewer_events_have_fewer_records() -> None:
    created = [sum("CREATE" in body for body in events.make(count).bodies) / count for count in (200, 2_000)]

    assert abs(created[0] - created[1]) < 0.05
