"""A file of partners is taken in row by row: each as the API would take it, whole or not at all, and every row is reported."""

from __future__ import annotations

from typing import Any

from tests.partners.conftest import PartnersService
from tests.partners.importing.conftest import Files, cities, city, lines, table

CITY: dict[str, Any] = {"kind": "city", "names": {"es": "Manizales"}, "country": "CO", "timezone": "America/Bogota"}


async def test_each_row_registers_a_partner_and_the_same_file_again_changes_nothing(files: Files) -> None:
    first = await files.done(cities(3))
    assert (first["state"], first["rows"], first["done"], first["registered"]) == ("finished", 3, 3, 3)
    assert all(first[name] is not None for name in ("started_at", "finished_at", "rows_until"))
    told = await files.rows(first)
    assert [(row["line"], row["outcome"]) for row in told] == [(2, "registered"), (3, "registered"), (4, "registered")]
    partner = (await files.service.operator.get(f"/v1/partners/{told[1]['partner']}")).json()
    assert (partner["names"]["es"], partner["identifiers"]) == (city(1)[1], [{"scheme": "dane", "value": "00001"}])
    again = await files.done(cities(3))
    assert (again["unchanged"], again["registered"], len(await files.service.facts())) == (3, 0, 3)


async def test_a_row_with_a_known_key_updates_and_what_its_cells_leave_empty_stays(files: Files) -> None:
    header = ("kind", "name.es", "country", "timezone", "identifier.dane", "locality", "acronym")
    await files.done(table([[*city(1), "Norte", "NN"]], header))
    done = await files.done(table([[*city(1), "Sur", ""]], header))
    row = (await files.rows(done))[0]
    partner = (await files.service.operator.get(f"/v1/partners/{row['partner']}")).json()
    assert (done["updated"], partner["locality"], partner["acronym"], partner["version"]) == (1, "Sur", "NN", 2)


async def test_history_facts_and_audit_are_those_of_the_api(files: Files) -> None:
    done = await files.done(cities(1))
    partner = (await files.rows(done))[0]["partner"]
    history = (await files.service.operator.get(f"/v1/partners/{partner}/history")).json()["items"]
    assert [(change["client"], change["version"]) for change in history] == [("bootstrap", 1)]
    facts = await files.service.facts(f"partner/{partner}")
    assert [fact["type"] for fact in facts] == ["org.interurbe.partner.registered.v1"]
    sent = (await files.rows(done))[0]
    assert sent["problem"] is None
    for loop in (one for one in files_loops(files.service) if one.name == "audit"):
        await loop.step()
    entries = (await files.service.operator.get("/v1/audit")).json()["items"]
    subjects = {entry["subject"]: entry for entry in entries}
    row, upload = subjects[f"/v1/partners/{partner}"], subjects[f"/v1/imports/{done['id']}"]
    assert (row["action"], row["outcome"], row["trace_id"]) == ("POST /v1/partners/import", "201", upload["trace_id"])
    assert facts[0]["headers"]["traceparent"].split("-")[1] == upload["trace_id"]


def files_loops(service: PartnersService) -> list[Any]:
    from services.partners.worker import loops  # noqa: PLC0415 - the test asks for the real list

    return loops(service.runtime)


async def test_a_bad_row_names_field_column_rule_and_fix_and_the_others_go_on(files: Files) -> None:
    done = await files.done(table([city(1), ["city", "Cali", "Colombia", "Bogota", "76001"], city(2)]))
    assert (done["registered"], done["refused"]) == (2, 1)
    (row,) = await files.rows(done, outcome="refused")
    problem = row["problem"]
    assert (row["line"], row["partner"], row["said"][1]) == (3, None, "Cali")
    assert (problem["code"], problem["field"], problem["column"]) == ("invalid", "/country", "country")
    assert [error["column"] for error in problem["errors"]] == ["country", "timezone"]
    assert all(error["rule"] and error["fix"] for error in problem["errors"])


async def test_rules_of_the_registry_are_told_like_those_of_a_field(files: Files) -> None:
    header = ("kind", "name.es", "country", "timezone", "subdivision", "identifier.dane")
    await files.done(cities(1))
    done = await files.done(table([["city", "Quito", "EC", "America/Guayaquil", "CO-ANT", "1"]], header))
    (row,) = await files.rows(done)
    assert (row["problem"]["field"], row["problem"]["column"]) == ("/subdivision", "subdivision")
    assert "EC" in row["problem"]["fix"]
    done = await files.done(table([["city", "Quito", "EC", "America/Guayaquil", "EC-ZZ", "1"]], header))
    (row,) = await files.rows(done)
    assert (row["problem"]["column"], row["problem"]["detail"]) == ("subdivision", "ISO 3166-2 knows no subdivision EC-ZZ.")


async def test_a_suspected_duplicate_is_told_with_its_suspects_and_registered_when_forced(files: Files) -> None:
    known = await files.service.register(names={"es": "Ciudad de Manizales"})
    row = ["city", "Ciudad Manizales", "CO", "America/Bogota", "17001"]
    done = await files.done(table([row]))
    (told,) = await files.rows(done)
    assert (done["suspected_duplicate"], told["outcome"]) == (1, "suspected_duplicate")
    assert told["problem"]["suspects"][0]["id"] == known["id"]
    forced = await files.done(table([row]), force="true")
    assert forced["registered"] == 1
    again = await files.done(table([row]), force="true")
    assert again["unchanged"] == 1


async def test_a_row_without_a_key_is_known_by_saying_nothing_new(files: Files) -> None:
    sent = lines(CITY, CITY | {"names": {"es": "Pereira"}, "force": True})
    assert (await files.done(sent, "application/x-ndjson"))["registered"] == 2
    assert (await files.done(sent, "application/ndjson"))["unchanged"] == 2
    other = await files.done(lines(CITY | {"locality": "Caldas"}), "application/x-ndjson")
    assert other["suspected_duplicate"] == 1


async def test_a_row_may_name_the_partner_by_id_and_the_version_it_was_decided_on(files: Files) -> None:
    known = await files.service.register(**CITY)
    named = CITY | {"id": known["id"], "locality": "Norte"}
    done = await files.done(lines(named | {"version": 7}), "application/x-ndjson")
    assert (await files.rows(done))[0]["problem"]["code"] == "stale"
    assert (await files.done(lines(named | {"version": 1}), "application/x-ndjson"))["updated"] == 1
    assert (await files.done(lines(named | {"version": 1}), "application/x-ndjson"))["unchanged"] == 1
    nobody = await files.done(lines(CITY | {"id": "01939f6e-8f1a-7c3e-9b52-3f7a1c2d4e5f"}), "application/x-ndjson")
    assert (await files.rows(nobody))[0]["problem"]["code"] == "unknown-partner"


async def test_a_row_about_a_merged_partner_is_refused_and_names_the_survivor(files: Files) -> None:
    old, into = await files.service.register(**CITY), await files.service.register()
    merge = {"into": into["id"], "reason": "Es la misma."}
    merged = await files.service.operator.post(f"/v1/partners/{old['id']}/merge", json=merge, headers={"If-Match": '"1"'})
    assert merged.status_code == 201, merged.text
    for said in ({}, {"locality": "Norte"}, {"locality": "Norte", "version": 2}):
        (row,) = await files.rows(await files.done(lines(CITY | {"id": old["id"]} | said), "application/x-ndjson"))
        assert (row["outcome"], row["problem"]["code"], row["problem"]["field"]) == ("refused", "partner-merged", "/id")
        assert row["problem"]["survivor"] == into["id"]
    history = (await files.service.operator.get(f"/v1/partners/{old['id']}/history")).json()["items"]
    assert len(history) == 2, "registered and merged, and nothing since"


async def test_the_second_row_about_a_partner_is_refused_and_names_the_first(files: Files) -> None:
    done = await files.done(table([city(1), city(2), [*city(3)[:4], "00001"]]))
    (row,) = await files.rows(done, outcome="refused")
    assert (row["line"], row["problem"]["code"], row["problem"]["line"]) == (4, "repeated-in-file", 2)
    assert row["problem"]["fix"]


async def test_a_partner_changes_its_own_record_by_a_file_and_nobody_elses(files: Files) -> None:
    done = await files.done(cities(2))
    mine, other = [row["partner"] for row in await files.rows(done)]
    client = await files.service.client_for(mine)
    header = ("kind", "name.es", "country", "timezone", "identifier.dane", "locality")
    sent = table([[*city(number), "Norte"] for number in range(3)], header)
    theirs = await files.done(sent, client=client)
    assert [row["outcome"] for row in await files.rows(theirs)] == ["updated", "refused", "refused"]
    assert {row["problem"]["code"] for row in await files.rows(theirs, outcome="refused")} == {"forbidden"}
    assert (await files.service.operator.get(f"/v1/partners/{other}")).json()["version"] == 1
    nothing_new = await files.rows(await files.done(cities(2), client=client))
    assert [row["outcome"] for row in nothing_new] == ["unchanged", "refused"]


async def test_a_broken_line_is_refused_alone(files: Files) -> None:
    sent = (
        lines(CITY) + '{"kind": \n[1]\n\n' + '{"kind": "city", "kind": "ngo"}\n' + lines(CITY | {"names": {"es": "Armenia"}, "colour": 1})
    )
    done = await files.done(sent, "application/x-ndjson")
    assert (done["rows"], done["registered"], done["refused"]) == (5, 1, 4)
    told = await files.rows(done, outcome="refused")
    assert [row["line"] for row in told] == [2, 3, 5, 6]
    assert [row["problem"]["field"] for row in told] == ["/", "/", "kind", "/colour"]
    assert all(row["problem"]["fix"] for row in told)


async def test_rows_of_another_length_are_refused_alone(files: Files) -> None:
    done = await files.done(table([[*city(1), "one more"], city(2)[:3], [*city(3), "", " "]]))
    assert [row["outcome"] for row in await files.rows(done)] == ["refused", "refused", "registered"]
    assert "7 cells" not in (await files.rows(done))[0]["problem"]["detail"]
    assert "has 6 cells; the first line of the file has 5" in (await files.rows(done))[0]["problem"]["detail"]


async def test_a_client_that_is_revoked_has_no_more_rows_taken(files: Files) -> None:
    client = await files.service.client_of("city")
    sent = await files.send(cities(1), client=client)
    made = (await files.service.operator.get("/v1/clients", params={"limit": 200})).json()["items"]
    (theirs,) = [one["id"] for one in made if one["partner"] == client.partner]
    await files.service.operator.post(f"/v1/clients/{theirs}/revoke")
    await files.work()
    ended = (await files.service.operator.get(sent.headers["location"])).json()
    assert (ended["state"], ended["ended_because"], ended["done"]) == ("cancelled", "client revoked", 0)
