"""Says which detections fire over streams of events, without any code of Nuncio.

Reads batches of detections and events as JSON from the standard input, and writes for each detection and group when it
fires. pySigma compiles counts, distinct counts and sequences to SQL, which says at which times the pattern is there.
Which of these times fire follows from the specification:

* Runs (`repeat`) are consecutive members at such times. Sigma has no runs.
* A sequence uses each event once, and the earliest that fits. Sigma uses an event as often as it can, so that its rows
  bound the firings: the first firing is at the first row, and each is at a row.
* `first_seen` and `absent`, which Sigma has not, are SQL window functions over the gaps between events.

Sigma compares without regard to case, and keeps one scalar in a column. The streams are lower-case, and a list is one
row for each of its groups here.
"""

import datetime
import json
import sqlite3
import sys

import yaml
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

MOST_LIST_GROUPS = 10
# Seconds.
LATENESS = 15 * 60
# Joins are counted by trying every prefix of a stream; longer streams are not bounded by them.
MOST_MEMBERS_TO_JOIN = 80


def at_path(event, path):
    value = event
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def group_values(event, path):
    value = at_path(event, path)
    values = value if isinstance(value, list) else [value]
    distinct = []
    for one in values:
        if one is not None and one not in distinct and len(distinct) < MOST_LIST_GROUPS:
            distinct.append(one)
    return distinct


def groups(event, paths):
    found = [[]]
    for path in paths:
        found = [before + [value] for before in found for value in group_values(event, path)]
    return [json.dumps(values, separators=(",", ":")) for values in found]


def table(detection, events):
    """A database with one row for each event and group."""
    paths = detection["by"] + detection.get("value", [])
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE logs (timestamp TEXT, at INTEGER, pk TEXT, action TEXT, grp TEXT, counted TEXT)")
    for event in events:
        time = datetime.datetime.fromtimestamp(event["at"] // 1000, datetime.timezone.utc)
        time = time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{event['at'] % 1000:03}Z"
        counted = at_path(event, detection["distinct"]) if detection.get("distinct") else None
        counted = None if counted is None else json.dumps(counted)
        for group in groups(event, paths):
            row = (time, event["at"], event["pk"], event["action"], group, counted)
            database.execute("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)", row)
    return database


def sigma_rows(database, detection):
    """For each group, the times at which Sigma's rule holds."""
    steps = [
        {"title": name, "name": f"step{number}", "logsource": {"category": "any"},
         "detection": {"selection": {"action": name}, "condition": "selection"}}
        for number, name in enumerate(detection["of"])
    ]
    correlation = {
        "rules": [step["name"] for step in steps],
        "group-by": ["grp"],
        "timespan": f"{detection['within']}s",
    }
    if detection["kind"] == "sequence":
        correlation["type"] = "temporal_ordered" if detection["ordered"] else "temporal"
    else:
        correlation["condition"] = {"gte": detection["at_least"]}
        correlation["type"] = "event_count"
        if detection.get("distinct"):
            correlation["type"] = "value_count"
            correlation["condition"]["field"] = "counted"
    rules = [*steps, {"title": "all", "name": "all", "correlation": correlation}]
    text = "\n---\n".join(yaml.safe_dump(rule) for rule in rules)
    statement = sqliteBackend().convert(SigmaCollection.from_yaml(text))[-1]
    rows = {}
    for _, keys, end, *_ in database.execute(statement):
        rows.setdefault(json.loads(keys)["grp"], set()).add(round(end * 1000))
    return rows


def members(database, detection):
    """For each group, its members in order: time, pk, step."""
    found = {}
    for at, pk, action, group in database.execute("SELECT at, pk, action, grp FROM logs ORDER BY at, pk"):
        if action in detection["of"]:
            found.setdefault(group, []).append((at, pk, detection["of"].index(action)))
    return found


def runs_of(times, qualifies, pause=None):
    """Consecutive members that qualify. A pause after which the group is forgotten ends a run."""
    runs, is_open = [], False
    for before, time in zip([None, *times], times):
        is_open = is_open and (pause is None or time - before <= pause)
        if qualifies(time):
            if not is_open:
                runs.append([])
            runs[-1].append(time)
        is_open = qualifies(time)
    return runs


def firings_of_run(run, repeat):
    fired = []
    for time in run:
        again = repeat == "every" or (repeat != "crossing" and fired and time - fired[-1] >= repeat * 1000)
        if not fired or again:
            fired.append(time)
    return fired


def count_joins(detection, group, values, order):
    """How often an event that came out of order made one run of several. `order` has the events as they came."""
    within, joins, before, so_far = detection["within"] * 1000, 0, [], []
    for event in order:
        if (event["at"], event["pk"]) not in group:
            continue
        so_far = sorted([*so_far, (event["at"], event["pk"])])

        def qualifies(member):
            window = [one for one in so_far if member[0] - within <= one[0] <= member[0]]
            found = {values[one] for one in window} - {None} if detection.get("distinct") else window
            return len(found) >= detection["at_least"]

        now = [set(run) for run in runs_of(so_far, qualifies)]
        joins += sum(max(0, sum(1 for old in before if old & run) - 1) for run in now)
        before = now
    return joins


def count(detection, events, order):
    database = table(detection, events)
    rows, result = sigma_rows(database, detection), {}
    values = {(at, pk): value for at, pk, value in database.execute("SELECT at, pk, counted FROM logs")}
    for group, found in members(database, detection).items():
        qualifying = rows.get(group, set())
        pause = (2 * detection["within"] + LATENESS) * 1000
        runs = runs_of([at for at, _, _ in found], lambda time: time in qualifying, pause)
        fired = [time for run in runs for time in firings_of_run(run, detection["repeat"])]
        joins = None
        if order and detection["repeat"] == "crossing" and len(found) <= MOST_MEMBERS_TO_JOIN:
            joins = count_joins(detection, {(at, pk) for at, pk, _ in found}, values, order)
        result[group] = {"fired": fired, "runs": runs, "joins": joins}
    return result


def sequence(detection, events, _order):
    database = table(detection, events)
    rows, result = sigma_rows(database, detection), {}
    last_step = len(detection["of"]) - 1
    for group, found in members(database, detection).items():
        fired, used = [], set()
        for end, (at, _, step) in enumerate(found):
            if end in used or (detection["ordered"] and step != last_step):
                continue
            usable = [i for i in range(end) if i not in used and found[i][0] >= at - detection["within"] * 1000]
            taken = [end]
            for wanted in [one for one in range(last_step + 1) if one != step]:
                later = found[taken[-1]][0] if detection["ordered"] and len(taken) > 1 else None
                fits = [
                    i for i in usable
                    if found[i][2] == wanted
                    and (not detection["ordered"] or ((later is None or found[i][0] > later) and found[i][0] < at))
                ]
                if not fits:
                    break
                taken.append(fits[0])
            else:
                used.update(taken)
                fired.append(at)
        bounds = rows.get(group, set())
        assert set(fired) <= bounds and fired[:1] == sorted(bounds)[:1], (detection, group, fired, sorted(bounds))
        result[group] = {"fired": fired}
    return result


def first_seen(detection, events, _order):
    statement = """
        SELECT grp, at FROM (
            SELECT grp, at, at - lag(at) OVER (PARTITION BY grp ORDER BY at, pk) AS gap FROM logs WHERE action = ?
        ) WHERE gap IS NULL OR gap > ?"""
    result = {}
    for group, at in table(detection, events).execute(statement, (detection["of"][0], detection["remember"] * 1000)):
        result.setdefault(group, {"fired": []})["fired"].append(at)
    return result


def absent(detection, events, _order):
    statement = """
        SELECT grp, at, lead(at) OVER (PARTITION BY grp ORDER BY at, pk) FROM logs WHERE action = ?"""
    wait, forgotten, result = detection["wait"] * 1000, detection.get("forgotten_after"), {}
    for group, at, following in table(detection, events).execute(statement, (detection["of"][0],)):
        own = result.setdefault(group, {"fired": [], "resolved": []})
        if following is None or following > at + wait:
            own["fired"].append(at + wait)
            if following is not None and (forgotten is None or following <= at + forgotten * 1000):
                own["resolved"].append(following)
    return result


KINDS = {"count": count, "sequence": sequence, "first_seen": first_seen, "absent": absent}


def firings_as_events(name, detection, result):
    """What a detection wrote, for the detections that build on it."""
    for group, found in result.items():
        # A detection event has the person at the path that every event has it at. Chains are by person here.
        user = {"username": json.loads(group)[0]} if detection["by"] == ["user.username"] else {}
        for number, at in enumerate(found["fired"]):
            yield {"pk": f"{name}/{group}/{number}", "at": at, "action": name, "user": user}


def evaluate(batch):
    events, results = list(batch["events"]), {}
    for detection in batch["detections"]:
        order = sorted(events, key=lambda event: (event["message"], event["at"], event["pk"])) if batch["shuffled"] else None
        results[detection["name"]] = KINDS[detection["kind"]](detection, events, order)
        if not batch["shuffled"]:
            events.extend(firings_as_events(detection["name"], detection, results[detection["name"]]))
    return results


json.dump([evaluate(batch) for batch in json.load(sys.stdin)], sys.stdout)
