"""
What auditors read: every event, with what is sealed opened for a stated purpose alone.
"""

from tests.support.homezone import Client, RunningHomezone

PURPOSE = "case 12"


def auditor(homezone: RunningHomezone, role: str = "compliance") -> Client:
    return homezone.client(11_000, role)


def test_a_filtered_answer_leaves_nothing_out(homezone: RunningHomezone) -> None:
    member = homezone.member()
    staff = auditor(homezone)
    for number in range(20):
        post = member.publish(f"第{number}首").json
        seen = staff.walk("/v1/audit/events", owner=str(member.qq), type="post.published.v1")
        assert seen[-1]["stream"] == post["id"], "just written, and in the answer"
        assert len(seen) == number + 1


def test_positions_bound_what_is_read(homezone: RunningHomezone) -> None:
    member = homezone.member()
    first, second, third = (member.publish(str(number)).position for number in range(3))
    staff = auditor(homezone)
    events = staff.walk("/v1/audit/events", **{"from": first, "to": second})
    assert [one["position"] for one in events if one["type"] == "post.published.v1"][-1] == second
    assert first not in {one["position"] for one in events}
    assert third not in {one["position"] for one in events}
    cell = first.split("-")[0]
    far = staff.get("/v1/audit/events", to=f"{cell}-999999999", owner=str(member.qq), limit=100)
    assert third in {one["position"] for one in far.ok(200).json["items"]}


def test_sealed_fields_open_for_a_purpose_which_is_recorded(homezone: RunningHomezone) -> None:
    member = homezone.member("摩诘")
    post = member.publish("空山不见人").json["id"]
    staff, path = auditor(homezone), f"/v1/audit/streams/{post}"
    sealed = staff.get(path).ok(200).json
    assert sealed["events"][0]["data"]["content"]["text"] == {"sealed": True}
    assert sealed["state"]["content"]["text"] == {"sealed": True}
    headers = {"Homezone-Purpose": PURPOSE}
    opened = staff.request("GET", path, headers=headers).ok(200).json
    assert opened["events"][0]["data"]["content"]["text"] == "空山不见人"
    assert opened["state"]["is"] == "live"

    records = staff.request(
        "GET", "/v1/audit/events?type=disclosure.read.v1&actor=11000&limit=100", headers=headers
    ).ok(200)
    mine = [one["data"] for one in records.json["items"] if post in one["data"]["streams"]]
    assert [(one["role"], one["purpose"]) for one in mine] == [("compliance", PURPOSE)]


def test_real_names_open_for_compliance_alone(homezone: RunningHomezone) -> None:
    member = homezone.member(real_name="王维")
    path = f"/v1/audit/events?owner={member.qq}&type=account.opened.v1"
    headers = {"Homezone-Purpose": PURPOSE}
    for role, expected in (("compliance", "王维"), ("auditor", {"sealed": True})):
        staff = auditor(homezone, role)
        (event,) = staff.request("GET", path, headers=headers).ok(200).json["items"]
        assert event["data"]["identity"]["real_name"] == expected
        assert event["data"]["identity"]["qq"] == str(member.qq)


def test_a_stream_folds_to_the_state_it_had(homezone: RunningHomezone) -> None:
    member = homezone.member()
    post = member.publish("旧").json["id"]
    member.put(f"/v1/posts/{post}/audience", {"to": "only_me"}).ok()
    gone = member.delete(f"/v1/posts/{post}").ok().position
    staff, path = auditor(homezone), f"/v1/audit/streams/{post}"
    assert staff.get(path).ok(200).json["state"]["is"] == "deleted"
    first = staff.get(path, at="1").ok(200).json
    assert (first["version"], first["state"]["audience"]) == (1, {"to": "public"})
    assert staff.get(path, at="2").ok(200).json["state"]["audience"] == {"to": "only_me"}
    assert staff.get(path, at=gone).ok(200).json["version"] == 3
    staff.get(path, at="yesterday").refused(400)


def test_only_auditors_and_compliance_may_look(homezone: RunningHomezone) -> None:
    member = homezone.member()
    for client in (member, homezone.operator, homezone.client(11_001, "moderator")):
        client.get("/v1/audit/events").refused(403, "forbidden")
    homezone.with_token(None).get("/v1/audit/events").refused(401)
