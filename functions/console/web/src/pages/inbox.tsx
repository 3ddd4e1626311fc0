/** What the signed-in user was told. */

import { useState } from "preact/hooks";
import { read, send } from "../api";
import { useAction, useLoad, useNow, useTitle } from "../hooks";
import { tellChanged, useChanged, useIsLive } from "../live";
import { SeverityMark } from "../parts/marks";
import { Empty, Failure, Waiting } from "../parts/states";
import { Text } from "../parts/value";
import { When } from "../parts/when";
import { useSession } from "../session";
import { visible } from "../text";
import type { InboxItem, List } from "../types";

const PAGE = 50;

export function InboxPage() {
  useTitle("Inbox");
  const { username, admin } = useSession();
  const now = useNow();
  const [unseen, setUnseen] = useState(true);
  const [whose, setWhose] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const owner = username ? undefined : whose;
  const ready = username || whose;
  const key = JSON.stringify([unseen, owner, limit]);
  // Word comes of one's own inbox only.
  const live = useIsLive() && owner === undefined;
  const list = useLoad(
    key,
    (signal) =>
      ready
        ? read<List<InboxItem>>("/v1/notifications", { username: owner, seen: unseen ? false : undefined, limit }, signal)
        : Promise.resolve({ results: [], next: null }),
    live ? 60_000 : 4_000,
  );
  useChanged(list.reload);
  const action = useAction();
  const mark = (item: InboxItem, seen: boolean) =>
    action.run(async () => {
      await send("PATCH", `/v1/notifications/${encodeURIComponent(item.pk)}`, { seen }, { username: owner });
      tellChanged();
    });
  const markAll = () =>
    action.run(async () => {
      await send("POST", "/v1/notifications/mark_all_seen", undefined, { username: owner });
      tellChanged();
    });
  const items = list.data?.results ?? [];
  return (
    <div class="page narrow">
      <div class="page-head">
        <h1>Inbox</h1>
        <div class="segments" role="group" aria-label="Which notifications">
          <button type="button" aria-pressed={unseen} onClick={() => setUnseen(true)}>
            Unread
          </button>
          <button type="button" aria-pressed={!unseen} onClick={() => setUnseen(false)}>
            All
          </button>
        </div>
        <button type="button" disabled={action.busy || !items.some((item) => !item.seen)} onClick={markAll}>
          Mark all as seen
        </button>
      </div>
      {!username && admin && (
        <label class="inline">
          Whose inbox <input value={whose} onChange={(change) => setWhose(change.currentTarget.value)} placeholder="username" />
        </label>
      )}
      {action.problem && <Failure problem={action.problem} />}
      {list.problem && !list.data && <Failure problem={list.problem} retry={list.reload} />}
      {!list.data && !list.problem && <Waiting />}
      <ul class="inbox">
        {items.map((item) => (
          <li key={item.pk} class={item.seen ? "note" : "note unseen"}>
            <div class="note-head">
              <SeverityMark severity={item.severity} />
              <bdi class="note-action">{item.action}</bdi>
              <span class="dim">
                by <bdi>{visible(item.rule)}</bdi>
              </span>
              <span class="dim note-when">
                <When at={item.created} now={now} short />
              </span>
            </div>
            <p class="note-body">
              <Text text={item.body} />
            </p>
            <div class="note-foot">
              <a href={`/events/${item.event}`} onClick={() => !item.seen && void mark(item, true)}>
                Show the event
              </a>
              {item.hyperlink && /^https?:/.test(item.hyperlink) && !item.hyperlink.includes(`/events/${item.event}`) && (
                <a href={item.hyperlink} target="_blank" rel="noreferrer noopener">
                  {visible(item.hyperlink_label ?? "Open")}
                </a>
              )}
              <button type="button" class="plain" disabled={action.busy} onClick={() => mark(item, !item.seen)}>
                {item.seen ? "Mark as unread" : "Mark as seen"}
              </button>
            </div>
          </li>
        ))}
      </ul>
      {list.data?.next && (
        <button type="button" onClick={() => setLimit(Math.min(1000, limit + 200))}>
          Show more
        </button>
      )}
      {list.data && !items.length && (
        <Empty title={unseen ? "Nothing unread" : "Nobody has told you anything yet"}>
          {unseen ? (
            <button type="button" onClick={() => setUnseen(false)}>
              Show what you have seen
            </button>
          ) : (
            <p>
              A <a href="/rules">rule</a> puts a notification here when it fires for a group that you are in, by a transport of mode{" "}
              <code>local</code>.
            </p>
          )}
        </Empty>
      )}
    </div>
  );
}
